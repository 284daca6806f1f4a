#!/usr/bin/python3
"""The structural finder over real executables.

    tests/stripped/test_binaries.py --build BUILD [BINARY...]

Nothing may be found, and nothing refused, in the largest executables and libraries of this machine that do not hold the
libraries it looks for. In each BINARY (releases of Bun, Claude Code, opencode, Deno or Codex, which the caller has fetched; also
named by STRIPPED_BINARIES, with colons) a library must be found, with its functions that read and that write. Prints the table of both: what, where, how long, how much memory."""
import os
import pathlib
import subprocess
import sys

COUNT = 25  # of the largest files
FOLDERS = ("/usr/bin", "/usr/sbin", "/usr/lib", "/usr/local/bin", "/usr/libexec")
NEEDED = {"boringssl": ("SSL_read", "SSL_write"), "openssl": ("SSL_read+SSL_read_ex", "SSL_write+SSL_write_ex"),
          "rustls": ("MessageEncrypter::encrypt", "MessageDecrypter::decrypt")}
ANCHORS = (b"ssl/ssl_lib.cc\0", b"ssl/ssl_lib.c\0")


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def largest():
    """The largest ELF files of the system, each once."""
    found = {}
    for folder in FOLDERS:
        for directory, _, names in os.walk(folder):
            for name in names:
                path = pathlib.Path(directory, name)
                try:
                    if path.is_file() and not path.is_symlink() and path.stat().st_size > 1 << 20 and is_elf(path):
                        found[path.stat().st_ino] = path
                except OSError:
                    continue
    return sorted(found.values(), key=lambda path: -path.stat().st_size)


def holds_anchor(path):
    content = path.read_bytes()
    return any(anchor in content for anchor in ANCHORS)


def table(build, paths):
    run = subprocess.run([str(build / "tests/stripped/stripped_table"), *map(str, paths)], capture_output=True, text=True,
                         check=True)
    return dict(line.split("  ", 1) for line in run.stdout.splitlines())


def is_found(result):
    """Of each library that the finder says there is, both functions."""
    libraries, *functions = result.split()
    found = {function.split("=")[0] for function in functions}
    return all(found.issuperset(NEEDED.get(library, ("a library that is not looked for",))) for library in libraries.split("+"))


def main():
    arguments = sys.argv[1:]
    build = pathlib.Path("build")
    if arguments[:1] == ["--build"]:
        build = pathlib.Path(arguments[1])
        arguments = arguments[2:]
    named = arguments + [path for path in os.environ.get("STRIPPED_BINARIES", "").split(":") if path]
    others = [path for path in largest()[:COUNT] if not holds_anchor(path)]
    failures = []
    for path, result in table(build, others).items():
        print(f"{path:70} {result}")
        if not result.startswith("-"):
            failures.append(f"{path}: {result}")
    if len(others) < 20:
        print(f"only {len(others)} large executables on this machine", file=sys.stderr)
    for path, result in table(build, named).items() if named else ():
        print(f"{path:70} {result}")
        if not is_found(result):
            failures.append(f"{path}: {result}")
    if not named:
        print("NOT TRIED: releases of Bun, Claude Code, opencode, Deno, Codex (none were named)")
    for failure in failures:
        print(f"FAILED {failure}", file=sys.stderr)
    print(f"{len(others)} files without the library, {len(named)} with it, {len(failures)} failures")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
