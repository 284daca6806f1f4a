#!/usr/bin/python3
"""Real clients over real TLS: curl, Python (the _ex calls, blocking and asyncio), Node, and our own client in its ways of using
OpenSSL. What the agent records equals what the server says it sent."""
import shutil
import unittest

import kernel_case
import live


class Clients(kernel_case.KernelCase):
    def watch(self, *flags, kind="ssl_client", runs=((),)):
        before = len(self.server.exchanges())
        agent = self.agent("trace", "--http-body-hashes", "true")
        for run in runs:
            self.client(*flags, *run, kind=kind)
        records = agent.stop()
        self.expect_equal(records, self.server.exchanges(before))
        self.assertEqual(agent.lost(), "nothing")
        return records

    APIS = (("--api", "openai"), ("--api", "openai", "--stream"), ("--api", "anthropic"), ("--api", "anthropic", "--stream"))

    def test_curl(self):
        records = self.watch(kind="curl", runs=self.APIS)
        self.assertEqual({record["process"]["comm"] for record in records}, {"curl"})
        self.assertTrue(all(record["process"]["exe"].endswith("/curl") for record in records))

    def test_python(self):
        records = self.watch(kind="python", runs=self.APIS)
        self.assertTrue(all(record["net"]["peer"]["port"] == self.server.port for record in records))
        self.assertEqual({record["net"]["server_name"] for record in records}, {"localhost"})

    def test_python_asyncio(self):
        """SSLObject over memory BIOs: the socket is found by the ciphertext's length."""
        records = self.watch("--asyncio", kind="python", runs=self.APIS)
        self.assertTrue(all(record["net"]["peer"]["port"] == self.server.port for record in records))

    @unittest.skipUnless(shutil.which("node"), "no node on this machine")
    def test_node(self):
        node = self.work / "node"
        shutil.copy(shutil.which("node"), node)  # its own OpenSSL is inside: a private copy, as of libssl
        agent = self.agent("trace", "--capture-libraries", str(node))
        for flags in self.APIS:
            self.client(*flags, kind="node", program=str(node))
        records = agent.stop()
        self.expect_equal(records)
        self.assertEqual({record["process"]["exe"] for record in records}, {str(node)})

    def test_apis(self):
        self.watch(runs=self.APIS + (("--api", "responses", "--stream"), ("--api", "embeddings")))

    def test_tools_and_choices(self):
        self.watch("--tools", runs=self.APIS)
        self.watch("--n", 3, "--stream")

    def test_ex_calls(self):
        self.watch("--ex", "--keep-alive", 3, "--stream")

    def test_encodings(self):
        """gzip, deflate, br and zstd, streaming and not."""
        for coding in ("gzip", "deflate", "br", "zstd"):
            with self.subTest(coding=coding):
                self.watch("--query", f"encoding={coding}", runs=self.APIS)

    def test_request_framing(self):
        self.watch(runs=(("--gzip-request",), ("--chunked-request",), ("--expect-continue",), ("--query", "close=1"),
                         ("--query", "close=1", "--stream"), ("--pipeline", "--keep-alive", 5)))

    def test_errors(self):
        agent = self.agent()
        self.client("--query", "error=429", check=False)
        self.client("--api", "anthropic", "--query", "error=529", check=False)
        self.client("--api", "anthropic", "--stream", "--query", "error_after=5", check=False)
        records = agent.stop()
        self.expect_equal(records)
        self.assertEqual([record["http"]["status"] for record in records], [429, 529, 200])
        self.assertTrue(all("error" in record["llm"] for record in records))

    def test_server_side(self):
        """The process that serves a model is watched instead: role server."""
        with live.start_server(kernel_case.BUILD, self.work, libs=self.libs, cgroup=self.cgroup) as server:
            agent = self.agent()
            for flags in self.APIS:
                live.run_client(kernel_case.BUILD, server, *flags)
            records = agent.stop()
            self.assertEqual(live.compare(records, server.exchanges(), role="server"), [])
            self.assertEqual({record["role"] for record in records}, {"server"})

    def test_both_ends(self):
        """Both ends are watched: two records for each exchange, each with the other's id."""
        with live.start_server(kernel_case.BUILD, self.work, libs=self.libs, cgroup=self.cgroup) as server:
            agent = self.agent()
            live.run_client(kernel_case.BUILD, server, "--stream", "--keep-alive", 3, libs=self.libs, cgroup=self.cgroup)
            records = agent.stop()
            truth = server.exchanges()
        self.assertEqual(live.compare(records, truth, role="client"), [])
        self.assertEqual(live.compare(records, truth, role="server"), [])
        ids = {record["id"]: record["role"] for record in records}
        for record in records:
            self.assertIn(record["pair"], ids)
            self.assertNotEqual(ids[record["pair"]], record["role"])


if __name__ == "__main__":
    kernel_case.main()
