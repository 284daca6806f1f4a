#!/usr/bin/python3
"""Python's own clients against llm_server: http.client (SSL_read_ex, SSL_write_ex on a socket) and asyncio (memory BIO).

    python_client.py --port 41237 --ca cert.pem --api anthropic --stream --count 3
    python_client.py --port 41237 --ca cert.pem --asyncio
Prints one JSON line per exchange; the exit code is 0 if every one was whole.
"""
import argparse
import asyncio
import http.client
import json
import os
import ssl
import sys
import zlib

import answers

HEADERS = {
    "openai": {"Authorization": "Bearer sk-test-0000"},
    "responses": {"Authorization": "Bearer sk-test-0000"},
    "embeddings": {"Authorization": "Bearer sk-test-0000"},
    "anthropic": {"x-api-key": "sk-ant-test-0000", "anthropic-version": "2023-06-01"},
}


def decoded(encoding, body):
    if encoding == "gzip":
        return zlib.decompress(body, 31)
    if encoding == "deflate":
        return zlib.decompress(body)
    return body


def target(options):
    path = answers.PATHS[options.api]
    return path + "?" + options.query if options.query else path


def request_body(options, number):
    mark = f"#{os.getpid()}.{number}"
    return json.dumps(answers.make_request(options.api, options.stream, mark, options.prompt_bytes)).encode()


def emit(options, status, request, encoding, body, whole):
    line = answers.report(options.api, options.stream, status, request, decoded(encoding, body) if whole else body,
                          whole, len(body))
    print(json.dumps(line), flush=True)


def run_blocking(options, context):
    connection = None
    good = True
    for number in range(options.count):
        if connection is None:
            connection = (http.client.HTTPSConnection("localhost", options.port, context=context) if context else
                          http.client.HTTPConnection("localhost", options.port))
        request = request_body(options, number)
        headers = {"Content-Type": "application/json", **HEADERS[options.api]}
        connection.request("POST", target(options), request, headers)
        response = connection.getresponse()
        body = b""
        whole = True
        try:
            while part := response.read1(65536):
                body += part
        except http.client.IncompleteRead as cut:
            body += cut.partial
            whole = False
        if response.length:  # bytes that were announced and did not come
            whole = False
        response.close()
        emit(options, response.status, request, response.getheader("content-encoding"), body, whole)
        good = good and whole
        if not whole or response.will_close or options.reconnect:
            connection.close()
            connection = None
    return good


async def read_body(reader, headers):
    """RFC 9112, section 6.3, as far as llm_server goes. Returns the body and whether it was whole."""
    body = b""
    try:
        if headers.get("transfer-encoding") == "chunked":
            while size := int((await reader.readuntil(b"\r\n")).split(b";")[0], 16):
                body += (await reader.readexactly(size + 2))[:-2]
            await reader.readuntil(b"\r\n")
        elif "content-length" in headers:
            body = await reader.readexactly(int(headers["content-length"]))
        else:
            body = await reader.read(-1)
    except (asyncio.IncompleteReadError, ConnectionError):
        return body, False
    return body, True


async def run_asyncio(options, context):
    reader = writer = None
    good = True
    for number in range(options.count):
        if writer is None:
            reader, writer = await asyncio.open_connection("localhost", options.port, ssl=context)
        request = request_body(options, number)
        head = f"POST {target(options)} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
        head += "".join(f"{name}: {value}\r\n" for name, value in HEADERS[options.api].items())
        writer.write(f"{head}Content-Length: {len(request)}\r\n\r\n".encode() + request)
        await writer.drain()
        lines = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        body, whole = await read_body(reader, headers)
        emit(options, int(lines[0].split()[1]), request, headers.get("content-encoding"), body, whole)
        good = good and whole
        if not whole or headers.get("connection") == "close" or options.reconnect:
            writer.close()
            writer = None
    if writer is not None:
        writer.close()
        await writer.wait_closed()
    return good


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", help="certificates that vouch for the server")
    parser.add_argument("--plain", action="store_true", help="no TLS")
    parser.add_argument("--api", choices=answers.DIALECTS, default="openai")
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--count", type=int, default=1, help="exchanges, on one connection while that lasts")
    parser.add_argument("--reconnect", action="store_true", help="a connection for each exchange")
    parser.add_argument("--query", default="", help="query string for llm_server")
    parser.add_argument("--prompt-bytes", type=int, default=400)
    parser.add_argument("--asyncio", action="store_true", help="asyncio streams: SSL over memory BIOs")
    options = parser.parse_args()
    context = None if options.plain else ssl.create_default_context(cafile=options.ca)
    good = asyncio.run(run_asyncio(options, context)) if options.asyncio else run_blocking(options, context)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
