"""Starting store_tool and llmsnoop for the tests of this folder. Standard library only."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest

BUILD = pathlib.Path(__file__).resolve().parents[2] / "build"


def build():
    """The build directory, out of --build."""
    if "--build" in sys.argv:
        at = sys.argv.index("--build")
        found = pathlib.Path(sys.argv[at + 1]).resolve()
        del sys.argv[at:at + 2]
        return found
    return BUILD


class Case(unittest.TestCase):
    BUILD = BUILD

    def setUp(self):
        self.work = pathlib.Path(self.enterContext(tempfile.TemporaryDirectory()))
        self.store = self.work / "store.db"

    def enterContext(self, context):  # unittest has it from 3.11 on; Debian 12 has that
        value = context.__enter__()
        self.addCleanup(context.__exit__, None, None, None)
        return value

    def tool(self, *words, **more):
        return subprocess.Popen([str(self.BUILD / "tests/store/store_tool"), *map(str, words)], text=True, stdout=subprocess.PIPE, **more)

    def fill(self, count):
        with self.tool("write", self.store, count) as process:
            process.communicate(timeout=300)
            self.assertEqual(process.returncode, 0)

    def llmsnoop(self, *words, code=0):
        done = subprocess.run([str(self.BUILD / "llmsnoop"), *map(str, words)], text=True, capture_output=True, timeout=120, check=False)
        self.assertEqual(done.returncode, code, f"{words}: {done.stderr}")
        return done.stdout if code == 0 else done.stderr

    def usage(self, *words):
        return json.loads(self.llmsnoop("usage", "--store", self.store, "--format", "json", *words))
