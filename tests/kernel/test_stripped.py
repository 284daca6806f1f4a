#!/usr/bin/python3
"""TLS libraries in executables without symbols: OpenSSL in a client of ours, BoringSSL in Bun. What the agent records equals
what the server says it sent.

Each executable is a private copy, so nobody else's traffic is touched. Bun is not part of a distribution: BUN names its
executable, or several with colons between them; otherwise it is looked for on PATH. Its tests are reported as skipped where
there is none. (The node:https of Bun 1.0 does not accept the server's certificate: with it only test_bun_fetch can pass.)"""
import os
import pathlib
import shutil
import time
import unittest

import kernel_case
import live

BUNS = [path for path in os.environ.get("BUN", shutil.which("bun") or "").split(":") if path]
STATIC = ("ssl_client_stripped", "ssl_client_with_symbols")
APIS = (("--api", "openai"), ("--api", "openai", "--stream"), ("--api", "anthropic"), ("--api", "anthropic", "--stream"))


def wait_until_probed(agent, path, timeout=30):
    """Executables are analysed aside: their probes are there a moment after they are first seen."""
    deadline = time.monotonic() + timeout
    while f"probing {path}" not in agent.messages():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} is not probed: {agent.messages()}")
        time.sleep(0.02)


class Stripped(kernel_case.KernelCase):
    def copy(self, path):
        target = self.work / f"private-{pathlib.Path(path).name}"
        if not target.exists():
            shutil.copy(path, target)
            target.chmod(0o755)
        return target

    def client_of(self, name):
        path = kernel_case.BUILD / "tests/support/clients" / name
        if not path.exists():
            self.skipTest(f"{name} was not built: no libssl.a on this machine")
        return self.copy(path)

    def watch(self, program, kind, runs, libraries=True):
        before = len(self.server.exchanges())
        more = ("--capture-libraries", str(program)) if libraries else ()
        agent = self.agent("trace", "--http-body-hashes", "true", "--log-level", "info", *more)
        for run in runs:
            self.client(*run, kind=kind, program=str(program))
        records = agent.stop()
        self.expect_equal(records, self.server.exchanges(before))
        self.assertEqual(agent.lost(), "nothing")
        self.assertTrue(all(record["net"]["peer"]["port"] == self.server.port for record in records))
        self.assertEqual({record["process"]["exe"] for record in records}, {str(program)})
        return records

    def test_openssl_inside(self):
        for name in STATIC:
            with self.subTest(name=name):
                self.watch(self.client_of(name), "ssl_client",
                           APIS + (("--ex", "--stream", "--keep-alive", 3), ("--tools", "--keep-alive", 5)))

    def test_found_while_running(self):
        """Nobody names the file: the agent meets it in a process that starts, and analyses it aside."""
        program = self.client_of("ssl_client_stripped")
        agent = self.agent("trace", "--log-level", "info")
        running = self.start_client("--hold", "--stream", "--keep-alive", 3, program=str(program))
        running.wait_ready()  # behind its first exchange, whose beginning may have been too early
        wait_until_probed(agent, program)
        running.go()
        self.assertEqual(running.finish().status, 0)
        records = agent.stop()
        first, *others = self.server.exchanges()
        self.assertEqual(len(others), 2)
        self.expect_equal([record for record in records if record["llm"].get("response_id") != first["id"]], others)
        self.assertEqual(agent.lost(), "nothing")

    def watch_each_bun(self, runs, kind="bun", check=lambda records: None):
        if not BUNS:
            self.skipTest("no Bun on this machine (BUN=/path/to/bun)")
        for path in BUNS:
            with self.subTest(bun=path):
                program = self.copy(path)
                try:
                    check(self.watch(program, kind, runs))
                finally:
                    program.unlink()

    def test_bun_fetch(self):
        self.watch_each_bun([(*api, "--fetch", "--count", 3) for api in APIS])

    def test_bun_https(self):
        self.watch_each_bun([(*api, "--count", 2) for api in APIS])

    def test_bun_gives_up(self):
        """Connections that end in the middle, and others at the addresses of the old ones."""
        def check(records):
            self.assertGreater(len({record["net"]["local"]["port"] for record in records}), 10)
            self.assertEqual({record["completeness"] for record in records}, {"complete", "interrupted"})

        self.watch_each_bun([("--count", 30)], "bun_aborts", check)


if __name__ == "__main__":
    kernel_case.main()
