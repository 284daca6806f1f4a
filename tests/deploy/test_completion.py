#!/usr/bin/python3
"""deploy/completion and deploy/man in the shells and the formatter that read them. That they are up to date is for tests/docs to check.

    tests/deploy/test_completion.py --build BUILD
"""
import subprocess
import tempfile
import unittest

import deploy_case
from deploy_case import DEPLOY, ROOT

COMPLETION = DEPLOY / "completion"


def commands():
    import completions
    return completions.read_help(deploy_case.llmsnoop())


class Bash(unittest.TestCase):
    def complete(self, *words):
        """What bash offers for the last of these words."""
        deploy_case.need("bash")
        script = ('source "$1"; shift; COMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _llmsnoop; printf "%s\\n" "${COMPREPLY[@]}"')
        return set(deploy_case.run("bash", "-c", script, "bash", COMPLETION / "llmsnoop.bash", "llmsnoop", *words, cwd=ROOT).split())

    def test_commands(self):
        self.assertLessEqual({below.words for below in commands().commands}, self.complete(""))
        self.assertEqual(self.complete("do"), {"doctor"})
        self.assertEqual(self.complete("audit", "v"), {"verify"})

    def test_every_flag_of_every_command(self):
        import completions
        for command in completions.all_commands(commands()):
            words = command.words.split()
            self.assertEqual(self.complete(*words, "--"), {option.flag for option in command.options}, command.words)

    def test_values(self):
        self.assertEqual(self.complete("run", "--policy-content", ""), {"none", "redacted"})
        self.assertEqual(self.complete("run", "--audit-enabled", "t"), {"true"})
        self.assertIn("deploy/man", self.complete("run", "--config", "deploy/m"))
        self.assertEqual(self.complete("run", "--metrics-listen", ""), set())

    def test_files(self):
        self.assertIn("deploy/man", self.complete("replay", "deploy/m"))
        self.assertNotIn("deploy/man", self.complete("doctor", "deploy/m"))


class Fish(unittest.TestCase):
    def complete(self, line):
        deploy_case.need("fish")
        with tempfile.TemporaryDirectory() as home:
            shown = deploy_case.run("fish", "--private", "-c", f"source {COMPLETION}/llmsnoop.fish; complete -C '{line}'", cwd=ROOT,
                                    env={"HOME": home, "PATH": "/usr/bin:/bin"})
        return {one.split("\t")[0] for one in shown.splitlines()}

    def test_commands(self):
        self.assertEqual(self.complete("llmsnoop "), {below.words for below in commands().commands})
        self.assertEqual(self.complete("llmsnoop audit "), {"verify"})

    def test_flags_and_values(self):
        trace, = (below for below in commands().commands if below.words == "trace")
        self.assertEqual(self.complete("llmsnoop trace --"), {option.flag for option in trace.options})
        self.assertEqual(self.complete("llmsnoop run --policy-content "), {"none", "redacted"})
        self.assertIn("deploy/man/", self.complete("llmsnoop replay deploy/m"))


class Zsh(unittest.TestCase):
    def test_it_loads_and_completes(self):
        """In a terminal of zpty's, as somebody types: what zsh then shows."""
        deploy_case.need("zsh")
        script = r"""
            zmodload zsh/zpty
            zpty shell 'HOME=/nonexistent zsh -f -i'
            zpty -w shell "PS1=; fpath=($1 \$fpath); autoload -Uz compinit; compinit -D -u; stty -echo; bindkey '^I' complete-word; zstyle ':completion:*' list-prompt ''"
            zpty -w shell 'LISTMAX=1000; print begin'
            zpty -n -w shell $'llmsnoop doc\t --js\t\C-a print -r -- \C-m'
            local seen= line
            repeat 600; do  # a minute; only a failure takes so long
                while zpty -r -t shell line; do seen+=$line; done
                [[ $seen == *'llmsnoop doctor --json'* ]] && break
                sleep 0.1
            done
            zpty -d shell
            print -r -- $seen
        """
        shown = deploy_case.run("zsh", "-f", "-c", script, "zsh", COMPLETION, cwd=ROOT)
        self.assertIn("llmsnoop doctor --json", shown)

    def test_syntax(self):
        deploy_case.need("zsh")
        deploy_case.run("zsh", "-n", COMPLETION / "_llmsnoop")


class Manuals(unittest.TestCase):
    def test_they_are_formatted_without_complaint(self):
        deploy_case.need("man")
        pages = sorted((DEPLOY / "man").iterdir())
        self.assertEqual([page.name for page in pages], ["llmsnoop-config.5", "llmsnoop-record.5", "llmsnoop.8"])
        for page in pages:
            done = subprocess.run(["man", "--warnings", "-E", "UTF-8", "-l", page], capture_output=True, text=True, check=False,
                                  env={"PATH": "/usr/bin:/bin", "MANWIDTH": "200"})
            self.assertEqual((done.returncode, done.stderr), (0, ""), page.name)
            self.assertGreater(len(done.stdout.splitlines()), 50)

    def test_every_key_has_its_entry(self):
        deploy_case.need("man")
        shown = deploy_case.run("man", "-E", "ascii", "-l", DEPLOY / "man/llmsnoop-config.5", env={"PATH": "/usr/bin:/bin", "MANWIDTH": "400"})
        for variable in deploy_case.config_variables():
            self.assertIn(f" {variable},", shown)


if __name__ == "__main__":
    deploy_case.main()
