#!/usr/bin/python3
"""deploy/systemd: systemd understands the files, and the agent runs with exactly the unit's capabilities and system calls, as far as
they can be had without booting: bounding set, no new privileges, the filter as seccomp. logrotate rotates a log that is being written.

    sudo tests/deploy/test_systemd.py --build BUILD
"""
import configparser
import gzip
import json
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

import deploy_case
import kernel_case
import live
import manifests
from agent import Agent
from deploy_case import DEPLOY

UNIT = DEPLOY / "systemd/llmsnoop.service"


class Unit(configparser.RawConfigParser):
    """The unit's settings. A setting that is given twice would be lost: none is, and the parser is strict."""

    def __init__(self):
        super().__init__(strict=True, interpolation=None)
        self.optionxform = str
        self.read_string(UNIT.read_text(encoding="utf-8"))

    def capabilities(self):
        return [name.removeprefix("CAP_") for name in self["Service"]["CapabilityBoundingSet"].split()]

    def system_calls(self):
        """The filter's names, sets like @system-service resolved by systemd itself."""
        def resolve(name):
            if not name.startswith("@"):
                return {name}
            listed = deploy_case.run("systemd-analyze", "syscall-filter", name).splitlines()[1:]
            return {call for line in listed for call in resolve(line.strip()) if line.strip() and not line.strip().startswith("#")}
        return {call for name in self["Service"]["SystemCallFilter"].split() for call in resolve(name)}


def own_capabilities():
    with open("/proc/self/status", encoding="ascii") as status:
        return int(re.search(r"CapBnd:\s+(\w+)", status.read())[1], 16)


class Files(unittest.TestCase):
    def setUp(self):
        deploy_case.need("systemd-analyze")

    def test_unit_is_understood(self):
        """Under its name and with the agent where the package puts it."""
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            for path in ("usr/bin/llmsnoop", "bin/kill"):
                (root / path).parent.mkdir(parents=True, exist_ok=True)
                (root / path).write_text("#!/bin/true\n", encoding="ascii")
                (root / path).chmod(0o755)
            units = root / "usr/lib/systemd/system"
            units.mkdir(parents=True)
            shutil.copy(UNIT, units)
            for target in ("multi-user.target", "network.target", "sysinit.target", "basic.target", "shutdown.target", "system.slice",
                           "-.slice", "-.mount"):
                (units / target).write_text("[Unit]\nDescription=none\n", encoding="ascii")
            done = subprocess.run(["systemd-analyze", "verify", "--man=no", f"--root={root}", "llmsnoop.service"], capture_output=True,
                                  text=True, check=False)
            complaints = [line for line in done.stderr.splitlines() if "llmsnoop" in line]
            self.assertEqual((done.returncode, complaints), (0, []), done.stderr)

    def test_exposure(self):
        shown = deploy_case.run("systemd-analyze", "security", "--offline=true", "--no-pager", UNIT)
        level = float(re.search(r"Overall exposure level for llmsnoop.service: ([\d.]+)", shown)[1])
        print(f"systemd-analyze security: {level} (10 is without any protection)", file=sys.stderr)
        self.assertLess(level, 4.5)

    def test_unit_agrees_with_the_rest(self):
        unit = Unit()
        self.assertEqual(unit["Service"]["ExecStart"], "/usr/bin/llmsnoop run --config /etc/llmsnoop/config.yaml")
        self.assertEqual(unit["Service"]["RestartPreventExitStatus"], "2")
        self.assertLessEqual(set(manifests.LEAST), set(unit.capabilities()))
        for group in ("sysusers", "tmpfiles", "logrotate"):
            self.assertIn("llmsnoop", (DEPLOY / f"systemd/llmsnoop.{group}{'.conf' if group != 'logrotate' else ''}").read_text(encoding="utf-8"))

    def test_group_and_directories(self):
        """systemd-sysusers and systemd-tmpfiles make them in a root of their own."""
        deploy_case.need("systemd-sysusers", "systemd-tmpfiles")
        if os.geteuid() != 0:
            self.skipTest("needs root")
        with tempfile.TemporaryDirectory() as folder:
            root = pathlib.Path(folder)
            (root / "etc").mkdir()
            deploy_case.run("systemd-sysusers", f"--root={root}", DEPLOY / "systemd/llmsnoop.sysusers.conf")
            group = re.search(r"^llmsnoop:[^:]*:(\d+):", (root / "etc/group").read_text(encoding="ascii"), re.M)
            self.assertIsNotNone(group)
            deploy_case.run("systemd-tmpfiles", "--create", f"--root={root}", DEPLOY / "systemd/llmsnoop.tmpfiles.conf")
            for name, mode in (("log", 0o42750), ("lib", 0o40750)):
                facts = (root / "var" / name / "llmsnoop").stat()
                self.assertEqual((facts.st_mode, facts.st_uid, facts.st_gid), (mode, 0, int(group[1])))


