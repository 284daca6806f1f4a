#!/usr/bin/python3
"""WebSocket over real TLS: OpenAI's Responses API, turn after turn on one socket, with permessage-deflate in both its variants
and without it. Every turn is a record whose counts are the server's."""
import kernel_case
import live

TURNS = 6


class WebSocket(kernel_case.KernelCase):
    def watch(self, *flags, turns=TURNS):
        before = len(self.server.exchanges())
        agent = self.agent()
        run = self.client("--keep-alive", turns, *flags, kind="ws_client")
        self.assertTrue(all(line["whole"] for line in run.lines))
        records = agent.stop()
        self.expect_turns(records, self.server.exchanges(before), turns)
        self.assertEqual(agent.lost(), "nothing")
        return records

    def expect_turns(self, records, truth, turns):
        self.assertEqual(len(truth), turns)
        pairs, leftover = live.match(records, truth, "client")
        self.assertEqual(leftover, [])
        for record, entry in pairs:
            self.assertIsNotNone(record, "a turn without a record")
            for name in live.TOKENS:
                self.assertEqual(live.lookup(record, "usage." + name), entry[name], name)
            self.assertEqual(record["llm"]["dialect"], "openai.responses")
            self.assertEqual(record["llm"]["request_model"], entry["request_model"])
            self.assertEqual(record["llm"]["response_model"], entry["model"])
            self.assertEqual(record["net"]["protocol"], "websocket")
            self.assertEqual(record["http"]["status"], 101)
            self.assertEqual(record["completeness"], "complete")

    def test_with_context_takeover(self):
        self.watch("--query", "deflate=takeover&chunks=60")

    def test_without_context_takeover(self):
        self.watch("--query", "deflate=no-takeover&chunks=60")

    def test_uncompressed(self):
        self.watch("--query", "deflate=none&chunks=60")
        self.watch("--no-deflate")

    def test_fragments(self):
        """Messages in many frames, both ways, with pings between messages."""
        for deflate in ("none", "takeover", "no-takeover"):
            with self.subTest(deflate=deflate):
                self.watch("--query", f"deflate={deflate}&fragment=37", "--fragment", 50, "--body", "20KB")

    def test_ways_of_calling(self):
        """The _ex calls, as Python makes them; memory BIOs, as Node does."""
        for drive in ("--ex", "--memory-bio", "--nonblocking"):
            with self.subTest(drive=drive):
                self.watch(drive, "--query", "deflate=takeover&gap_us=200")

    def test_tools(self):
        records = self.watch("--tools", "--query", "deflate=takeover&tools=2")
        self.assertTrue(all(len(record["llm"]["tool_calls"]) == 2 for record in records))

    def test_cut_in_mid_turn(self):
        """The server goes away amid the second piece of an answer: that turn is interrupted, and its counts unknown."""
        agent = self.agent()
        self.client("--query", "deflate=takeover&die=5", kind="ws_client", check=False)
        records = agent.stop()
        self.assertEqual(len(records), 1)
        self.assertEqual(records[0]["completeness"], "interrupted")

    def test_joined_late(self):
        """The agent starts between two turns of a socket without compression. The handshake was not seen, so nothing may be
        called complete; nothing may be made up either, and that something was not understood is counted."""
        client = self.start_client("--keep-alive", 3, "--hold", "--query", "deflate=none", kind="ws_client")
        client.wait_ready()
        agent = self.agent()
        client.go()
        self.assertEqual(client.finish().status, 0)
        truth = self.server.exchanges(1)
        pairs, leftover = live.match(agent.stop(), truth, "client")
        self.assertEqual(leftover, [])
        for record, entry in pairs:
            if record is not None:
                self.assertNotEqual(record["completeness"], "complete")
                self.assertEqual(record["usage"]["output_tokens"], entry["output_tokens"])
        if not any(record for record, _ in pairs):
            self.assertIn("http_joined_late", agent.lost())


if __name__ == "__main__":
    kernel_case.main()
