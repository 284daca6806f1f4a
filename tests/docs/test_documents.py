#!/usr/bin/python3
"""The documents against the sources and the binary: what they name must exist, what exists must be named, and their examples
must show what they say.

    tests/docs/test_documents.py --build BUILD
"""
import pathlib
import re
import sys
import tempfile
import unittest

import documents
import make_calls
import reference
from documents import ROOT

BUILD = ROOT / "build"
FLAG = re.compile(r"(?<![\w-])--[a-z][a-z0-9-]*(?!\w)")
OUTSIDE = ("apt", "curl ", "cmake ", "cpack ", "ctest ", "docker ", "helm ", "kubectl ", "promtool ", "python3 -m ", "systemctl ")  # commands whose flags are not ours
METRIC = re.compile(r"\b(?:llmsnoop|process)_\w+_(?:total|seconds|bytes|ratio|info|processes|items|flight|fds)\b")


def llmsnoop():
    return BUILD / "llmsnoop"


def commands():
    """{command: its flags}, out of the binary's own help."""
    listing = documents.run(llmsnoop(), "--help").partition("Subcommands:")[2]
    names = re.findall(r"^  (\w+) ", listing, re.M)
    flags = {name: set(FLAG.findall(documents.run(llmsnoop(), name, "--help"))) for name in names}
    flags["audit"] |= set(FLAG.findall(documents.run(llmsnoop(), "audit", "verify", "--help")))
    return flags


def text_of(path):
    return (ROOT / path).read_text(encoding="utf-8")


class Commands(unittest.TestCase):
    def test_every_command_is_in_the_readme(self):
        text = text_of("README.md")
        for name in commands():
            self.assertRegex(text, rf"`llmsnoop {name}\b", name)

    def test_llmsnoop_knows_the_flags_that_it_is_said_to_have(self):
        known = commands()
        for path in documents.files("*.md", "*.py", "*.sh", "*.service", "*.yaml", "*.8"):
            for command, rest in re.findall(r"(?<!install )\bllmsnoop ([a-z]+)([^|;&`'\"\n]*)", path.read_text(encoding="utf-8")):
                for flag in FLAG.findall(rest) if command in known else ():
                    self.assertIn(flag, known[command], f"{documents.name(path)}: llmsnoop {command}")

    def test_commands_that_are_run_exist(self):
        known = commands()
        for path in documents.documents():
            for line in documents.code(path.read_text(encoding="utf-8")):
                if line.removeprefix("sudo ").startswith(OUTSIDE):
                    continue
                for command in re.findall(r"(?:^|[ /])llmsnoop ([a-z]+)\b", line):
                    self.assertIn(command, known, f"{documents.name(path)}: {line}")

    def test_flags_of_other_programs_exist(self):
        sources = [path for folder in ("tests", "deploy", "vmlinux") for path in (ROOT / folder).rglob("*")
                   if path.suffix in (".cpp", ".py", ".sh", ".mjs")] + [ROOT / "Makefile"]
        known = set().union(*commands().values(), *(FLAG.findall(path.read_text(encoding="utf-8")) for path in sources))
        for path in documents.documents():
            for line in documents.code(path.read_text(encoding="utf-8")):
                for part in line.removeprefix("$ ").split(" | "):
                    if not part.removeprefix("sudo ").startswith(OUTSIDE):
                        for flag in FLAG.findall(part):
                            self.assertTrue(flag in known, f"{documents.name(path)}: {flag} in {part}")


class Make(unittest.TestCase):
    def test_targets_exist(self):
        targets = set(re.findall(r"^([a-z-]+):", text_of("Makefile"), re.M))
        for path in documents.documents():
            for line in documents.code(path.read_text(encoding="utf-8")):
                if found := re.match(r"(?:\$ )?(?:sudo )?make ([a-z-]+)", line):
                    self.assertIn(found[1], targets, f"{documents.name(path)}: {line}")

    def test_help_lists_every_target(self):
        phony = re.search(r"^\.PHONY: (.*)$", text_of("Makefile"), re.M)[1].split()
        listed = re.findall(r"^  make ([a-z-]+) ", documents.run("make", "help"), re.M)
        self.assertEqual(sorted(listed), sorted(phony))


