#!/usr/bin/python3
"""requests, httpx and aiohttp, which Python's model SDKs are made of: what the agent records equals what the server says it sent."""
import importlib.util

import kernel_case
import live

APIS = (("--api", "openai"), ("--api", "openai", "--stream"), ("--api", "anthropic"), ("--api", "anthropic", "--stream"),
        ("--api", "responses", "--stream"))


class PythonLibraries(kernel_case.KernelCase):
    def count(self, library, protocol="http/1.1", addresses=True):
        if not importlib.util.find_spec(library.partition("-")[0]):
            self.skipTest(f"python3-{library.partition('-')[0]} is not installed")
        agent = self.agent("trace", "--http-body-hashes", "true")
        for api in APIS:
            self.client("--library", library, *api, "--count", 5, kind="python_libraries")
        records = agent.stop()
        self.expect_equal(records)
        self.assertEqual({one["net"]["protocol"] for one in records}, {protocol})
        self.assertEqual({one["completeness"] for one in records}, {"complete"})
        ports = {live.lookup(one, "net.peer.port") for one in records}
        self.assertEqual(ports, {self.server.port} if addresses else ports & {self.server.port, None})
        self.assertEqual(agent.lost(), "nothing")

    def test_requests(self):
        self.count("requests")

    def test_httpx(self):
        self.count("httpx")

    def test_httpx_with_asyncio(self):
        """anyio lets other tasks run between a write into memory and the send of its ciphertext. With several of them it cannot be
        told whose a send is, and then no address is better than a wrong one."""
        self.count("httpx-async", addresses=False)

    def test_httpx_over_http2(self):
        self.count("httpx-h2", "h2")

    def test_aiohttp(self):
        self.count("aiohttp")


if __name__ == "__main__":
    kernel_case.main()
