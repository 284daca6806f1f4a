#!/usr/bin/python3
"""TLS libraries in executables without symbols: OpenSSL in a client of ours, BoringSSL in Bun, rustls in Deno and Codex. What
the agent records equals what the server says it sent.

Each executable is a private copy, so nobody else's traffic is touched. Bun, Deno and Codex are not part of a distribution:
BUN, DENO and CODEX name their executables, or several with colons between them; otherwise they are looked for on PATH. Their
tests are reported as skipped where there is none. (The node:https of Bun 1.0 does not accept the server's certificate: with
it only test_bun_fetch can pass.)"""
import os
import pathlib
import shutil
import time
import unittest

import kernel_case
import live

def executables(name):
    return [path for path in os.environ.get(name.upper(), shutil.which(name) or "").split(":") if path]


BUNS, DENOS, CODEXES = executables("bun"), executables("deno"), executables("codex")
STATIC = ("ssl_client_stripped", "ssl_client_with_symbols")
APIS = (("--api", "openai"), ("--api", "openai", "--stream"), ("--api", "anthropic"), ("--api", "anthropic", "--stream"))


def wait_until_probed(agent, path, timeout=30):
    """Executables are analysed aside: their probes are there a moment after they are first seen."""
    deadline = time.monotonic() + timeout
    while f"probing {path}" not in agent.messages():
        if time.monotonic() > deadline:
            raise RuntimeError(f"{path} is not probed: {agent.messages()}")
        time.sleep(0.02)


class StrippedCase(kernel_case.KernelCase):
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

    def watch_each(self, paths, name, runs, kind=None, check=lambda records: None):
        if not paths:
            self.skipTest(f"no {name} on this machine ({name.upper()}=/path/to/{name})")
        for path in paths:
            with self.subTest(path=path):
                program = self.copy(path)
                try:
                    check(self.watch(program, kind or name, runs))
                finally:
                    program.unlink()


class Stripped(StrippedCase):
    def test_openssl_inside(self):
        for name in STATIC:
            with self.subTest(name=name):
                self.watch(self.client_of(name), "ssl_client",
                           APIS + (("--ex", "--stream", "--keep-alive", 3), ("--tools", "--keep-alive", 5)))

    def test_found_while_running(self):
        """Nobody names the file: the agent meets it in a process that starts, and analyses it aside."""
        program = self.client_of("ssl_client_stripped")
        agent = self.agent("trace", "--log-level", "info")
        running = self.start_client("--hold", "--stream", "--keep-alive", 3, "--query", "gap_us=10000", program=str(program))
        running.wait_ready()  # behind its first exchange, whose beginning may have been too early
        wait_until_probed(agent, program)
        running.go()
        self.assertEqual(running.finish().status, 0)
        records = agent.stop()
        self.assertIn(f"{program}: what was found in its code is TLS", agent.messages())
        first, *others = self.server.exchanges()
        self.assertEqual(len(others), 2)
        self.expect_equal([record for record in records if record["llm"].get("response_id") != first["id"]], others)
        self.assertEqual(agent.lost(), "nothing")

    def test_bun_fetch(self):
        self.watch_each(BUNS, "bun", [(*api, "--fetch", "--count", 3) for api in APIS])

    def test_bun_https(self):
        self.watch_each(BUNS, "bun", [(*api, "--count", 2) for api in APIS])

    def test_bun_gives_up(self):
        """Connections that end in the middle, and others at the addresses of the old ones."""
        def check(records):
            self.assertGreater(len({record["net"]["local"]["port"] for record in records}), 10)
            self.assertEqual({record["completeness"] for record in records}, {"complete", "interrupted"})

        self.watch_each(BUNS, "bun", [("--count", 30)], "bun_aborts", check)


class Rustls(StrippedCase):
    def is_rustls(self, records):
        self.assertEqual({record["net"]["library"] for record in records}, {"rustls"})
        self.assertEqual({record["completeness"] for record in records}, {"complete"})

    def test_deno_fetch(self):
        self.watch_each(DENOS, "deno", [(*api, "--fetch", "--count", 3) for api in APIS], check=self.is_rustls)

    def test_deno_fetch_of_long_prompts(self):
        """Many records before the first send, and sends that take a part."""
        self.watch_each(DENOS, "deno", [("--fetch", "--count", 3, "--prompt-bytes", size) for size in (20000, 300000)],
                        check=self.is_rustls)

    def test_deno_https(self):
        """Which encrypts into memory, and sends copies."""
        self.watch_each(DENOS, "deno", [(*api, "--count", 2) for api in APIS], check=self.is_rustls)

    def test_codex(self):
        self.watch_each(CODEXES, "codex", [("Explain.",)], check=self.is_rustls)


if __name__ == "__main__":
    kernel_case.main()
