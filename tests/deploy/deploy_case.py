"""The base of the tests of deploy/: what they share, and how they end.

Run one with  /usr/bin/python3 tests/deploy/test_NAME.py --build BUILD. Exit status 77: a part could not run here; which one and why
is printed, and what could run has passed.
"""
import pathlib
import re
import shutil
import subprocess
import sys
import unittest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
DEPLOY = ROOT / "deploy"
BUILD = ROOT / "build"
SKIPPED = 77

sys.path.insert(0, str(ROOT / "tests/docs"))
sys.path.insert(0, str(ROOT / "tests/kernel"))
sys.path.insert(0, str(ROOT / "tests/support"))

# Sections of the configuration that the manifests need and a build may not have yet: without them the checks that concern them are
# skipped, and said to be.
LATER_SECTIONS = {"api", "kubernetes", "store"}


def llmsnoop():
    return BUILD / "llmsnoop"


def run(*command, status=0, timeout=300, **more):
    """Runs a program that must end so. Returns what it wrote to stdout; both outputs are in the error."""
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False, timeout=timeout, **more)
    if done.returncode != status:
        raise AssertionError(f"{' '.join(map(str, command))} ended with {done.returncode}:\n{done.stdout}{done.stderr}")
    return done.stdout


def need(*programs):
    """Skips the test that calls it where a program is missing."""
    for program in programs:
        if not shutil.which(program):
            raise unittest.SkipTest(f"{program} is not installed")


def config_keys():
    """The keys, as the binary tells of them."""
    import reference  # tests/docs, on the path only from here on
    return reference.config_keys(llmsnoop())


def config_variables():
    """{environment variable: key}."""
    return {key.variable: f"{key.section}.{key.name}" for key in config_keys()}


def knows_clickhouse():
    """Whether this build can be configured to write to ClickHouse, under whatever names."""
    return any("clickhouse" in f"{key.name} {key.type} {key.meaning}".lower() for key in config_keys())


def metric_names():
    """Every series name that the agent exports, by exporters/README.md, which tests/docs compares with the sources."""
    import documents
    names = set()
    for row in documents.table_rows((ROOT / "exporters/README.md").read_text(encoding="utf-8"), "metric"):
        name, kind = row[0].strip("`"), row[1]
        names |= {f"{name}_{part}" for part in ("bucket", "sum", "count")} if kind == "histogram" else {name}
    return names


def metrics_in(expression):
    """The names in a PromQL expression that look like metrics of the agent."""
    without_strings = re.sub(r'"[^"]*"', '""', expression)
    return set(re.findall(r"(?<![\w:])(?:llmsnoop|process)_\w+", without_strings))


def main():
    global BUILD
    if "--build" in sys.argv:
        at = sys.argv.index("--build")
        BUILD = pathlib.Path(sys.argv[at + 1]).resolve()
        del sys.argv[at:at + 2]
    sys.modules["deploy_case"].BUILD = BUILD  # the module that tests import is another one than __main__
    result = unittest.main(module="__main__", verbosity=2, exit=False).result
    if not result.wasSuccessful():
        sys.exit(1)
    for test, why in result.skipped:
        print(f"DID NOT RUN: {test.id()}: {why}", file=sys.stderr)
    sys.exit(SKIPPED if result.skipped else 0)
