#!/usr/bin/python3
"""GnuTLS against llm_server, function by function: libgnutls (or curl's GnuTLS build) called through ctypes.

    gnutls_client.py --port 41237 --ca cert.pem --count 3 --stream
    gnutls_client.py --port 41237 --ca cert.pem --way cork
    gnutls_client.py --port 41237 --ca cert.pem --curl
The libraries are those that the dynamic loader finds. The exit code is 0 if every answer was whole.

Ways: plain; cork (the request is corked and flushed); nonblocking (a small send buffer, and a send that says EAGAIN is called again
with the same arguments); null (it is called again with NULL and 0); seq (gnutls_record_recv_seq); packet (gnutls_record_recv_packet);
range (gnutls_record_send_range).
"""
import argparse
import ctypes
import json
import os
import select
import socket
import sys

import answers

GNUTLS_CLIENT, GNUTLS_NONBLOCK, GNUTLS_CRD_CERTIFICATE, GNUTLS_NAME_DNS, GNUTLS_X509_FMT_PEM = 2, 8, 1, 1, 1
GNUTLS_E_AGAIN, GNUTLS_E_INTERRUPTED, GNUTLS_E_PREMATURE_TERMINATION = -28, -52, -110
GNUTLS_RECORD_WAIT = 1


class Session:
    def __init__(self, options):
        self.lib = lib = ctypes.CDLL("libgnutls.so.30")
        for name in ("gnutls_record_send", "gnutls_record_recv", "gnutls_record_recv_seq", "gnutls_record_recv_packet",
                     "gnutls_record_send_range"):
            getattr(lib, name).restype = ctypes.c_ssize_t
        self.way = options.way
        self.again = 0  # sends that had to be called again
        self.socket = socket.create_connection(("localhost", options.port))
        credentials = ctypes.c_void_p()
        self.check(lib.gnutls_certificate_allocate_credentials(ctypes.byref(credentials)))
        if lib.gnutls_certificate_set_x509_trust_file(credentials, options.ca.encode(), GNUTLS_X509_FMT_PEM) < 0:
            raise RuntimeError("no certificate")
        self.credentials = credentials
        self.session = ctypes.c_void_p()
        self.check(lib.gnutls_init(ctypes.byref(self.session), GNUTLS_CLIENT | (GNUTLS_NONBLOCK if self.waits() else 0)))
        # A name that no NUL follows.
        name = ctypes.create_string_buffer(b"localhost.and.more")
        self.check(lib.gnutls_server_name_set(self.session, GNUTLS_NAME_DNS, name, ctypes.c_size_t(9)))
        self.check(lib.gnutls_set_default_priority(self.session))
        self.check(lib.gnutls_credentials_set(self.session, GNUTLS_CRD_CERTIFICATE, credentials))
        lib.gnutls_transport_set_int2(self.session, self.socket.fileno(), self.socket.fileno())
        if self.waits():
            self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
            self.socket.setblocking(False)
        while (code := lib.gnutls_handshake(self.session)) in (GNUTLS_E_AGAIN, GNUTLS_E_INTERRUPTED):
            self.wait()
        self.check(code)

    def waits(self):
        return self.way in ("nonblocking", "null")

    def wait(self):
        writing = self.lib.gnutls_record_get_direction(self.session)
        select.select([] if writing else [self.socket], [self.socket] if writing else [], [])

    @staticmethod
    def check(code):
        if code < 0:
            raise RuntimeError(f"GnuTLS says {code}")

    def send(self, data):
        lib = self.lib
        if self.way == "cork":
            lib.gnutls_record_cork(self.session)
            for at in range(0, len(data), 1000):
                part = data[at:at + 1000]
                self.check(lib.gnutls_record_send(self.session, part, ctypes.c_size_t(len(part))))
            self.check(lib.gnutls_record_uncork(self.session, GNUTLS_RECORD_WAIT))
            return
        if self.way == "range":
            limits = (ctypes.c_size_t * 2)(len(data), len(data))
            self.check(lib.gnutls_record_send_range(self.session, data, ctypes.c_size_t(len(data)), limits))
            return
        while data:
            # Memory of its own, that is gone (and overwritten) when the call is repeated without it.
            buffer = ctypes.create_string_buffer(data, len(data))
            sent = lib.gnutls_record_send(self.session, buffer, ctypes.c_size_t(len(data)))
            while sent in (GNUTLS_E_AGAIN, GNUTLS_E_INTERRUPTED):
                self.again += 1
                self.wait()
                if self.way == "null":
                    ctypes.memset(buffer, ord("!"), len(data))
                    sent = lib.gnutls_record_send(self.session, None, ctypes.c_size_t(0))
                else:
                    sent = lib.gnutls_record_send(self.session, buffer, ctypes.c_size_t(len(data)))
            self.check(sent)
            data = data[sent:]

    def receive(self):
        lib, buffer = self.lib, ctypes.create_string_buffer(5000)
        while True:
            if self.way == "packet":
                packet = ctypes.c_void_p()
                got = lib.gnutls_record_recv_packet(self.session, ctypes.byref(packet))
            elif self.way == "seq":
                got = lib.gnutls_record_recv_seq(self.session, buffer, ctypes.c_size_t(len(buffer)), ctypes.create_string_buffer(8))
            else:
                got = lib.gnutls_record_recv(self.session, buffer, ctypes.c_size_t(len(buffer)))
            if got not in (GNUTLS_E_AGAIN, GNUTLS_E_INTERRUPTED):
                break
            self.wait()
        if got == GNUTLS_E_PREMATURE_TERMINATION:
            return b""
        self.check(got)
        if self.way == "packet" and got > 0:
            datum = (ctypes.c_void_p * 2)()  # address and length
            lib.gnutls_packet_get(packet, datum, None)
            data = ctypes.string_at(datum[0], got)
            lib.gnutls_packet_deinit(packet)
            return data
        return buffer.raw[:got]

    def close(self):
        self.lib.gnutls_bye(self.session, 1)
        self.lib.gnutls_deinit(self.session)
        self.lib.gnutls_certificate_free_credentials(self.credentials)
        self.socket.close()