class Lists(unittest.TestCase):
    def test_metrics(self):
        exported = set()
        for path in (ROOT / "exporters/prometheus").glob("*.cpp"):
            exported |= {name for name in re.findall(r'"(\w+)"', path.read_text(encoding="utf-8")) if METRIC.fullmatch(name)}
        self.assertGreater(len(exported), 15)
        rows = documents.table_rows(text_of("exporters/README.md"), "metric")
        self.assertEqual({row[0].strip("`") for row in rows}, exported)
        for path in documents.documents():
            for metric in METRIC.findall(" ".join(documents.code(path.read_text(encoding="utf-8")))):
                self.assertIn(metric, exported, documents.name(path))

    def test_generated_parts_are_up_to_date(self):
        stale = [documents.name(path) for path in reference.out_of_date(llmsnoop())]
        self.assertEqual(stale, [], "run tests/docs/reference.py --write")
        self.assertGreater(len(reference.losses()), 40)

    def test_kernel_losses(self):
        declared = set(re.findall(r"WIRE_LOSS_(\w+) = \d+", text_of("bpf/shared/wire.h"))) - {"COUNT"}
        rows = documents.table_rows(text_of("bpf/README.md"), "counter")
        self.assertEqual({row[0].strip("`") for row in rows}, declared)
        self.assertLessEqual({row[1].strip("`") for row in rows}, {reason for reason, _, _ in reference.losses()})

    def test_kernel_programs_and_maps(self):
        text = text_of("bpf/README.md")
        for path in (ROOT / "bpf").glob("*.bpf.c"):
            self.assertIn(f"`{path.name}`", text)
        maps = set(re.findall(r"^(?:}|struct \w+) (\w+) __weak SEC\(\"\.maps\"\)", text_of("bpf/lib/maps.bpf.h"), re.M))
        self.assertEqual({row[0].strip("`") for row in documents.table_rows(text, "map")}, maps)

    def test_folders(self):
        for parent in ("agent", "exporters", "tests", "deploy"):
            text = text_of(f"{parent}/README.md")
            for folder in (ROOT / parent).iterdir():
                if folder.is_dir() and folder.name != "__pycache__" and any(folder.iterdir()):
                    self.assertIn(f"`{folder.name}/", text, f"{parent}/README.md")

    def test_labels(self):
        found = {label for path in (ROOT / "tests").rglob("CMakeLists.txt") for label in re.findall(r"LABELS (\w+)", path.read_text())}
        rows = documents.table_rows(text_of("tests/README.md"), "label")
        self.assertEqual({row[0].strip("`") for row in rows}, found)


class Places(unittest.TestCase):
    def test_links(self):
        for path in documents.documents():
            text = documents.FENCE.sub("", path.read_text(encoding="utf-8"))
            for target in re.findall(r"\]\(([^)\s]+)\)", text):
                if not re.match(r"[a-z]+:|#", target):
                    self.assertTrue((path.parent / target.partition("#")[0]).exists(), f"{documents.name(path)}: {target}")

    def test_files(self):
        """A code span that looks like a path from the root is one."""
        for path in documents.documents():
            for span in documents.SPAN.findall(documents.FENCE.sub("", path.read_text(encoding="utf-8"))):
                if re.fullmatch(r"(agent|bpf|exporters|tests|deploy|vmlinux)/[\w./-]+", span):
                    self.assertTrue((ROOT / span).exists() or (path.parent / span).exists(), f"{documents.name(path)}: {span}")


class Configuration(unittest.TestCase):
    def shown(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
            file.write(text)
            file.flush()
            return documents.run(llmsnoop(), "config", "--config", file.name)

    def test_example_changes_nothing(self):
        default = documents.run(llmsnoop(), "config")
        text = reference.EXAMPLE.read_text(encoding="utf-8")
        self.assertEqual(self.shown(text), default)
        self.assertEqual(self.shown(re.sub(r"^  #(\w+: )", r"  \1", text, flags=re.M)), default)

    def test_examples_in_the_reference_are_accepted(self):
        examples = documents.blocks(reference.CONFIG.read_text(encoding="utf-8"), "yaml")
        self.assertGreater(len(examples), 0)
        for text in examples:
            self.assertNotEqual(self.shown(text), documents.run(llmsnoop(), "config"))


class Examples(unittest.TestCase):
    def test_examples_show_what_they_say(self):
        count = 0
        for path in documents.documents():
            for command, expected in documents.examples(path.read_text(encoding="utf-8")):
                status, shown = documents.run_on_terminal(command.replace("build/", f"{BUILD}/"))
                self.assertEqual(status, 0, f"{documents.name(path)}: {command}\n{shown}")
                self.assertTrue(documents.shows(expected, shown), f"{documents.name(path)}: {command}\nshows\n{shown}")
                count += 1
        self.assertGreater(count, 0)

    def test_replayed_capture_is_what_its_script_makes(self):
        self.assertEqual((ROOT / "tests/docs/calls.pcap").read_bytes(), make_calls.make())

    def test_a_wrong_example_is_noticed(self):
        self.assertTrue(documents.shows("a … c\n", "a b c"))
        self.assertFalse(documents.shows("a … c\n", "a b d"))
        self.assertEqual(documents.examples("```console\n$ one\n1\n$ two\n```\n"), [("one", "1\n"), ("two", "")])


if __name__ == "__main__":
    if "--build" in sys.argv:
        at = sys.argv.index("--build")
        BUILD = pathlib.Path(sys.argv[at + 1]).resolve()
        del sys.argv[at:at + 2]
    unittest.main()
