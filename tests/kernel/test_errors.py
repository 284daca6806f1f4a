#!/usr/bin/python3
"""What goes wrong before anything runs: the message says what and where, and the exit code is 2 for wrong usage or
configuration, 1 for what could not be done."""
import contextlib
import os
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import kernel_case
from agent import run


class Errors(unittest.TestCase):
    def setUp(self):
        self.work = pathlib.Path(tempfile.mkdtemp(prefix="llmsnoop-test-"))
        self.addCleanup(shutil.rmtree, self.work)

    def expect(self, status, words, *argv, **more):
        ended = run(kernel_case.BUILD, *argv, **more)
        self.assertEqual(ended.returncode, status, ended.stderr)
        for word in (words,) if isinstance(words, str) else words:
            self.assertIn(word, ended.stderr)
        self.assertEqual(ended.stdout, "")

    def config(self, text):
        path = self.work / "config.yaml"
        path.write_text(text)
        return path

    def test_configuration_file(self):
        cases = (("audit:\n  directory: /x\n  fsynk: always\n", ":3: audit.fsynk: no such key"),
                 ("audot:\n  directory: /x\n", ":1: audot: no such section"),
                 ("metrics:\n  enabled: perhaps\n", ":2: metrics.enabled: 'perhaps' is no switch"),
                 ("capture:\n  ring_bytes: 12MB\n", ":2: capture.ring_bytes: '12MB' is no size"),
                 ("capture:\n  libraries: /usr/lib/libssl.so\n", ":2: capture.libraries: a list is wanted"),
                 ("audit:\n  fsync: sometimes\n", ":2: audit.fsync: 'sometimes' is none of always|interval|never"),
                 ("- a\n- b\n", ":1: sections are wanted"),
                 ("metrics: {listen: [}\n", ":1:"))
        for text, message in cases:
            with self.subTest(text=text):
                path = self.config(text)
                self.expect(2, str(path) + message, "run", "--config", path)

    def test_configuration_from_elsewhere(self):
        self.expect(2, "missing.yaml: No such file or directory", "run", "--config", self.work / "missing.yaml")
        self.expect(2, "LLMSNOOP_LOG_LEVEL: 'loud' is none of", "run", environment={"LLMSNOOP_LOG_LEVEL": "loud"})
        self.expect(2, "--capture-rings: 'three' is no whole number", "run", "--capture-rings", "three")
        self.expect(2, "--capture-rings: a power of two", "run", "--capture-rings", "3")
        self.expect(2, "--capture-ring-bytes: a power of two", "run", "--capture-ring-bytes", "3MiB")

    def test_what_wins(self):
        """Flags over environment, environment over file."""
        path = self.config("node:\n  name: of-the-file\nlog:\n  level: warn\n")
        of_file = run(kernel_case.BUILD, "config", "--config", path).stdout
        self.assertIn("name: of-the-file", of_file)
        environment = {"LLMSNOOP_NODE_NAME": "of-the-environment"}
        self.assertIn("name: of-the-environment", run(kernel_case.BUILD, "config", "--config", path, environment=environment).stdout)
        flagged = run(kernel_case.BUILD, "config", "--config", path, "--node-name", "of-the-flag", environment=environment).stdout
        self.assertIn("name: of-the-flag", flagged)
        self.assertIn("level: warn", flagged)
        # What `config` prints is itself a configuration.
        printed = self.work / "printed.yaml"
        printed.write_text(flagged)
        self.assertEqual(run(kernel_case.BUILD, "config", "--config", printed).stdout, flagged)

    def test_usage(self):
        self.expect(2, "", "no-such-command")
        self.expect(2, "", "trace", "--no-such-flag")
        self.expect(2, "column 1: a field of the record is wanted, found 'llm.providr'", "trace", "llm.providr == 'x'")
        self.expect(2, "--for: 'long' is no duration", "trace", "--for", "long")
        self.expect(2, "process id", "trace", "--pid", "one")
        self.expect(2, "NAMESPACE/NAME is wanted", "trace", "--pod", "one")
        self.expect(2, "no cgroup of that id", "trace", "--container", "0123456789ab")
        self.expect(2, "there is no directory", "trace", "--cgroup", "/no/such/cgroup")
        self.expect(2, "no-such-program", "trace", "--exe", "/no-such-program")
        not_tls = self.work / "libnothing.so"
        shutil.copy("/bin/true", not_tls)
        self.expect(2, "no TLS library that can be probed", "trace", "--capture-libraries", not_tls, "--comm", "nobody")

    def test_files(self):
        self.expect(1, "missing.pcap", "replay", self.work / "missing.pcap")
        text = self.work / "text.pcap"
        text.write_text("this is no capture\n" * 10)
        self.expect(1, "text.pcap", "replay", text)
        self.expect(1, "missing.jsonl", "audit", "verify", self.work / "missing.jsonl")

    def test_addresses(self):
        self.expect(2, "metrics", "run", "--metrics-listen", "nonsense", "--audit-enabled", "false", "--comm", "nobody")

    def as_nobody(self, *argv):
        """The agent without any privilege; its binary is copied to where nobody may read it."""
        binary = self.work / "llmsnoop"
        shutil.copy(kernel_case.BUILD / "llmsnoop", binary)
        self.work.chmod(0o755)
        return subprocess.run(["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", str(binary), *argv],
                              capture_output=True, text=True, check=False)

    def test_without_privileges(self):
        ended = self.as_nobody("trace")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("run as root, or with CAP_BPF", ended.stderr)
        doctor = self.as_nobody("doctor")
        self.assertEqual(doctor.returncode, 1)
        self.assertIn("tracing is NOT possible", doctor.stdout)

    def test_doctor_knows_what_is_missing(self):
        """As the agent itself finds it, with some capabilities and not with others."""
        four = {"bpf", "perfmon", "sys_ptrace", "dac_read_search"}
        for capabilities, code, verdict in (
                (four, 0, "tracing is possible"), (four - {"sys_ptrace"}, 0, "IN PART: CAP_SYS_PTRACE"),
                (four - {"dac_read_search"}, 0, "IN PART: CAP_DAC_READ_SEARCH"), (four - {"perfmon"}, 1, "NOT possible: tracing by BPF"),
                (four - {"bpf"}, 1, "NOT possible: BPF")):
            with self.subTest(capabilities=capabilities):
                limited = ["setpriv", "--inh-caps", "-all", "--bounding-set", ",".join(["-all", *(f"+{one}" for one in capabilities)]),
                           kernel_case.BUILD / "llmsnoop"]
                doctor = subprocess.run([*limited, "doctor", "--pid", "1"], capture_output=True, text=True, check=False)
                self.assertEqual(doctor.returncode, code, doctor.stdout)
                self.assertIn(verdict, doctor.stdout.splitlines()[-1])
                trace = subprocess.run([*limited, "trace", "--comm", "nobody", "--for", "1s"], capture_output=True, text=True, check=False)
                self.assertEqual(trace.returncode, code, trace.stderr)

    def test_without_btf(self):
        """In a mount namespace of its own, where /sys/kernel/btf is empty."""
        script = f"mount -t tmpfs none /sys/kernel/btf && exec {kernel_case.BUILD}/llmsnoop trace --comm nobody"
        ended = subprocess.run(["unshare", "--mount", "sh", "-c", script], capture_output=True, text=True, check=False)
        self.assertEqual(ended.returncode, 1, ended.stderr)
        self.assertIn("/sys/kernel/btf/vmlinux is missing", ended.stderr)

    def test_audit_directory_that_cannot_be(self):
        not_a_directory = self.work / "file"
        not_a_directory.write_text("")
        ended = run(kernel_case.BUILD, "run", "--audit-directory", not_a_directory, "--comm", "nobody", "--metrics-enabled", "false")
        self.assertEqual(ended.returncode, 1)
        self.assertIn("file", ended.stderr)


class FullDisk(kernel_case.KernelCase):
    def test_audit_log_that_cannot_be_finished(self):
        """The disk is full when the agent ends: its records are lost, and it says so."""
        audit = self.work / "audit"
        audit.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=8k", "none", str(audit)], check=True)
        self.addCleanup(subprocess.run, ["umount", str(audit)], check=True)
        with contextlib.suppress(OSError), open(audit / "filler", "wb", buffering=0) as filler:
            while filler.write(bytes(4096)):
                pass
        agent = self.agent("run", "--audit-directory", audit, "--metrics-enabled", "false")
        self.client()
        self.client("--stream")
        time.sleep(1)
        agent.end(status=1)
        self.assertIn("audit: 0 records written, 0 dropped, 2 failed", agent.messages())
        self.assertIn("sink_failed 2", agent.messages())
        self.assertIn("No space left on device", agent.messages())


if __name__ == "__main__":
    os.environ.pop("LLMSNOOP_LOG_LEVEL", None)
    kernel_case.main()