def request_for(options, number):
    content = answers.make_request(options.api, options.stream, f"#{os.getpid()}.{number}", options.prompt_bytes)
    body = json.dumps(content).encode()
    path = answers.PATHS[options.api] + ("?" + options.query if options.query else "")
    head = (f"POST {path} HTTP/1.1\r\nHost: localhost:{options.port}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer sk-test-0000\r\nContent-Length: {len(body)}\r\n\r\n")
    return head.encode() + body


def read_answer(session):
    """Up to the end of an answer with Content-Length or chunks. Returns whether it was whole."""
    data = b""
    while b"\r\n\r\n" not in data:
        part = session.receive()
        if not part:
            return False
        data += part
    head, _, data = data.partition(b"\r\n\r\n")
    fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:])
    length = int(fields.get(b"content-length", -1))
    chunked = fields.get(b"transfer-encoding") == b"chunked"
    while not (len(data) >= length if length >= 0 else chunked and data.endswith(b"0\r\n\r\n")):
        part = session.receive()
        if not part:
            return not chunked and length < 0
        data += part
    return True


def run_gnutls(options):
    session = Session(options)
    good = True
    for number in range(options.count):
        session.send(request_for(options, number))
        good = read_answer(session) and good
    session.close()
    print(json.dumps({"summary": {"again": session.again}}))
    return good


CURLOPT_URL, CURLOPT_CAINFO, CURLOPT_COPYPOSTFIELDS, CURLOPT_WRITEFUNCTION, CURLOPT_HTTP_VERSION = 10002, 10065, 10165, 20011, 84
CURLOPT_HTTPHEADER = 10023


def run_curl(options):
    lib = ctypes.CDLL("libcurl-gnutls.so.4")
    lib.curl_easy_init.restype = lib.curl_slist_append.restype = ctypes.c_void_p
    handle = ctypes.c_void_p(lib.curl_easy_init())
    received = []

    @ctypes.CFUNCTYPE(ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_size_t, ctypes.c_void_p)
    def write(_data, size, count, _user):
        received.append(size * count)
        return size * count

    headers = None
    for line in (b"Content-Type: application/json", b"Authorization: Bearer sk-test-0000", b"Expect:"):
        headers = ctypes.c_void_p(lib.curl_slist_append(headers, line))
    path = answers.PATHS[options.api] + ("?" + options.query if options.query else "")
    good = True
    for option, value in ((CURLOPT_URL, f"https://localhost:{options.port}{path}".encode()), (CURLOPT_CAINFO, options.ca.encode()),
                          (CURLOPT_HTTPHEADER, headers), (CURLOPT_WRITEFUNCTION, write),
                          (CURLOPT_HTTP_VERSION, ctypes.c_long(4 if options.http2 else 2))):
        if lib.curl_easy_setopt(handle, option, value):
            raise RuntimeError(f"curl refuses option {option}")
    for number in range(options.count):
        content = answers.make_request(options.api, options.stream, f"#{os.getpid()}.{number}", options.prompt_bytes)
        lib.curl_easy_setopt(handle, CURLOPT_COPYPOSTFIELDS, json.dumps(content).encode())
        good = lib.curl_easy_perform(handle) == 0 and sum(received) > 0 and good
        received.clear()
    lib.curl_easy_cleanup(handle)
    return good


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--api", default="openai", choices=sorted(answers.PATHS))
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--count", type=int, default=1)
    parser.add_argument("--query", default="")
    parser.add_argument("--prompt-bytes", type=int, default=400)
    parser.add_argument("--way", default="plain", choices=("plain", "cork", "nonblocking", "null", "seq", "packet", "range"))
    parser.add_argument("--curl", action="store_true")
    parser.add_argument("--http2", action="store_true")
    options = parser.parse_args()
    sys.exit(0 if (run_curl if options.curl else run_gnutls)(options) else 1)


if __name__ == "__main__":
    main()
