#!/usr/bin/python3
"""Go's crypto/tls: net/http with HTTP/1.1 and HTTP/2, stripped and not, position-independent and not. What the agent records
equals what the server says it sent.

The client is built by every Go there is: `go` on the PATH, /usr/lib/go-*, and those that LLMSNOOP_TEST_GO names (paths of go
commands, with colons between them). Exit status 77 if there is none."""
import glob
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest

import kernel_case
import live

SOURCE = live.CLIENTS / "go_client"
BUILDS = {
    "plain": (),
    "stripped": ("-ldflags=-s -w",),
    "pie": ("-buildmode=pie",),
}
COMMANDS = {}  # version: path of go


def find_commands():
    paths = [shutil.which("go"), *glob.glob("/usr/lib/go-*/bin/go"), *os.environ.get("LLMSNOOP_TEST_GO", "").split(":")]
    for path in filter(None, paths):
        done = subprocess.run([path, "version"], capture_output=True, text=True, check=False, env=environment(path))
        if version := re.search(r"go(\d+\.\d+)", done.stdout):
            COMMANDS.setdefault(version[1], path)


def environment(command):
    root = pathlib.Path(command).resolve().parent.parent  # also where it was unpacked and not installed
    more = {"GOROOT": str(root)} if (root / "src").exists() else {}
    return dict(os.environ, GOTOOLCHAIN="local", GOFLAGS="-mod=mod", CGO_ENABLED="0", **more)


