#!/usr/bin/python3
"""How the agent ends: SIGTERM delivers what is open and says what it did; SIGKILL leaves nothing attached and a log whose
complete lines are valid."""
import json
import pathlib
import signal
import subprocess
import time

import kernel_case
from agent import run


def attached_probes():
    """Programs of ours that the kernel has, whoever loaded them."""
    listing = subprocess.run(["bpftool", "prog", "show", "-j"], capture_output=True, text=True, check=False,
                             env={"PATH": "/usr/sbin:/sbin:/usr/bin:/bin"})
    return {program["id"] for program in json.loads(listing.stdout or "[]") if program.get("name", "").startswith("openssl_")}


class Endings(kernel_case.KernelCase):
    def start(self):
        self.audit = self.work / "audit"
        self.programs_before = attached_probes()
        agent = self.agent("run", "--metrics-listen", "127.0.0.1:0", "--audit-directory", self.audit)
        self.assertGreater(len(attached_probes() - self.programs_before), 0, "no program of ours is loaded")
        return agent

    def lines(self):
        """All complete lines of the audit log, each a record."""
        text = "".join(path.read_text() for path in sorted(self.audit.glob("audit-*.jsonl")))
        return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]

    def wait_for(self, what, condition):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"{what} did not come about")
            time.sleep(0.05)

    def verify(self):
        return run(kernel_case.BUILD, "audit", "verify", *sorted(map(str, self.audit.glob("audit-*.jsonl"))))

    def expect_nothing_attached(self):
        self.wait_for("the end of our programs", lambda: not attached_probes() - self.programs_before)

    def test_sigkill_under_load(self):
        agent = self.start()
        client = self.start_client("--load", 4, 6, "--quiet", "--stream", "--query", "chunks=50")
        self.wait_for("ten lines", lambda: len(self.lines()) > 10)
        agent.process.kill()
        agent.process.wait()
        self.expect_nothing_attached()
        self.assertEqual(client.finish().status, 0)  # the client never noticed
        checked = self.verify()
        self.assertEqual(checked.returncode, 0, checked.stdout)
        # The chain goes on where it broke off.
        agent = self.enterContext(kernel_case.Agent(kernel_case.BUILD, "run", "--metrics-listen", "127.0.0.1:0", "--audit-directory",
                                                    self.audit, cgroup=self.cgroup, libs=self.libs))
        before = len(self.lines())
        self.client("--keep-alive", 3)
        agent.stop(signal.SIGTERM)
        self.assertEqual(len(self.lines()), before + 3)
        checked = self.verify()
        self.assertEqual(checked.returncode, 0, checked.stdout)

    def test_sigterm_delivers_what_is_open(self):
        agent = self.start()
        self.client("--keep-alive", 4)
        client = self.start_client("--die-mid-stream", "--stream", "--query", "gap_us=200000")
        client.wait_ready()
        agent.stop(signal.SIGTERM)
        client.kill()
        client.finish()
        records = self.lines()
        self.assertEqual([record["completeness"] for record in records], ["complete"] * 4 + ["in_progress"])
        self.assertIn("audit: 5 records written", agent.messages())
        self.assertIn("lost: nothing", agent.messages())
        self.expect_nothing_attached()

    def test_log_rotation_by_sighup(self):
        agent = self.start()
        self.client()
        self.wait_for("the first record", self.lines)
        for path in self.audit.glob("audit-*.jsonl"):
            path.rename(pathlib.Path(str(path) + ".1"))
        agent.process.send_signal(signal.SIGHUP)
        self.wait_for("a new file", lambda: list(self.audit.glob("audit-*.jsonl")))
        self.client()
        agent.stop(signal.SIGTERM)
        self.assertEqual(len(self.lines()), 1)


if __name__ == "__main__":
    kernel_case.main()
