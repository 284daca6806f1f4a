#!/usr/bin/python3
"""Prints the sources for clang-tidy: those of the compile database below agent/, exporters/ and tests/, the largest first, so
that no core waits for the last one.

    tests/style/tidy_sources.py BUILD/compile_commands.json ROOT [COMMIT]

With COMMIT only those that differ from it, or that include (at any depth) a header that does.
"""
import json
import os
import re
import subprocess
import sys

FOLDERS = ("agent/", "exporters/", "tests/")
INCLUDE = re.compile(r'^#include "([^"]+)"', re.M)


def git(*arguments):
    return subprocess.run(["git", *arguments], check=True, capture_output=True, text=True).stdout.splitlines()


def reached_since(commit):
    """Changed files, and the files that include them."""
    reached = set(git("diff", "--name-only", commit)) | set(git("ls-files", "--others", "--exclude-standard"))
    including = {}
    for path in git("ls-files", "--cached", "--others", "--exclude-standard", "*.h", "*.cpp"):
        if os.path.exists(path):
            with open(path, encoding="utf-8") as source:
                for target in INCLUDE.findall(source.read()):
                    including.setdefault(target, set()).add(path)
    todo = list(reached)
    while todo:
        for path in including.get(todo.pop(), set()) - reached:
            reached.add(path)
            todo.append(path)
    return reached


def main():
    database, root = sys.argv[1:3]
    os.chdir(root)
    with open(database, encoding="utf-8") as entries:
        paths = {os.path.relpath(os.path.join(one["directory"], one["file"])) for one in json.load(entries)}
    sources = {path for path in paths if path.startswith(FOLDERS) and os.path.exists(path)}
    if len(sys.argv) > 3 and sys.argv[3]:
        sources &= reached_since(sys.argv[3])
    for path in sorted(sources, key=os.path.getsize, reverse=True):
        print(path)


if __name__ == "__main__":
    main()
