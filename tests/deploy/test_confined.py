#!/usr/bin/python3
"""The least-privilege overlay on this machine's kernel: the agent runs with its capabilities, its seccomp profile and no new
privileges, and what it counts is what real clients and a real server say. With less it says that it cannot.

    sudo tests/deploy/test_confined.py --build BUILD
"""
import json
import os
import pathlib
import re
import shlex
import tempfile
import unittest

import deploy_case
import kernel_case
import live
import manifests
from agent import Agent
from agent import run as run_agent

OVERLAY = "overlays/least-privilege"
# Kernels from 6.16 on, stable ones from July 2025 on, and those with kernel.perf_event_paranoid above 2 let only CAP_SYS_ADMIN make
# uprobes by perf events.
ADMIN_WANTED = re.compile(r"failed to create ure?t?probe .*perf event: Permission denied")


class Confined(unittest.TestCase):
    def setUp(self):
        kernel_case.BUILD = deploy_case.BUILD
        if os.geteuid() != 0:
            self.skipTest("needs root")
        if reason := kernel_case.cannot_run():
            self.skipTest(reason)
        deploy_case.need("setpriv", "kubectl")
        folder = tempfile.TemporaryDirectory(prefix="llmsnoop-confined-")
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)

    def confined_build(self, capabilities):
        """A folder whose llmsnoop is the real one, confined as the overlay says but for its capabilities."""
        fake = pathlib.Path(tempfile.mkdtemp(dir=self.work))
        command = ["/usr/bin/python3", str(deploy_case.ROOT / "tests/deploy/confine.py"), "--capabilities", ",".join(capabilities),
                   "--seccomp", str(manifests.SECCOMP), "--", str(deploy_case.llmsnoop())]
        (fake / "llmsnoop").write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
        (fake / "llmsnoop").chmod(0o755)
        return fake

    def count_with(self, capabilities):
        """Real clients and a real server, and the agent as it runs in the pod: its audit log must equal the server's ledger."""
        fake = self.confined_build(capabilities)
        libs = live.make_private_libs(fake / "libs")
        with live.Cgroup() as cgroup, live.start_server(deploy_case.BUILD, fake) as server:
            with Agent(fake, "run", "--metrics-listen", "127.0.0.1:0", "--audit-directory", fake / "audit", "--capture-nice", "0",
                       cgroup=cgroup, libs=libs) as agent:
                with open(f"/proc/{agent.pid}/status", encoding="utf-8") as status:
                    facts = dict(line.rstrip("\n").split(":\t", 1) for line in status if ":\t" in line)
                self.assertEqual(facts["CapEff"], f"{manifests.mask(capabilities):016x}")
                self.assertEqual((facts["NoNewPrivs"], facts["Seccomp"]), ("1", "2"))
                live.run_client(deploy_case.BUILD, server, "--stream", "--keep-alive", 5, libs=libs, cgroup=cgroup)
                live.run_client(deploy_case.BUILD, server, "--api", "anthropic", libs=libs, cgroup=cgroup)
                agent.stop()
                self.assertEqual(agent.lost(), "nothing")
            records = [json.loads(line) for file in sorted((fake / "audit").glob("*.jsonl"))
                       for line in file.read_text(encoding="utf-8").splitlines()]
            truth = server.exchanges()
            self.assertEqual(len(truth), 6)
            self.assertEqual(live.compare(records, truth), [])

    def test_it_counts_what_the_server_says(self):
        overlay = manifests.agent_container(manifests.kustomize(OVERLAY))["securityContext"]["capabilities"]["add"]
        try:
            self.count_with(overlay)
        except RuntimeError as refused:
            if not ADMIN_WANTED.search(str(refused)):
                raise
            self.count_with([*overlay, "SYS_ADMIN"])
            self.skipTest("on this kernel uprobes by perf events take CAP_SYS_ADMIN: it ran with components/sys-admin, and not without")

    def test_without_one_of_the_capabilities_it_refuses(self):
        for missing in ("BPF", "PERFMON"):
            with self.subTest(missing):
                fake = self.confined_build([name for name in manifests.LEAST if name != missing])
                done = run_agent(fake, "trace", "--pid", os.getpid(), "--for", "1s")
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertRegex(done.stderr, "CAP_BPF|ermission denied|not permitted")


if __name__ == "__main__":
    deploy_case.main()
