#!/usr/bin/python3
"""The parts of the documents that are made from the sources and the binary, so that they cannot go stale.

    tests/docs/reference.py --llmsnoop build/llmsnoop            lists the files that are out of date, and exits 1 if any is
    tests/docs/reference.py --llmsnoop build/llmsnoop --write    brings them up to date

deploy/config/llmsnoop.yaml  what `llmsnoop config` prints by default, each key commented out
deploy/CONFIG.md             the table of keys, between its marks
exporters/LOSSES.md          the table of losses, between its marks
deploy/completion/           completion for bash, zsh and fish, out of `llmsnoop --help`
deploy/man/llmsnoop-*.5      the keys, and the members of a record, as manual pages
"""
import argparse
import dataclasses
import pathlib
import re
import sys

import completions
import documents
import man_pages
from documents import ROOT

EXAMPLE = ROOT / "deploy/config/llmsnoop.yaml"
CONFIG = ROOT / "deploy/CONFIG.md"
LOSSES = ROOT / "exporters/LOSSES.md"
BEGIN, END = "<!-- made by tests/docs/reference.py: begin -->\n", "<!-- made by tests/docs/reference.py: end -->\n"
EXAMPLE_HEAD = """\
# Configuration of llmsnoop: `llmsnoop run --config FILE`. Every key is here with its default; take the hash away to change one.
# Environment variables win over this file, and flags over both. `llmsnoop config --config FILE` shows the outcome.

"""
HELP = re.compile(r"  # (.*) \(([^;()]+); (LLMSNOOP_\w+) or (--[\w-]+)\)$")


@dataclasses.dataclass
class Key:
    section: str
    name: str
    type: str
    default: str
    meaning: str
    variable: str
    flag: str


def config_keys(llmsnoop):
    """The keys, as the binary tells of them."""
    keys, section, described = [], "", None
    for line in documents.run(llmsnoop, "config").splitlines():
        if match := HELP.match(line):
            described = match.groups()
        elif match := re.match(r"(\w+):$", line):
            section = match[1]
        elif match := re.match(r"  (\w+): (.*)$", line):
            meaning, kind, variable, flag = described
            keys.append(Key(section, match[1], kind, match[2], meaning, variable, flag))
    return keys


def example(llmsnoop):
    text = documents.run(llmsnoop, "config")
    return EXAMPLE_HEAD + re.sub(r"^  (\w+: .*)$", r"  #\1", text, flags=re.M)


def config_table(llmsnoop):
    rows = ["| key | type | default | meaning | environment | flag |", "| --- | --- | --- | --- | --- | --- |"]
    for key in config_keys(llmsnoop):
        kind = key.type.replace("|", ", ")
        rows.append(f"| `{key.section}.{key.name}` | {kind} | `{key.default}` | {key.meaning} | `{key.variable}` | `{key.flag}` |")
    return "\n".join(rows) + "\n"


def losses():
    """(name, stage, sentence) for each loss of agent/model/loss.h."""
    source = (ROOT / "agent/model/loss.h").read_text(encoding="utf-8")
    return re.findall(r'^\s*X\((\w+), "(\w+)", "([^"]+)"\)', source, re.M)


def loss_table():
    rows = ["| `reason` | `stage` | what |", "| --- | --- | --- |"]
    return "\n".join(rows + [f"| `{reason}` | `{stage}` | {sentence} |" for reason, stage, sentence in losses()]) + "\n"


def with_table(path, table):
    before, _, rest = path.read_text(encoding="utf-8").partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + table + END + after


def wanted(llmsnoop):
    """What each file should hold."""
    tables = {EXAMPLE: example(llmsnoop), CONFIG: with_table(CONFIG, config_table(llmsnoop)), LOSSES: with_table(LOSSES, loss_table())}
    whole = completions.files(llmsnoop) | man_pages.files(config_keys(llmsnoop))
    return tables | {ROOT / path: text for path, text in whole.items()}


def out_of_date(llmsnoop):
    return [path for path, text in wanted(llmsnoop).items() if not path.exists() or path.read_text(encoding="utf-8") != text]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--llmsnoop", type=pathlib.Path, default=ROOT / "build/llmsnoop")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    llmsnoop = options.llmsnoop.resolve()
    stale = out_of_date(llmsnoop)
    for path in stale:
        if options.write:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted(llmsnoop)[path], encoding="utf-8")
        print(f"{documents.name(path)}: {'written' if options.write else 'out of date'}")
    return 1 if stale and not options.write else 0


if __name__ == "__main__":
    sys.exit(main())
