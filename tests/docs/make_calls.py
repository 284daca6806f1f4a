#!/usr/bin/python3
"""Makes calls.pcap, the capture that the documents' examples replay: three calls of invented clients to invented servers, in
plain HTTP/1.1, the last with a segment that the capture missed.

    tests/docs/make_calls.py calls.pcap

The same bytes each time; a test compares them with the file beside this one.
"""
import json
import struct
import sys

SERVER = (b"\xc0\x00\x02\x14", 8080)  # 192.0.2.20, an address for documents (RFC 5737)
CLIENT = b"\xc0\x00\x02\x0a"
START = 1_767_225_600_000_000  # 2026-01-01T00:00:00Z in microseconds
MSS = 1448
SYN, ACK, PSH, FIN = 0x02, 0x10, 0x08, 0x01


class Capture:
    def __init__(self):
        self.bytes = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1)  # Ethernet
        self.now = START

    def after(self, milliseconds):
        self.now += round(milliseconds * 1000)

    def packet(self, source, target, sequence, acknowledged, flags, payload=b""):
        tcp = struct.pack("!HHIIBBHHH", source[1], target[1], sequence, acknowledged, 5 << 4, flags, 65535, 0, 0) + payload
        ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), 0, 0x4000, 64, 6, 0, source[0], target[0])
        frame = b"\x02\0\0\0\0\x01" + b"\x02\0\0\0\0\x02" + b"\x08\0" + ip + tcp
        self.bytes += struct.pack("<IIII", self.now // 1_000_000, self.now % 1_000_000, len(frame), len(frame)) + frame


class Connection:
    """A TCP connection from its handshake to its end."""

    def __init__(self, capture, port):
        self.capture = capture
        self.ends = {"client": (CLIENT, port), "server": SERVER}
        self.next = {"client": 1000, "server": 9000}
        self._packet("client", SYN, advance=1)
        self._packet("server", SYN | ACK, advance=1)
        self._packet("client", ACK)

    def _packet(self, side, flags, payload=b"", advance=0, seen=True):
        other = "server" if side == "client" else "client"
        if seen:
            self.capture.packet(self.ends[side], self.ends[other], self.next[side], self.next[other], flags, payload)
        self.next[side] += len(payload) + advance
        self.capture.after(0.05)

    def send(self, side, data, seen=True):
        for at in range(0, len(data), MSS):
            self._packet(side, PSH | ACK, data[at:at + MSS], seen=seen)

    def close(self):
        self._packet("client", FIN | ACK, advance=1)
        self._packet("server", FIN | ACK, advance=1)
        self._packet("client", ACK)


def request(host, path, body):
    body = json.dumps(body).encode()
    return (f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: application/json\r\n"
            f"Authorization: Bearer not-a-key\r\nContent-Length: {len(body)}\r\n\r\n").encode() + body


def stream_head():
    return b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


def chunk(data):
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def openai_stream(capture, port, missing=None):
    connection = Connection(capture, port)
    connection.send("client", request("api.openai.com", "/v1/chat/completions?trace=on", {
        "model": "gpt-4o", "stream": True, "stream_options": {"include_usage": True},
        "messages": [{"role": "user", "content": "Which way does the water go?"}]}))
    capture.after(310)
    connection.send("server", stream_head())
    common = {"id": f"chatcmpl-example-{port}", "object": "chat.completion.chunk", "created": 1767225600,
              "model": "gpt-4o-2024-08-06"}
    words = ("Down", "hill", ",", " and", " then", " to", " the", " sea", ".")
    for number, word in enumerate(words):
        event = {**common, "choices": [{"index": 0, "delta": {"content": word}, "finish_reason": None}]}
        connection.send("server", chunk(b"data: " + json.dumps(event).encode() + b"\n\n"), seen=number != missing)
        capture.after(21)
    last = {**common, "choices": [{"index": 0, "delta": {}, "finish_reason": "stop"}]}
    usage = {**common, "choices": [], "usage": {"prompt_tokens": 14, "completion_tokens": 9, "total_tokens": 23}}
    for event in (last, usage):
        connection.send("server", chunk(b"data: " + json.dumps(event).encode() + b"\n\n"))
    connection.send("server", chunk(b"data: [DONE]\n\n") + b"0\r\n\r\n")
    connection.close()


def anthropic_document(capture, port):
    connection = Connection(capture, port)
    connection.send("client", request("api.anthropic.com", "/v1/messages", {
        "model": "claude-sonnet-4-5", "max_tokens": 200,
        "messages": [{"role": "user", "content": "And when it freezes?"}]}))
    capture.after(840)
    body = json.dumps({
        "id": "msg_example", "type": "message", "role": "assistant", "model": "claude-sonnet-4-5-20250929",
        "content": [{"type": "text", "text": "Then it waits for the spring."}], "stop_reason": "end_turn",
        "usage": {"input_tokens": 13, "cache_creation_input_tokens": 0, "cache_read_input_tokens": 2048,
                  "output_tokens": 11}}).encode()
    connection.send("server", b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
                    + f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
    connection.close()


def make():
    capture = Capture()
    openai_stream(capture, 50001)
    capture.after(1000)
    anthropic_document(capture, 50002)
    capture.after(1000)
    openai_stream(capture, 50003, missing=4)
    return capture.bytes


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], "wb") as file:
        file.write(make())
