#!/usr/bin/python3
"""OpenSSL 1.1, whose calls are the same and whose insides are not: Debian 11's library, opened by a program that dlopens it.

The package comes from the machine's own mirror and is unpacked, not installed. Exit status 77 if it cannot be had."""
import pathlib
import shutil
import subprocess
import sys
import tempfile

import kernel_case
import live

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "vm"))
import debian_kernels  # noqa: E402  (found only now)

LIBRARIES = None  # where libssl.so.1.1 and its libcrypto lie


def fetch(directory):
    """Unpacks Debian 11's libssl1.1 into `directory`. Returns where its libraries lie."""
    apt = debian_kernels.IsolatedApt(directory / "apt", debian_kernels.mirror(), "bullseye")
    apt.run("apt-get", "update")
    apt.run("apt-get", "download", "libssl1.1")
    (package,) = apt.directory.glob("libssl1.1_*.deb")
    subprocess.run(["dpkg-deb", "-x", package, directory / "root"], check=True)
    (library,) = (directory / "root").rglob("libssl.so.1.1")
    return library.parent


class OpenSsl11(kernel_case.KernelCase):
    def watch(self, *flags):
        libs = self.work / "libs-1.1"
        libs.mkdir(exist_ok=True)
        for name in ("libssl.so.1.1", "libcrypto.so.1.1"):
            shutil.copy(LIBRARIES / name, libs / name)
        library = libs / "libssl.so.1.1"
        agent = self.enterContext(kernel_case.Agent(kernel_case.BUILD, "trace", "--json", "--cgroup", self.cgroup.path,
                                                    "--capture-libraries", library))
        live.run_client(kernel_case.BUILD, self.server, "--libssl", str(library), *flags, kind="ssl_client_dlopen",
                        cgroup=self.cgroup)
        records = agent.stop()
        self.expect_equal(records)
        self.assertEqual(agent.lost(), "nothing")

    def test_calls(self):
        self.watch("--stream", "--keep-alive", 3)

    def test_ex_calls(self):
        self.watch("--ex", "--stream", "--keep-alive", 3)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(prefix="llmsnoop-openssl11-") as where:
        try:
            LIBRARIES = fetch(pathlib.Path(where))
        except debian_kernels.Unavailable as reason:
            print(f"NOT RUN: OpenSSL 1.1 cannot be had here: {reason}")
            sys.exit(kernel_case.SKIPPED)
        kernel_case.main()
