#!/usr/bin/python3
"""The .deb in a clean Debian: apt installs it with what it depends on, it runs, is upgraded, removed and purged.

    sudo tests/deploy/test_package.py --build BUILD

The clean Debian is a chroot by mmdebstrap, from the archive that apt uses here, and is kept in BUILD for the next run.
"""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import unittest

import deploy_case
from deploy_case import ROOT

SUITE = "bookworm"


def clean_debian():
    """A tar file of a minimal Debian."""
    deploy_case.need("mmdebstrap", "apt-get")
    place = deploy_case.BUILD / "tests/deploy" / f"{SUITE}.tar"
    if not place.exists():
        place.parent.mkdir(parents=True, exist_ok=True)
        made = place.with_suffix(".part.tar")
        done = subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", SUITE, made], capture_output=True, text=True, check=False,
                              timeout=900)
        if done.returncode != 0:
            raise unittest.SkipTest(f"mmdebstrap: {(done.stderr.splitlines() or ['no message'])[-1]}")
        made.rename(place)
    return place


def build_package(folder, *options):
    deploy_case.need("cpack", "dpkg-shlibdeps")
    deploy_case.run("cpack", "-G", "DEB", "-B", folder, "--config", deploy_case.BUILD / "CPackConfig.cmake", *options)
    package, = pathlib.Path(folder).glob("*.deb")
    return package


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if os.geteuid() != 0:
            raise unittest.SkipTest("needs root")
        place = tempfile.TemporaryDirectory(prefix="llmsnoop-package-")
        cls.addClassCleanup(place.cleanup)
        cls.work = pathlib.Path(place.name)
        cls.package = build_package(cls.work / "now")
        cls.newer = build_package(cls.work / "newer", "-D", "CPACK_PACKAGE_VERSION=99.0.0")

    def inside(self, *command, status=0):
        """Runs a command in the chroot, with a /proc of its own mount name space that is gone with it."""
        script = f'mount -t proc proc {self.root}/proc && exec chroot {self.root} "$@"'
        environment = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"}
        return deploy_case.run("unshare", "--mount", "--propagation", "private", "sh", "-c", script, "sh", *command, status=status,
                               timeout=600, env=environment)

    def named_ours(self):
        """Every file of the chroot that has our name, and is not dpkg's or apt's own."""
        found = self.inside("find", "/", "-xdev", "-name", "*llmsnoop*", "-not", "-path", "/proc/*", "-not", "-path", "/packages/*").split()
        return [path for path in found if not path.startswith(("/var/cache/apt/", "/var/lib/apt/"))]

    def test_life_of_the_package(self):
        self.root = self.work / "debian"
        self.root.mkdir()
        deploy_case.run("tar", "-C", self.root, "-xf", clean_debian())
        (self.root / "packages").mkdir()
        for name, package in (("now.deb", self.package), ("newer.deb", self.newer)):
            shutil.copy(package, self.root / "packages" / name)
        shutil.copy(ROOT / "tests/docs/calls.pcap", self.root / "packages")
        shutil.copy("/etc/resolv.conf", self.root / "etc/resolv.conf")
        self.assertEqual(self.named_ours(), [])

        with self.subTest("installs, with its dependencies"):
            self.inside("apt-get", "update", "-q")
            self.inside("apt-get", "install", "-y", "-q", "--no-install-recommends", "/packages/now.deb")
            self.assertEqual(self.inside("dpkg-query", "-W", "-f", "${db:Status-Status}", "llmsnoop"), "installed")
            self.assertIn("llmsnoop", self.inside("getent", "group", "llmsnoop"))
            for folder, mode in (("log", 0o42750), ("lib", 0o40750)):
                self.assertEqual((self.root / "var" / folder / "llmsnoop").stat().st_mode, mode)

        with self.subTest("runs"):
            self.assertIn("doctor", self.inside("llmsnoop", "--help"))
            version = self.inside("llmsnoop", "--version").split()[1]
            self.assertEqual(self.inside("dpkg-query", "-W", "-f", "${Version}", "llmsnoop"), version)
            self.inside("llmsnoop", "config", "--config", "/etc/llmsnoop/config.yaml")
            self.assertEqual(self.inside("llmsnoop", "replay", "--json", "/packages/calls.pcap"),
                             deploy_case.run(deploy_case.llmsnoop(), "replay", "--json", ROOT / "tests/docs/calls.pcap"))
            # There is no /sys in the chroot: doctor works, and says that tracing is not possible.
            self.assertIn("tracing is NOT possible", self.inside("llmsnoop", "doctor", "--pid", "1", status=1))

        with self.subTest("holds what it should"):
            files = set(self.inside("dpkg", "-L", "llmsnoop").split("\n"))
            for path in ("/usr/bin/llmsnoop", "/etc/llmsnoop/config.yaml", "/usr/lib/systemd/system/llmsnoop.service",
                         "/usr/lib/sysusers.d/llmsnoop.conf", "/usr/lib/tmpfiles.d/llmsnoop.conf", "/usr/share/man/man8/llmsnoop.8",
                         "/usr/share/man/man5/llmsnoop-config.5", "/usr/share/bash-completion/completions/llmsnoop",
                         "/usr/share/zsh/site-functions/_llmsnoop", "/usr/share/fish/vendor_completions.d/llmsnoop.fish",
                         "/usr/share/llmsnoop/record.schema.json", "/usr/share/llmsnoop/prometheus/alerts.rules.yaml",
                         "/usr/share/llmsnoop/grafana/usage.json", "/usr/share/doc/llmsnoop/copyright"):
                self.assertIn(path, files)
            conffiles = self.inside("dpkg-query", "-W", "-f", "${Conffiles}", "llmsnoop")
            self.assertEqual(re.findall(r"/\S+", conffiles), ["/etc/llmsnoop/config.yaml"])

        config = self.root / "etc/llmsnoop/config.yaml"
        with self.subTest("is upgraded, and keeps what was configured"):
            config.write_text("metrics: {listen: '127.0.0.1:9999'}\n", encoding="utf-8")
            (self.root / "var/log/llmsnoop/audit-20260101T000000Z.jsonl").write_text("{}\n", encoding="utf-8")
            (self.root / "var/lib/llmsnoop/store.db").write_text("", encoding="utf-8")
            self.inside("apt-get", "install", "-y", "-q", "/packages/newer.deb")
            self.assertEqual(self.inside("dpkg-query", "-W", "-f", "${Version}", "llmsnoop"), "99.0.0")
            self.assertIn("127.0.0.1:9999", self.inside("llmsnoop", "config", "--config", "/etc/llmsnoop/config.yaml"))

        with self.subTest("is removed, and leaves records and configuration"):
            self.inside("apt-get", "remove", "-y", "-q", "llmsnoop")
            self.assertFalse((self.root / "usr/bin/llmsnoop").exists())
            self.assertTrue(config.exists())
            self.assertTrue((self.root / "var/log/llmsnoop/audit-20260101T000000Z.jsonl").exists())

        with self.subTest("is purged, and leaves nothing"):
            self.inside("apt-get", "purge", "-y", "-q", "llmsnoop")
            self.assertEqual(self.named_ours(), [])
            self.inside("getent", "group", "llmsnoop", status=2)

    def test_scripts_are_shell(self):
        deploy_case.need("shellcheck")
        deploy_case.run("shellcheck", "--shell=sh", *(path for path in (ROOT / "deploy/packages/debian").iterdir()
                                                      if path.name in ("postinst", "prerm", "postrm")))

    def test_control(self):
        fields = deploy_case.run("dpkg-deb", "--field", self.package)
        for wanted in ("Package: llmsnoop", "Section: admin", "libbpf1", "libc6", "libssl3", "libstdc++6"):
            self.assertIn(wanted, fields)


if __name__ == "__main__":
    deploy_case.main()
