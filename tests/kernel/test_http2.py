#!/usr/bin/python3
"""HTTP/2 over real TLS: curl alone and in parallel, and our own client with many interleaved streams on a connection. Also
what is hard about it: joined when the header tables are already in use, streams that are cancelled, GOAWAY, CONTINUATION,
padding."""
import json
import subprocess
import time
import unittest

import kernel_case
import live

STREAMS = 20


def curl_speaks_http2():
    return "nghttp2" in subprocess.run(["curl", "--version"], capture_output=True, text=True, check=False).stdout


class Http2(kernel_case.KernelCase):
    def expect_all(self, agent, count):
        """Every exchange of the ledger, complete, over HTTP/2, and nothing lost."""
        records = agent.stop()
        truth = self.server.exchanges()
        self.assertEqual(len(truth), count)
        self.expect_equal(records, truth)
        self.assertEqual({record["net"]["protocol"] for record in records}, {"h2"})
        self.assertEqual(agent.lost(), "nothing")
        return records

    @unittest.skipUnless(curl_speaks_http2(), "curl without HTTP/2")
    def test_curl(self):
        agent = self.agent("trace", "--http-body-hashes", "true")
        for flags in (("--api", "openai"), ("--api", "openai", "--stream"), ("--api", "anthropic"),
                      ("--api", "anthropic", "--stream", "--query", "encoding=gzip")):
            self.client(*flags, "--", "--http2", kind="curl")
        records = self.expect_all(agent, 4)
        self.assertEqual({record["process"]["comm"] for record in records}, {"curl"})

    @unittest.skipUnless(curl_speaks_http2(), "curl without HTTP/2")
    def test_curl_in_parallel(self):
        """One curl with twenty transfers, which it puts on one connection."""
        config = self.work / "curl.config"
        request = {"model": "gpt-4o-mini", "stream": True, "stream_options": {"include_usage": True}}
        transfers = []
        for i in range(STREAMS):
            body = self.work / f"request-{i}"
            body.write_text(json.dumps(dict(request, messages=[{"role": "user", "content": f"number {i}"}])))
            transfers.append(f'url = "https://localhost:{self.server.port}/v1/chat/completions?chunks=60&gap_us=2000"\n'
                             f'data-binary = "@{body}"\noutput = "{self.work}/answer-{i}"\ncacert = "{self.server.certificate}"\n'
                             'header = "Content-Type: application/json"\nhttp2\nsilent\nshow-error\n')
        config.write_text("parallel\nparallel-max = 20\n" + "next\n".join(transfers))
        agent = self.agent()
        subprocess.run(["curl", "--config", str(config)], env=live.environment(self.libs), check=True, timeout=60,
                       stderr=subprocess.DEVNULL, preexec_fn=live.child_setup(self.cgroup))
        self.expect_all(agent, STREAMS)
        self.assertEqual(len({entry["connection"] for entry in self.server.exchanges()}), 1, "curl did not multiplex")

    def test_interleaved_streams(self):
        """Twenty streams at once, five times on one connection: different APIs, documents between streams."""
        agent = self.agent("trace", "--http-body-hashes", "true")
        run = self.client("--streams", STREAMS, "--keep-alive", 5, "--mix", "--query", "chunks=40&gap_us=500", kind="h2_client")
        self.assertTrue(all(line["whole"] for line in run.lines))
        self.expect_all(agent, 5 * STREAMS)
        self.assertEqual(len({entry["connection"] for entry in self.server.exchanges()}), 1)

    def test_without_pauses(self):
        """As fast as it goes, through memory BIOs, non-blocking and by the _ex calls."""
        agent = self.agent()
        for drive in (("--memory-bio",), ("--nonblocking",), ("--ex",)):
            self.client("--streams", STREAMS, "--keep-alive", 3, "--mix", *drive, "--query", "chunks=400", kind="h2_client")
        self.expect_all(agent, 9 * STREAMS)

    def test_codings_and_padding(self):
        agent = self.agent("trace", "--http-body-hashes", "true")
        for query in ("encoding=gzip", "encoding=br&pad=100", "encoding=zstd&pad=255", "pad=1"):
            self.client("--streams", 6, "--mix", "--query", query, kind="h2_client")
        self.expect_all(agent, 24)

    def test_large_requests_and_continuation(self):
        """Requests beyond the flow-control window, and a header list beyond one frame (CONTINUATION)."""
        agent = self.agent()
        self.client("--streams", 5, "--body", "1MB", "--header", "x-long: " + "l" * 40000, kind="h2_client")
        self.expect_all(agent, 5)

    def test_joined_in_a_used_connection(self):
        """The agent starts when both header tables are in use: heads cannot be decoded any more, but the bodies are counted."""
        client = self.start_client("--streams", STREAMS, "--keep-alive", 3, "--mix", "--hold", "--query", "chunks=30&gap_us=300",
                                   kind="h2_client")
        client.wait_ready()
        before = len(self.server.exchanges())
        self.assertEqual(before, STREAMS)
        agent = self.agent()
        client.go()
        self.assertEqual(client.finish().status, 0)
        records = agent.stop()
        pairs, leftover = live.match(records, self.server.exchanges(before), "client")
        self.assertEqual(len(pairs), 2 * STREAMS)
        self.assertEqual(leftover, [])
        for record, entry in pairs:
            with self.subTest(api=entry["api"], stream=entry["stream"]):
                self.assertIsNotNone(record)
                for name in live.TOKENS:
                    if entry[name] is not None:
                        self.assertEqual(live.lookup(record, "usage." + name), entry[name], name)
                self.assertEqual(record["llm"]["dialect"], entry["api"])
                self.assertIn(record["completeness"], ("headers_lost", "complete"))

    def test_joined_amid_streams(self):
        """The agent starts while streams are running. What it sees only the end of is never called complete."""
        client = self.start_client("--streams", STREAMS, "--keep-alive", 2, "--stream", "--hold", "--query", "chunks=100&gap_us=40000",
                                   kind="h2_client")
        deadline = time.monotonic() + 60
        while len(self.server.exchanges()) < STREAMS:
            self.assertLess(time.monotonic(), deadline, "the client has not begun")
            time.sleep(0.02)
        agent = self.agent()
        client.wait_ready()  # its first round is over; the second is seen from its beginning
        client.go()
        self.assertEqual(client.finish().status, 0)
        records = agent.stop()
        truth = self.server.exchanges()
        self.assertEqual(len(truth), 2 * STREAMS)
        pairs, leftover = live.match(records, truth, "client")
        self.assertEqual(leftover, [])
        self.assertTrue(any(record is None or record["completeness"] not in ("complete", "headers_lost") for record, _ in pairs),
                        "the agent was there too early")
        for record, entry in pairs[-STREAMS:]:
            self.assertIsNotNone(record, "an exchange of the last round is missing")
            self.assertEqual(record["usage"]["output_tokens"], entry["output_tokens"])
        for record, entry in pairs:
            if record is None:
                continue
            if record["completeness"] in ("complete", "headers_lost"):
                self.assertEqual(record["usage"]["input_tokens"], entry["input_tokens"])
                self.assertEqual(record["usage"]["output_tokens"], entry["output_tokens"])
                self.assertEqual(record["http"]["response_bytes"], entry["response_bytes"])

    def test_reset_by_the_client(self):
        """RST_STREAM in mid-stream ends this one exchange; the others on the connection are whole."""
        agent = self.agent()
        self.client("--streams", STREAMS, "--keep-alive", 3, "--stream", "--reset-after", 5, "--query", "chunks=40&gap_us=2000",
                    kind="h2_client")
        records = agent.stop()
        truth = self.server.exchanges()
        self.expect_equal(records, truth)
        self.assertEqual(sum(entry["state"] == "cut" for entry in truth), 3)
        interrupted = [record for record in records if record["completeness"] == "interrupted"]
        self.assertEqual(len(interrupted), 3)
        self.assertEqual(agent.lost(), "nothing")

    def test_reset_by_the_server(self):
        agent = self.agent()
        self.client("--streams", 4, "--stream", "--query", "die=6", kind="h2_client", check=False)
        records = agent.stop()
        self.expect_equal(records)
        self.assertEqual([record["completeness"] for record in records], ["interrupted"] * 4)

    def test_goaway(self):
        """The server takes no new streams while the open ones go on; the client says goodbye in the same way at the end."""
        agent = self.agent()
        self.client("--streams", STREAMS, "--stream", "--query", "goaway=1&chunks=40&gap_us=1000", kind="h2_client", check=False)
        records = agent.stop()
        truth = self.server.exchanges()
        self.assertGreater(len(truth), 0)
        self.expect_equal(records, truth)

    def test_server_side(self):
        with live.start_server(kernel_case.BUILD, self.work, libs=self.libs, cgroup=self.cgroup) as server:
            agent = self.agent()
            live.run_client(kernel_case.BUILD, server, "--streams", STREAMS, "--keep-alive", 2, "--mix", kind="h2_client")
            records = agent.stop()
            self.assertEqual(live.compare(records, server.exchanges(), role="server"), [])
            self.assertEqual(len(records), 2 * STREAMS)


if __name__ == "__main__":
    kernel_case.main()
