#!/usr/bin/python3
"""GnuTLS: wget, curl's GnuTLS build, and each function by itself. What the agent records equals what the server says it sent."""
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import unittest

import kernel_case
import live

LIBRARY = "libgnutls.so.30"
CLIENT = live.CLIENTS / "gnutls_client.py"


def find_library(name):
    listing = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        if line.split()[:1] == [name]:
            return pathlib.Path(line.rpartition(" => ")[2])
    return None


class GnuTls(kernel_case.KernelCase):
    def setUp(self):
        super().setUp()
        self.gnutls = self.work / "gnutls"
        self.gnutls.mkdir()
        shutil.copy(find_library(LIBRARY), self.gnutls / LIBRARY)

    def start_agent(self, *flags):
        return self.enterContext(kernel_case.Agent(kernel_case.BUILD, "trace", "--json", "--http-body-hashes", "true", "--cgroup",
                                                   self.cgroup.path, "--capture-libraries", self.gnutls / LIBRARY, *flags))

    def start(self, *command):
        return subprocess.Popen(list(map(str, command)), env=live.environment(self.gnutls), stdin=subprocess.PIPE,
                                stdout=subprocess.PIPE, text=True, preexec_fn=live.child_setup(self.cgroup))

    def start_client(self, *flags):
        return self.start(live.PYTHON, CLIENT, "--port", self.server.port, "--ca", self.server.certificate, *flags)

    def run_client(self, *flags):
        """Returns what the client says at its end."""
        client = self.start_client(*flags)
        output, _ = client.communicate(timeout=120)
        self.assertEqual(client.returncode, 0, flags)
        return json.loads(output.splitlines()[-1])["summary"] if output else {}

    def watch(self, *runs):
        before = len(self.server.exchanges())
        agent = self.start_agent()
        for flags in runs:
            self.run_client(*flags)
        records = agent.stop()
        self.expect_equal(records, self.server.exchanges(before))
        self.assertEqual(agent.lost(), "nothing")
        for record in records:
            self.assertEqual(record["net"]["peer"]["port"], self.server.port)
            self.assertEqual(record["net"]["server_name"], "localhost")
        return records

    APIS = (("--api", "openai"), ("--api", "openai", "--stream"), ("--api", "anthropic"), ("--api", "anthropic", "--stream"))

    def test_functions(self):
        self.watch(*self.APIS, ("--count", 3, "--stream"))

    def test_other_functions(self):
        """gnutls_record_recv_seq and gnutls_record_send_range."""
        for way in ("seq", "range"):
            with self.subTest(way=way):
                self.watch(("--way", way, "--count", 2), ("--way", way, "--stream", "--prompt-bytes", 50000))

    def test_corked(self):
        """What is sent while corked is counted then, and not again when it is flushed."""
        self.watch(("--way", "cork", "--count", 3), ("--way", "cork", "--stream", "--prompt-bytes", 100000))

    def test_send_again(self):
        """A send says EAGAIN, and is called again with the same arguments."""
        agent = self.start_agent()
        summary = self.run_client("--way", "nonblocking", "--prompt-bytes", 6000000)
        self.assertGreater(summary["again"], 0, "the client never had to wait")
        self.expect_equal(agent.stop())
        self.assertEqual(agent.lost(), "nothing")

    def test_send_again_without_the_bytes(self):
        """It is called again with NULL: how many bytes were sent is known, and that they are missing; none is made up."""
        agent = self.start_agent()
        summary = self.run_client("--way", "null", "--prompt-bytes", 6000000)
        self.assertGreater(summary["again"], 0, "the client never had to wait")
        (record,) = agent.stop()
        (truth,) = self.server.exchanges()
        self.assertNotEqual(record["completeness"], "complete")
        self.assertLess(record["http"]["request_bytes"], truth["request_bytes"])
        self.assertEqual(record["usage"]["output_tokens"], truth["output_tokens"])
        self.assertIn("user_page_unreadable", agent.lost())

    def test_packets(self):
        """The bytes of packets are not seen, and said to be missing."""
        agent = self.start_agent()
        self.run_client("--way", "packet")
        records = agent.stop()
        self.assertNotIn("complete", {record["completeness"] for record in records})
        self.assertIn("user_page_unreadable", agent.lost())

    def test_endings(self):
        self.watch(("--query", "close=1"), ("--query", "close=1", "--stream"), ("--query", "encoding=gzip"))

    def test_killed(self):
        agent = self.start_agent()
        client = self.start_client("--stream", "--query", "chunks=2000&gap_us=2000")
        deadline = time.monotonic() + 60
        while not self.server.exchanges():
            self.assertLess(time.monotonic(), deadline, "the client has not begun")
            time.sleep(0.02)
        client.send_signal(signal.SIGKILL)
        client.communicate()
        self.run_client("--stream")
        records = agent.stop()
        self.assertEqual(sorted(record["completeness"] for record in records), ["complete", "interrupted"])

    @unittest.skipUnless(shutil.which("wget"), "no wget on this machine")
    def test_wget(self):
        agent = self.start_agent()
        for api, path in (("openai", "/v1/chat/completions"), ("anthropic", "/v1/messages")):
            for stream in (False, True):
                request = {"model": "gpt-4o-mini", "stream": stream, "max_tokens": 100,
                           "messages": [{"role": "user", "content": f"{api} and wget"}]}
                wget = self.start("wget", "-q", "-O", "/dev/null", "--ca-certificate", self.server.certificate, "--header",
                                  "Content-Type: application/json", "--post-data", json.dumps(request),
                                  f"https://localhost:{self.server.port}{path}")
                wget.communicate(timeout=60)
                self.assertEqual(wget.returncode, 0)
        records = agent.stop()
        self.expect_equal(records)
        self.assertEqual(agent.lost(), "nothing")
        self.assertEqual({record["process"]["comm"] for record in records}, {"wget"})

    @unittest.skipUnless(find_library("libcurl-gnutls.so.4"), "no libcurl3-gnutls on this machine")
    def test_curl(self):
        self.watch(*(("--curl", "--count", 3, *flags) for flags in self.APIS), ("--curl", "--prompt-bytes", 3000000),
                   ("--curl", "--http2", "--stream", "--count", 3))


if __name__ == "__main__":
    if find_library(LIBRARY) is None:
        print(f"LIVE TESTS OF GNUTLS DID NOT RUN: there is no {LIBRARY} (package libgnutls30)", file=sys.stderr)
        sys.exit(kernel_case.SKIPPED)
    kernel_case.main()
