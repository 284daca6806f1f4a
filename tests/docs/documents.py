"""The documents of the project as a test sees them: files, code blocks, commands, tables. Standard library only."""
import fnmatch
import os
import pathlib
import pty
import re
import select
import subprocess

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
NOT_OURS = ("build", ".git", ".cache")
FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.M | re.S)
SPAN = re.compile(r"`([^`\n]+)`")
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def files(*patterns):
    """Every file of the project whose name is like one of these. What is built is not looked through: it may change meanwhile."""
    for folder, below, names in os.walk(ROOT):
        if folder == str(ROOT):
            below[:] = [one for one in below if not one.startswith(NOT_OURS)]
        for one in names:
            if any(fnmatch.fnmatch(one, pattern) for pattern in patterns):
                yield pathlib.Path(folder, one)


def documents():
    """Every Markdown file of the project."""
    yield from sorted(files("*.md"))


def name(path):
    return path.relative_to(ROOT).as_posix()


def blocks(text, language=None):
    """The contents of fenced blocks; of one language, if it is given."""
    return [body for tag, body in FENCE.findall(text) if language is None or tag == language]


def code(text):
    """Every piece of code in a document, line by line: those of the blocks, and the spans outside of them. Continued lines are
    joined."""
    lines = []
    for body in blocks(text):
        lines += body.replace("\\\n", " ").splitlines()
    return lines + SPAN.findall(FENCE.sub("", text))


def table_rows(text, first_header):
    """The rows of the table whose first column is headed so, as lists of cells."""
    rows, inside = [], False
    for line in text.splitlines():
        cells = [cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]] if line.startswith("|") else []
        if not cells:
            inside = False
        elif cells[0] == first_header:
            inside = True
        elif inside and set(cells[0]) - set("-: "):
            rows.append(cells)
    return rows


def clean_environment():
    """The environment without what would configure the agent, or make."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("LLMSNOOP_", "MAKE"))} | {"TERM": "dumb"}


def run(*command):
    """Runs a program that must end with 0; returns what it wrote to stdout."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, env=clean_environment(), capture_output=True, text=True,
                          check=False, timeout=60)
    if done.returncode != 0:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def run_on_terminal(command):
    """Runs a shell command as somebody at a terminal would see it. Returns its exit code and what appeared, without colours."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(["bash", "-o", "pipefail", "-c", command], cwd=ROOT, env=clean_environment(), stdin=subprocess.DEVNULL,
                               stdout=theirs, stderr=theirs)
    os.close(theirs)
    shown = b""
    while select.select([ours], [], [], 60)[0]:
        try:
            piece = os.read(ours, 65536)
        except OSError:  # EIO: everybody at the other end has closed it
            break
        if not piece:
            break
        shown += piece
    os.close(ours)
    status = process.wait(timeout=60)
    return status, ESCAPES.sub("", shown.decode()).replace("\r\n", "\n")


def examples(text):
    """(command, what it is said to show) for each `$ command` of the blocks marked `console`: those are run."""
    found = []
    for body in blocks(text, "console"):
        for part in re.split(r"^\$ ", body, flags=re.M)[1:]:
            command, _, shown = part.partition("\n")
            found.append((command, shown))
    return found


def shows(expected, actual):
    """Is that what appeared? `…` in what a document says stands for anything that changes from run to run."""
    pattern = ".*".join(re.escape(part) for part in expected.strip().split("…"))
    return re.fullmatch(pattern, actual.strip(), re.S) is not None
