"""The root file system of the virtual machine: an initramfs with busybox, the programs under test and their libraries."""
import gzip
import os
import pathlib
import shutil
import stat
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
DIRECTORIES = ("dev", "proc", "sys", "sys/fs/cgroup", "tmp", "etc", "root", "run", "var/log", "usr/bin", "usr/lib", "usr/lib64",
               "guest")
LINKS = {"bin": "usr/bin", "sbin": "usr/bin", "lib": "usr/lib", "lib64": "usr/lib64"}
FILES = {
    "etc/passwd": "root:x:0:0:root:/root:/bin/sh\nwatched:x:1234:1234::/tmp:/bin/sh\n",
    "etc/group": "root:x:0:\nwatched:x:1234:\n",
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/nsswitch.conf": "passwd: files\ngroup: files\nhosts: files\n",
    "etc/shells": "/bin/sh\n",
}


class Archive:
    """A cpio archive in the "newc" format (Documentation/driver-api/early-userspace/buffer-format.rst)."""

    def __init__(self, path):
        self._out = gzip.open(path, "wb", compresslevel=1)
        self._inode = 0
        self._names = set()

    def _add(self, name, mode, content=b"", device=(0, 0)):
        if name in self._names:
            return
        self._names.add(name)
        self._inode += 1
        encoded = name.encode() + b"\0"
        fields = (self._inode, mode, 0, 0, 1, 0, len(content), 0, 0, *device, len(encoded), 0)
        header = b"070701" + b"".join(b"%08X" % field for field in fields)
        for part in (header + encoded, content):
            self._out.write(part + b"\0" * (-len(part) % 4))

    def directory(self, name):
        parent = os.path.dirname(name)
        if parent:
            self.directory(parent)
        self._add(name, stat.S_IFDIR | 0o755)

    def link(self, name, target):
        self._add(name, stat.S_IFLNK | 0o777, target.encode())

    def text(self, name, text, mode=0o644):
        self._add(name, stat.S_IFREG | mode, text.encode())

    def file(self, name, path):
        self.directory(os.path.dirname(name))
        self._add(name, stat.S_IFREG | 0o755, pathlib.Path(path).read_bytes())

    def console(self):
        self._add("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))

    def close(self):
        self._add("TRAILER!!!", 0)
        self._out.close()


def libraries_of(program):
    """The libraries that a program needs, as (path, file)."""
    listing = subprocess.run(["ldd", program], capture_output=True, text=True, check=False).stdout  # none of a static one
    for line in listing.splitlines():
        words = line.split()
        path = words[2] if "=>" in words and len(words) > 2 else words[0]
        if path.startswith("/"):
            yield path


def go_client(directory):
    """Built by the go command, which itself leaves the symbols out; its table of functions stays."""
    target = directory / "go_client"
    subprocess.run(["go", "build", "-ldflags", "-s -w", "-o", target, "."], cwd=HERE.parent / "support/clients/go_client", check=True,
                   env=dict(os.environ, GOTOOLCHAIN="local", GOFLAGS="-mod=mod", CGO_ENABLED="0"))
    return target


def in_merged_usr(path):
    """/lib/x -> usr/lib/x, which is where it is on a system with a merged /usr, and here."""
    return path.lstrip("/") if path.startswith("/usr/") else "usr" + path


def build(build_directory, target, add_first=lambda archive: None):
    """Writes the compressed archive to `target`. What `add_first` adds stays: of two files of a name the first counts."""
    build_directory = pathlib.Path(build_directory)
    programs = [build_directory / "llmsnoop", build_directory / "tests/support/servers/llm_server",
                build_directory / "tests/support/clients/ssl_client", build_directory / "tests/vm/bpf_load_check",
                *(pathlib.Path(shutil.which(tool)) for tool in ("curl", "setpriv", "crun", "wget"))]
    stripped_client = build_directory / "tests/support/clients/ssl_client_stripped"
    if stripped_client.exists():  # where there is a libssl.a
        programs.append(stripped_client)
    archive = Archive(target)
    add_first(archive)
    for name in DIRECTORIES:
        archive.directory(name)
    for name, to in LINKS.items():
        archive.link(name, to)
    for name, text in FILES.items():
        archive.text(name, text)
    archive.console()
    archive.file("usr/bin/busybox", shutil.which("busybox"))
    archive.text("init", (HERE / "guest/init").read_text(encoding="utf-8"), 0o755)
    for name in ("library", "scenario", "in_crun"):
        archive.text(f"guest/{name}", (HERE / "guest" / name).read_text(encoding="utf-8"), 0o755)
    with tempfile.TemporaryDirectory(prefix="llmsnoop-vm-") as directory:
        programs.append(go_client(pathlib.Path(directory)))
        for program in programs:
            stripped = pathlib.Path(directory) / f"{program.name}.stripped"
            subprocess.run(["strip", "-o", stripped, program], check=True)
            archive.file(f"usr/bin/{program.name}", stripped)
            for library in libraries_of(program):
                archive.file(in_merged_usr(library), library)
    archive.close()
