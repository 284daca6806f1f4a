#!/usr/bin/python3
"""deploy/container without a container engine: the script that the Containerfile runs makes the image's root out of this build, and the
agent works in it, alone.

    sudo tests/deploy/test_container.py --build BUILD
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

import deploy_case
from deploy_case import DEPLOY, ROOT

SCRIPT = DEPLOY / "container/make-root.sh"
CONTAINERFILE = DEPLOY / "container/Containerfile"


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        deploy_case.need("cmake", "ldd")
        place = tempfile.TemporaryDirectory(prefix="llmsnoop-image-")
        cls.addClassCleanup(place.cleanup)
        cls.work = pathlib.Path(place.name)
        cls.root = cls.work / "root"
        deploy_case.run(SCRIPT, deploy_case.BUILD, cls.root)

    def inside(self, *arguments, user="0:0", shared="/nonexistent"):
        """Runs the agent in the root directory, with the host's /proc and /sys as a pod has them; both are gone with the process."""
        if os.geteuid() != 0:
            self.skipTest("chroot needs root")
        mounts = f"mount --rbind /proc {self.root}/proc && mount --rbind /sys {self.root}/sys"
        command = f'{mounts} && exec chroot --userspec={user} {self.root} /usr/bin/llmsnoop "$@"'
        return subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", command, "sh", *arguments], capture_output=True,
                              text=True, check=False, timeout=120)

    def test_there_is_nothing_but_the_agent(self):
        programs = [path.relative_to(self.root).as_posix() for path in self.root.rglob("*")
                    if path.is_file() and os.access(path, os.X_OK) and ".so" not in path.name]
        self.assertEqual(programs, ["usr/bin/llmsnoop"])
        size = sum(path.lstat().st_size for path in self.root.rglob("*") if path.is_file() and not path.is_symlink())
        print(f"the image's root is {size / 1e6:.1f} MB, the agent {(self.root / 'usr/bin/llmsnoop').stat().st_size / 1e6:.1f} MB",
              file=sys.stderr)
        self.assertLess(size, 60e6)

    def test_it_starts(self):
        done = self.inside("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertIn("doctor", done.stdout)

    def test_doctor_sees_the_host(self):
        inside = self.inside("doctor")
        outside = subprocess.run([deploy_case.llmsnoop(), "doctor"], capture_output=True, text=True, check=False)
        self.assertEqual(inside.returncode, outside.returncode, inside.stdout + inside.stderr)
        self.assertEqual(inside.stdout.splitlines()[:11], outside.stdout.splitlines()[:11])

    def test_somebody_who_is_not_root_can_replay(self):
        tape = ROOT / "tests/docs/calls.pcap"
        shutil.copy(tape, self.root / "tmp/calls.pcap")
        inside = self.inside("replay", "--json", "/tmp/calls.pcap", user="65532:65532")
        outside = subprocess.run([deploy_case.llmsnoop(), "replay", "--json", tape], capture_output=True, text=True, check=False)
        self.assertEqual((inside.returncode, inside.stdout), (0, outside.stdout))

    def test_every_library_is_there(self):
        if os.geteuid() != 0:
            self.skipTest("chroot needs root")
        loader = next((self.root / "lib64").glob("ld-linux-*")) if (self.root / "lib64").exists() else next(self.root.rglob("ld-linux-*"))
        listed = deploy_case.run("chroot", self.root, "/" + loader.relative_to(self.root).as_posix(), "--list", "/usr/bin/llmsnoop")
        self.assertNotIn("not found", listed)
        # What civetweb opens by name when it is to speak TLS.
        for name in ("libssl.so", "libcrypto.so"):
            link, = self.root.rglob(name)
            self.assertTrue(link.exists(), name)

    def test_a_root_that_is_not_empty_is_refused(self):
        done = subprocess.run([SCRIPT, deploy_case.BUILD, self.root], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("not empty", done.stderr)


class Containerfile(unittest.TestCase):
    text = CONTAINERFILE.read_text(encoding="utf-8")

    def test_it_runs_the_script_that_is_tested_here(self):
        self.assertIn("deploy/container/make-root.sh /build /root-of-image", self.text)
        self.assertIn("COPY --from=build /root-of-image /\n", self.text)
        self.assertRegex(self.text, r"(?m)^FROM scratch$")

    def test_what_it_copies_and_runs_exists(self):
        for path in re.findall(r"(?:/src/)?(deploy/[\w./-]+\.sh)", self.text):
            self.assertTrue(os.access(ROOT / path, os.X_OK), path)
        deploy_case.run(DEPLOY / "dev/install-dependencies.sh", "--build-only", "--print")

    def test_labels_and_ports(self):
        version = deploy_case.run(deploy_case.llmsnoop(), "--version").split()[1]
        self.assertIn(f"ARG VERSION={version}\n", self.text)
        for label in ("title", "version", "revision", "licenses"):
            self.assertIn(f"org.opencontainers.image.{label}=", self.text)
        self.assertIn("EXPOSE 9464 9465\n", self.text)


if __name__ == "__main__":
    deploy_case.main()
