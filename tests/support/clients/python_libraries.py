#!/usr/bin/python3
"""The HTTP libraries that Python's model SDKs are made of, against llm_server: requests (urllib3), httpx, httpx with asyncio (memory
BIO), httpx over HTTP/2, aiohttp.

    python_libraries.py --port 41237 --ca cert.pem --library httpx-async --api anthropic --stream --count 3

All calls of one run go over one session; with asyncio, all at once. The exit code is 0 if every answer was whole.
"""
import argparse
import asyncio
import json
import os
import ssl
import sys

import answers


def requests_of(options):
    for number in range(options.count):
        mark = f"#{os.getpid()}.{number}"
        yield answers.make_request(options.api, options.stream, mark, 400)


def expect(text, options):
    if options.stream != text.startswith(("data:", "event:")) or len(text) < 100:
        sys.exit(f"no whole answer: {text[:200]!r}")


def run_requests(options, url):
    import requests

    with requests.Session() as session:
        session.trust_env = False  # else the environment's certificates are preferred
        session.verify = options.ca
        for request in requests_of(options):
            with session.post(url, json=request, stream=options.stream, timeout=60) as answer:
                answer.raise_for_status()
                expect(b"".join(answer.iter_content(256)).decode(), options)


def run_httpx(options, url, http2):
    import httpx

    with httpx.Client(verify=options.ca, http2=http2, timeout=60, trust_env=False) as client:
        for request in requests_of(options):
            with client.stream("POST", url, json=request) as answer:
                answer.raise_for_status()
                expect("".join(answer.iter_text()), options)


async def run_httpx_async(options, url):
    import httpx

    async def call(client, request):
        async with client.stream("POST", url, json=request) as answer:
            answer.raise_for_status()
            expect("".join([text async for text in answer.aiter_text()]), options)

    async with httpx.AsyncClient(verify=options.ca, timeout=60, trust_env=False) as client:
        await asyncio.gather(*(call(client, request) for request in requests_of(options)))


async def run_aiohttp(options, url):
    import aiohttp

    async def call(session, request):
        async with session.post(url, json=request, ssl=ssl.create_default_context(cafile=options.ca)) as answer:
            answer.raise_for_status()
            expect(b"".join([piece async for piece in answer.content.iter_any()]).decode(), options)

    async with aiohttp.ClientSession() as session:
        await asyncio.gather(*(call(session, request) for request in requests_of(options)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--ca", required=True)
    parser.add_argument("--library", required=True, choices=("requests", "httpx", "httpx-h2", "httpx-async", "aiohttp"))
    parser.add_argument("--api", default="openai", choices=sorted(answers.PATHS))
    parser.add_argument("--stream", action="store_true")
    parser.add_argument("--count", type=int, default=1)
    options = parser.parse_args()
    url = f"https://localhost:{options.port}{answers.PATHS[options.api]}"
    if options.library == "requests":
        run_requests(options, url)
    elif options.library == "aiohttp":
        asyncio.run(run_aiohttp(options, url))
    elif options.library == "httpx-async":
        asyncio.run(run_httpx_async(options, url))
    else:
        run_httpx(options, url, http2=options.library == "httpx-h2")


if __name__ == "__main__":
    main()
