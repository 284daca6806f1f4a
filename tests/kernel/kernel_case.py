"""The base of the live tests: a server, a private libssl, a cgroup, and the agent watching them.

Run one file with  sudo /usr/bin/python3 tests/kernel/test_NAME.py --build BUILD. Exit status 77: the tests cannot run here,
and the reason is printed. Needs root, a cgroup2 mount and a kernel that lets BPF attach; sends traffic to loopback only.
"""
import pathlib
import subprocess
import sys
import time
import unittest

import live
from agent import Agent

SKIPPED = 77
BUILD = pathlib.Path("build")


def cannot_run():
    """Why live tests cannot run here, or None."""
    if live.cgroup_mount() is None:
        return "no cgroup2 file system is mounted"
    doctor = subprocess.run([str(BUILD / "llmsnoop"), "doctor", "--pid", "1"], capture_output=True, text=True, check=False)
    if doctor.returncode != 0:
        return (doctor.stdout.splitlines() or ["doctor says nothing"])[-1]
    return None


class KernelCase(unittest.TestCase):
    """setUp makes `work`, `libs`, `cgroup` and `server`; all are gone afterwards."""

    server_flags = ()

    def setUp(self):
        self.work = self.enterContext(live.work_directory())
        self.libs = live.make_private_libs(self.work / "libs")
        self.cgroup = self.enterContext(live.Cgroup())
        self.server = self.enterContext(live.start_server(BUILD, self.work, *self.server_flags))

    def enterContext(self, manager):  # unittest has it from 3.11 on; Debian 12's Python is just that
        result = manager.__enter__()
        self.addCleanup(manager.__exit__, None, None, None)
        return result

    def agent(self, command="trace", *flags, **more):
        if command == "trace":
            flags = ("--json", *flags)
        return self.enterContext(Agent(BUILD, command, *flags, cgroup=self.cgroup, libs=self.libs, **more))

    def client(self, *flags, **more):
        return live.run_client(BUILD, self.server, *flags, libs=self.libs, cgroup=self.cgroup, **more)

    def start_client(self, *flags, **more):
        return live.start_client(BUILD, self.server, *flags, libs=self.libs, cgroup=self.cgroup, **more)

    def expect_equal(self, records, truth=None):
        """Every exchange of the ledger has exactly one record, with the same counts."""
        truth = self.server.exchanges() if truth is None else truth
        self.assertGreater(len(truth), 0, "the server saw nothing")
        self.assertEqual(live.compare(records, truth), [])


def main():
    global BUILD
    if "--build" in sys.argv:
        at = sys.argv.index("--build")
        BUILD = pathlib.Path(sys.argv[at + 1]).resolve()
        del sys.argv[at:at + 2]
    sys.modules["__main__"].BUILD = BUILD
    reason = cannot_run()
    if reason:
        print(f"LIVE TESTS DID NOT RUN: {reason}", file=sys.stderr)
        sys.exit(SKIPPED)
    started = time.monotonic()
    outcome = unittest.main(verbosity=2, exit=False)
    print(f"{outcome.result.testsRun} live tests in {time.monotonic() - started:.1f} s")
    if outcome.result.testsRun == len(outcome.result.skipped):
        print("LIVE TESTS DID NOT RUN: each was skipped, for the reason that is given with it", file=sys.stderr)
        sys.exit(SKIPPED)
    sys.exit(0 if outcome.result.wasSuccessful() else 1)
