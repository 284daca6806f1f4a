#!/usr/bin/python3
"""As fast as the machine goes: every exchange is there, counts and hashes are right, nothing is lost; and with a ring made too
small on purpose, losses are counted and no affected exchange is called complete.

LLMSNOOP_LOAD_SECONDS sets how long the saturating part runs (30)."""
import os

import kernel_case
import live

SECONDS = int(os.environ.get("LLMSNOOP_LOAD_SECONDS", "30"))
SIZES = (100, 64 << 10, 1 << 20, 8 << 20)


class Load(kernel_case.KernelCase):
    def test_streams_of_200_chunks_from_four_threads(self):
        agent = self.agent("trace", "--http-body-hashes", "true")
        run = self.client("--load", 4, SECONDS, "--quiet", "--stream", "--query", "chunks=200", timeout=SECONDS + 120)
        records = agent.stop()
        truth = self.server.exchanges()
        print(f"{len(truth)} exchanges of 200 chunks in {SECONDS} s, {run.summary}", flush=True)
        self.expect_equal(records, truth)
        self.assertTrue(all("response_sha256" in record["http"] for record in records))
        self.assertEqual(agent.lost(), "nothing")

    def test_request_bodies_of_all_sizes(self):
        agent = self.agent("trace", "--http-body-hashes", "true")
        for size in SIZES:
            self.client("--load", 4, max(2, SECONDS // 6), "--quiet", "--body", size, timeout=SECONDS + 120)
        records = agent.stop()
        truth = self.server.exchanges()
        mebibytes = sum(entry["request_bytes"] for entry in truth) >> 20
        print(f"{len(truth)} requests, {mebibytes} MiB of bodies; lost: {agent.lost()}", flush=True)
        self.expect_equal(records, truth)
        self.assertTrue(all("request_sha256" in record["http"] for record in records))
        self.assertEqual(agent.lost(), "nothing")

    def test_tiny_ring(self):
        agent = self.agent("trace", "--capture-ring-bytes", "64KiB", "--http-body-hashes", "true")
        self.client("--load", 4, 3, "--quiet", "--stream", "--query", "chunks=200", "--body", 64 << 10)
        records = agent.stop()
        truth = {entry["id"]: entry for entry in self.server.exchanges()}
        self.assertRegex(agent.lost(), "ring_full|process_share")
        whole = [record for record in records if record["completeness"] == "complete"]
        print(f"{len(truth)} exchanges, {len(records)} records, {len(whole)} complete; lost: {agent.lost()}", flush=True)
        self.assertLess(len(whole), len(truth), "a ring of 64 KiB lost nothing: the test shows nothing")
        # What is called complete must be so, to the last byte.
        for record in whole:
            self.assertEqual(live.compare([record], [truth[record["llm"]["response_id"]]]), [])


if __name__ == "__main__":
    kernel_case.main()
