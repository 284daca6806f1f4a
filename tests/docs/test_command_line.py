#!/usr/bin/python3
"""What the command line says to people who get it wrong, and how it exits. Needs no privilege.

    tests/docs/test_command_line.py --build BUILD
"""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

from documents import ROOT

BUILD = ROOT / "build"
PR_SET_NAME = 15  # prctl(2)
EVIL = b"\x1b[31mEVIL\n"


def llmsnoop(*words, **more):
    return subprocess.run([str(BUILD / "llmsnoop"), *map(str, words)], stderr=subprocess.PIPE, timeout=60, check=False,
                          **{"stdout": subprocess.PIPE, **more})


class CommandLine(unittest.TestCase):
    def expect(self, ended, code, message=""):
        said = ended.stderr.decode()
        self.assertEqual(ended.returncode, code, said)
        self.assertIn(message, said)

    def test_unknown_commands_are_named(self):
        self.expect(llmsnoop("nosuch"), 2, "llmsnoop: 'nosuch' is no command")
        self.expect(llmsnoop("audit", "nosuch"), 2, "'nosuch' is no command")
        self.expect(llmsnoop(), 2, "subcommand")
        self.expect(llmsnoop("--help"), 0)

    def test_counts(self):
        self.expect(llmsnoop("trace", "--count", "0"), 2, "1 or more is wanted")
        self.expect(llmsnoop("trace", "--count", "x"), 2, "--count")

    def test_selections(self):
        self.expect(llmsnoop("config", "--pid", "abc"), 2, "llmsnoop: --pid: 'abc' is no process id")
        self.expect(llmsnoop("config", "--comm", "sixteen-bytes-xx"), 2, "--comm: 'sixteen-bytes-xx' is longer than 15 bytes")

    def test_configuration_files(self):
        self.expect(llmsnoop("config", "--config", "/"), 2, "/: Is a directory")

    def test_configuration_is_readable_again(self):
        words = ("config", "--node-name", "a: b # c", "--capture-libraries", "/x, y", "--capture-libraries", "[z")
        shown = llmsnoop(*words)
        self.expect(shown, 0)
        with tempfile.NamedTemporaryFile(suffix=".yaml") as file:
            file.write(shown.stdout)
            file.flush()
            again = llmsnoop("config", "--config", file.name)
        self.expect(again, 0)
        self.assertEqual(again.stdout, shown.stdout)

    def test_empty_audit_logs_hold_nothing(self):
        with tempfile.NamedTemporaryFile(suffix=".jsonl") as file:
            checked = llmsnoop("audit", "verify", file.name)
            self.expect(checked, 1)
            self.assertIn(b"0 records: there is no chain to check", checked.stdout)

    def test_full_disks_are_noticed(self):
        for words in (("doctor", "--json", "--pid", os.getpid()), ("config",), ("schema",),
                      ("replay", ROOT / "tests/docs/calls.pcap")):
            with open("/dev/full", "wb") as full:
                self.expect(llmsnoop(*words, stdout=full), 1, "No space left on device")

    def test_names_of_processes_cannot_speak_to_the_terminal(self):
        """A process with libssl mapped that calls itself by an escape sequence."""
        code = (f"import ctypes, ssl, sys; ctypes.CDLL(None).prctl({PR_SET_NAME}, {EVIL!r}, 0, 0, 0);"
                "print('ready', flush=True); sys.stdin.read()")
        with subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
            self.assertEqual(process.stdout.readline(), b"ready\n")
            shown = llmsnoop("doctor", "--pid", process.pid).stdout
            process.stdin.close()
        self.assertIn(b"\\x1b[31mEVIL\\n", shown)
        self.assertNotIn(b"\x1b", shown)


if __name__ == "__main__":
    if "--build" in sys.argv:
        at = sys.argv.index("--build")
        BUILD = pathlib.Path(sys.argv[at + 1]).resolve()
        del sys.argv[at:at + 2]
    unittest.main()