class Go(kernel_case.KernelCase):
    _built = {}

    @classmethod
    def setUpClass(cls):
        cls.programs = cls.enterClassContext(live.work_directory())

    @classmethod
    def enterClassContext(cls, manager):  # unittest has it from 3.11 on
        result = manager.__enter__()
        cls.addClassCleanup(manager.__exit__, None, None, None)
        return result

    def program(self, version=None, build="stripped"):
        """The client as this version of Go builds it; a file of this test's own, so that nobody else's is probed."""
        version = version or max(COMMANDS, key=lambda text: [int(part) for part in text.split(".")])
        target = self.programs / f"go_client-{version}-{build}"
        if not target.exists():
            subprocess.run([COMMANDS[version], "build", "-p", "2", *BUILDS[build], "-o", str(target), "."], cwd=SOURCE, check=True,
                           env=environment(COMMANDS[version]))
        return target

    def start(self, program, *flags):
        command = [program, "-port", self.server.port, "-ca", self.server.certificate, *flags]
        return subprocess.Popen(list(map(str, command)), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                preexec_fn=live.child_setup(self.cgroup))

    def run_go(self, program, *flags, check=True):
        process = self.start(program, *flags)
        process.communicate(timeout=120)
        if check:
            self.assertEqual(process.returncode, 0, flags)

    def watch(self, *runs, program=None, lost="nothing"):
        program = program or self.program()
        before = len(self.server.exchanges())
        agent = self.enterContext(kernel_case.Agent(kernel_case.BUILD, "trace", "--json", "--http-body-hashes", "true", "--cgroup",
                                                    self.cgroup.path, "--capture-libraries", program))
        for flags in runs:
            self.run_go(program, *flags)
        records = agent.stop()
        self.expect_equal(records, self.server.exchanges(before))
        self.assertEqual(agent.lost(), lost)
        for record in records:
            self.assertEqual(record["process"]["exe"], str(program))
            self.assertEqual(record["net"]["peer"]["port"], self.server.port)
        return records

    HTTP1 = (("-count", 2), ("-stream", "-count", 2), ("-api", "anthropic"), ("-api", "anthropic", "-stream"))
    HTTP2 = tuple((*flags, "-http2") for flags in HTTP1)

    def test_builds(self):
        """Every Go, every way to build."""
        for version in COMMANDS:
            for build in BUILDS:
                with self.subTest(go=version, build=build):
                    self.watch(*self.HTTP1, *self.HTTP2, program=self.program(version, build))

    def test_streams_at_once(self):
        """Twenty streams of one HTTP/2 connection: it is read by one goroutine and written by others, at the same time."""
        for version in COMMANDS:
            for procs in (1, 2, 8):
                with self.subTest(go=version, procs=procs):
                    records = self.watch(("-http2", "-stream", "-workers", 20, "-count", 5, "-procs", procs,
                                          "-query", "chunks=30&gap_us=300"), program=self.program(version))
                    self.assertEqual(len(records), 100)

    def test_connections_at_once(self):
        """Many goroutines that go from thread to thread while they wait."""
        for procs in (1, 2, 8):
            with self.subTest(procs=procs):
                self.watch(("-stream", "-workers", 50, "-count", 4, "-procs", procs, "-busy", "-query", "chunks=10&gap_us=500"))

    def test_connection_after_connection(self):
        """Objects are made at addresses where others were."""
        self.watch(("-reconnect", "-workers", 4, "-count", 50))

    def test_growing_stack(self):
        """The stack is moved while calls are under way."""
        self.watch(("-deep", "-workers", 8, "-count", 25, "-reconnect"), ("-deep", "-http2", "-workers", 8, "-count", 25))

    def test_deadlines(self):
        """A read that runs into its deadline is no end."""
        self.watch(("-deadline", "-count", 3), ("-deadline", "-stream", "-query", "close=1", "-count", 3))

    def test_framing(self):
        self.watch(("-chunked-request",), ("-query", "close=1"), ("-query", "close=1", "-stream"), ("-query", "encoding=gzip"),
                   ("-prompt-bytes", 300000, "-http2"), ("-prompt-bytes", 3000000), ("-query", "chunk_bytes=200000"))

    def test_cancelled(self):
        """Answers that the client gives up: their connection is closed while it is being read."""
        program = self.program()
        agent = self.enterContext(kernel_case.Agent(kernel_case.BUILD, "trace", "--json", "--cgroup", self.cgroup.path,
                                                    "--capture-libraries", program))
        self.run_go(program, "-stream", "-cancel-after", 500, "-count", 5, "-query", "chunks=2000&gap_us=1000")
        records = agent.stop()
        self.assertEqual(len(records), 5)
        self.assertNotIn("complete", {record["completeness"] for record in records})

    def test_killed(self):
        """A client that is killed in the middle leaves nothing behind that disturbs the next one."""
        program = self.program()
        agent = self.enterContext(kernel_case.Agent(kernel_case.BUILD, "trace", "--json", "--cgroup", self.cgroup.path,
                                                    "--capture-libraries", program))
        for _ in range(5):
            process = self.start(program, "-stream", "-http2", "-workers", 10, "-hold", "-query", "chunks=2000&gap_us=1000&seed=1")
            process.send_signal(signal.SIGKILL)
            process.communicate()
        before = len(self.server.exchanges())
        self.run_go(program, "-count", 5, "-stream")
        records = agent.stop()
        whole = [entry for entry in self.server.exchanges(before) if entry["state"] == "whole"]
        seen = {live.lookup(record, "llm.response_id") for record in records if record["completeness"] == "complete"}
        self.assertLessEqual({entry["id"] for entry in whole}, seen)

    def test_existing_connection(self):
        """The agent starts when the connection is there and a read waits on it: the exchange after the next is whole again."""
        program = self.program()
        process = self.start(program, "-hold", "-count", 5, "-stream", "-http2")
        self.assertTrue(process.stdout.readline().startswith("READY"))
        before = len(self.server.exchanges())
        agent = self.enterContext(kernel_case.Agent(kernel_case.BUILD, "trace", "--json", "--cgroup", self.cgroup.path,
                                                    "--capture-libraries", program))
        process.communicate("\n", timeout=60)
        self.assertEqual(process.returncode, 0)
        records = agent.stop()
        truth = {entry["id"]: entry for entry in self.server.exchanges(before)}
        for record in records:
            if record["completeness"] == "complete":
                entry = truth[live.lookup(record, "llm.response_id")]
                self.assertEqual(record["usage"].get("output_tokens"), entry["output_tokens"])


if __name__ == "__main__":
    find_commands()
    if not COMMANDS:
        print("LIVE TESTS OF GO DID NOT RUN: there is no go command (package golang-go)", file=sys.stderr)
        sys.exit(kernel_case.SKIPPED)
    print(f"with Go {', '.join(sorted(COMMANDS))}")
    kernel_case.main()