class Running(unittest.TestCase):
    def setUp(self):
        kernel_case.BUILD = deploy_case.BUILD
        if os.geteuid() != 0:
            self.skipTest("needs root")
        if reason := kernel_case.cannot_run():
            self.skipTest(reason)
        deploy_case.need("setpriv", "systemd-analyze")
        folder = tempfile.TemporaryDirectory(prefix="llmsnoop-systemd-")
        self.addCleanup(folder.cleanup)
        self.work = pathlib.Path(folder.name)

    def confined_build(self):
        """A folder whose llmsnoop is the real one with the unit's capabilities and system calls."""
        unit = Unit()
        profile = {"defaultAction": "SCMP_ACT_ERRNO", "syscalls": [{"names": sorted(unit.system_calls()), "action": "SCMP_ACT_ALLOW"}]}
        (self.work / "seccomp.json").write_text(json.dumps(profile), encoding="utf-8")
        # What this machine itself does not have cannot be given.
        have = [name for name in unit.capabilities() if own_capabilities() >> manifests.CAPABILITIES[name] & 1]
        command = ["/usr/bin/python3", str(deploy_case.ROOT / "tests/deploy/confine.py"), "--capabilities", ",".join(have),
                   "--seccomp", str(self.work / "seccomp.json"), "--", str(deploy_case.llmsnoop())]
        (self.work / "llmsnoop").write_text(f'#!/bin/sh\nexec {shlex.join(command)} "$@"\n', encoding="utf-8")
        (self.work / "llmsnoop").chmod(0o755)
        return self.work

    def test_it_counts_as_the_unit_starts_it(self):
        audit = self.work / "audit"
        libs = live.make_private_libs(self.work / "libs")
        with live.Cgroup() as cgroup, live.start_server(deploy_case.BUILD, self.work) as server:
            with Agent(self.confined_build(), "run", "--metrics-listen", "127.0.0.1:0", "--audit-directory", audit, cgroup=cgroup,
                       libs=libs) as agent:
                live.run_client(deploy_case.BUILD, server, "--stream", "--keep-alive", 3, libs=libs, cgroup=cgroup)
                agent.stop()
                self.assertEqual(agent.lost(), "nothing")
            records = [json.loads(line) for file in audit.glob("*.jsonl") for line in file.read_text(encoding="utf-8").splitlines()]
            self.assertEqual(live.compare(records, server.exchanges()), [])

    def test_logrotate_loses_nothing(self):
        """The example, with this agent's pid and directory for the service's: what was written before, while and after is all there."""
        deploy_case.need("logrotate")
        audit = self.work / "audit"
        libs = live.make_private_libs(self.work / "libs")
        example = (DEPLOY / "systemd/llmsnoop.logrotate").read_text(encoding="utf-8")
        with live.Cgroup() as cgroup, live.start_server(deploy_case.BUILD, self.work) as server:
            with Agent(deploy_case.BUILD, "run", "--metrics-listen", "127.0.0.1:0", "--audit-directory", audit, "--audit-rotate-bytes", "0",
                       "--audit-rotate-after", "0s", "--audit-keep-files", "0", "--audit-keep-bytes", "0", cgroup=cgroup, libs=libs) as agent:
                config = self.work / "logrotate.conf"
                config.write_text(example.replace("/var/log/llmsnoop", str(audit)).replace("su root llmsnoop", "su root root").replace(
                    "systemctl kill --kill-who=main --signal=HUP llmsnoop.service || true", f"kill -HUP {agent.pid}"), encoding="utf-8")
                self.assertNotIn("systemctl", config.read_text(encoding="utf-8"))
                for _ in range(2):
                    live.run_client(deploy_case.BUILD, server, "--stream", "--keep-alive", 3, libs=libs, cgroup=cgroup)
                    self.wait_for_lines(audit, len(server.exchanges()))
                    deploy_case.run("logrotate", "--force", "--state", self.work / "state", config)
                    self.wait_for("a new file", lambda: list(audit.glob("audit-*.jsonl")))
                live.run_client(deploy_case.BUILD, server, "--stream", libs=libs, cgroup=cgroup)
                agent.stop()
            packed = sorted(audit.glob("*.jsonl.1.gz"))
            self.assertGreaterEqual(len(packed), 2)
            for path in packed:  # as somebody would who looks at old ones
                with gzip.open(path) as old:
                    path.with_name(path.name.removesuffix(".1.gz")).write_bytes(old.read())
            files = sorted(audit.glob("*.jsonl"))
            deploy_case.run(deploy_case.llmsnoop(), "audit", "verify", *files)
            records = [json.loads(line) for file in files for line in file.read_text(encoding="utf-8").splitlines()]
            self.assertEqual(live.compare(records, server.exchanges()), [])

    def wait_for_lines(self, audit, count):
        def lines():
            return sum(len(gzip.open(path).readlines() if path.suffix == ".gz" else path.read_bytes().splitlines())
                       for path in audit.glob("audit-*"))
        self.wait_for(f"{count} lines", lambda: lines() >= count)
        self.assertEqual(lines(), count)

    def wait_for(self, what, condition):
        deadline = time.monotonic() + 60
        while not condition():
            self.assertLess(time.monotonic(), deadline, f"{what} did not come about")
            time.sleep(0.1)


if __name__ == "__main__":
    deploy_case.main()
