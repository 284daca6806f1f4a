#!/usr/bin/python3
"""Live, then from a tape: `record` while `trace` looks on, `replay`, and the two give the same records."""
import json
import time

import kernel_case
from agent import run

# What a second observer of the same traffic cannot have in common: clocks are read anew, connections get ids of their own.
OF_THE_RUN = ("id", "pair", "time", "timing", "node")


def comparable(record):
    result = {key: value for key, value in record.items() if key not in OF_THE_RUN}
    # Start times are told in boot time; each observer reads the wall clock for itself. And only one of them may have been
    # quick enough to find the command line of a process that lives for milliseconds.
    result["process"] = {key: value for key, value in record["process"].items() if key not in ("start_time", "args_sha256")}
    return result


class TapeRoundTrip(kernel_case.KernelCase):
    def test_same_records(self):
        tape = self.work / "tape"
        recorder = self.agent("record", tape, "--keep-credentials")
        watcher = self.agent()
        for flags in (("--stream", "--keep-alive", 4), ("--api", "anthropic", "--stream"), ("--tools",), ("--query", "error=429"),
                      ("--query", "encoding=gzip", "--stream"), ("--body", 1 << 20)):
            self.client(*flags, check=False)
        self.client(kind="python")
        live_records = watcher.stop()
        time.sleep(0.5)
        recorder.stop()
        self.expect_equal(live_records)

        replayed = run(kernel_case.BUILD, "replay", tape)
        self.assertEqual(replayed.returncode, 0, replayed.stderr)
        records = [json.loads(line) for line in replayed.stdout.splitlines()]
        key = lambda record: json.dumps(record, sort_keys=True)  # noqa: E731
        self.assertEqual(sorted(map(comparable, records), key=key), sorted(map(comparable, live_records), key=key))
        again = run(kernel_case.BUILD, "replay", tape)
        self.assertEqual(again.stdout, replayed.stdout)


if __name__ == "__main__":
    kernel_case.main()
