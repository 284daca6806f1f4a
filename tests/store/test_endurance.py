#!/usr/bin/python3
"""The writer is killed, and the disk is full, at random times: nothing is damaged, and what it said to be safe is there.

    tests/store/test_endurance.py --build BUILD      ROUNDS=100 in the environment for more rounds
"""
import os
import random
import resource
import signal
import sqlite3
import time
import unittest

import tool

ROUNDS = int(os.environ.get("ROUNDS", "12"))
BATCH = 100
COUNT = 6000  # more than wait in memory while the disk is full
ON_ONE_FILE = 10  # rounds: then a new one, or looking at it would take longer each time


class Endurance(tool.Case):
    def setUp(self):
        super().setUp()
        self.random = random.Random(os.environ.get("SEED", "20261120"))

    def begin_another(self, turn):
        """Chooses the round's file; says whether it is a new one."""
        self.store = self.work / f"store-{turn // ON_ONE_FILE}.db"
        return turn % ON_ONE_FILE == 0

    def rows(self):
        """How many exchanges the store holds; the file must be whole."""
        with sqlite3.connect(self.store) as database:
            self.assertEqual(database.execute("PRAGMA integrity_check").fetchall(), [("ok",)])
            exchanges, records = (database.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in ("exchange", "record"))
        database.close()
        self.assertEqual(exchanges, records)
        return exchanges

    def test_killed_at_random_times(self):
        safe, all_safe = 0, 0
        for turn in range(ROUNDS):
            safe = 0 if self.begin_another(turn) else safe
            with self.tool("write", self.store, 10_000_000, BATCH) as process:
                process.stdout.readline()
                time.sleep(self.random.uniform(0, 0.3))
                process.send_signal(signal.SIGKILL)
                said = [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
            told = int(said[-1].split()[0]) if said else BATCH
            held = self.rows() - safe
            # All that it said to be safe, whole batches, and at most one that it had no time to speak of.
            self.assertGreaterEqual(held, told, f"round {turn}")
            self.assertEqual(held % BATCH, 0, f"round {turn}")
            self.assertLessEqual(held, told + BATCH, f"round {turn}")
            safe += held
            all_safe += held
        print(f"{ROUNDS} rounds of SIGKILL: {all_safe} exchanges, none lost that were said to be safe; the file is whole")

    def test_the_disk_is_full_at_random_times(self):
        """A limit on the size of files, which comes and goes."""
        total, all_held = 0, 0
        for turn in range(ROUNDS):
            total = 0 if self.begin_another(turn) else total
            size = self.store.stat().st_size if self.store.exists() else 0
            limit = size + self.random.randrange(1000, 400_000)
            process = self.tool("write", self.store, COUNT, BATCH, stderr=tool.subprocess.DEVNULL,
                                preexec_fn=lambda: signal.signal(signal.SIGXFSZ, signal.SIG_IGN))
            with process:
                process.stdout.readline()
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
                time.sleep(self.random.uniform(0.05, 0.2))
                if turn % 2 == 0:
                    process.send_signal(signal.SIGKILL)
                else:
                    resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
                said = [line for line in process.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
            held = self.rows() - total
            safe, lost = (int(word) for word in said[-1].split()) if said else (0, 0)
            self.assertGreaterEqual(held, safe, f"round {turn}")
            if turn % 2 == 1:
                self.assertEqual(held, safe, f"round {turn}")
                self.assertEqual(safe + lost, COUNT, f"round {turn}: what was not counted as lost is there")
            total += held
            all_held += held
        self.assertEqual([path.name for path in self.work.glob("*corrupt*")], [])
        print(f"{ROUNDS} rounds of a full disk: {all_held} exchanges; the file is whole")


if __name__ == "__main__":
    tool.Case.BUILD = tool.build()
    unittest.main()
