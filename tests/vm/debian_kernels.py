"""Debian's kernels, from the mirror that the machine itself uses.

apt does the fetching and the checking of signatures, with an added source, but with state, cache and lists of its own, so that
nothing of the machine's configuration changes. The package is unpacked with dpkg-deb, not installed.
"""
import contextlib
import fcntl
import json
import pathlib
import re
import shutil
import subprocess
import tempfile

KEYRING = "/usr/share/keyrings/debian-archive-keyring.gpg"

# Name: where to look, in this order, and what the version must begin with.
KERNELS = {
    "5.10": (("bullseye",), "5.10."),
    "6.1": (("bookworm",), "6.1."),
    "6.12": (("bookworm-backports", "trixie"), "6.12."),
    "6.18": (("trixie-backports",), "6.18."),
    "newest": (("sid", "trixie-backports"), ""),
}


class Unavailable(Exception):
    """A kernel cannot be had here; the text says why."""


def mirror():
    """Where the machine gets Debian's main archive from."""
    listing = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)"],
                             capture_output=True, text=True, check=False).stdout
    for line in listing.splitlines():
        fields = line.split()
        # Updates and security live elsewhere, and "main" alone is Debian's and nobody else's.
        if len(fields) == 3 and fields[2] == "main" and "-" not in fields[1].rpartition("/")[2]:
            return fields[0]
    raise Unavailable("no Debian archive is among this machine's apt sources")


class IsolatedApt:
    """apt for one suite, in a directory of its own."""

    def __init__(self, directory, uri, suite):
        self.directory = directory
        for part in ("state/lists/partial", "cache/archives/partial", "sourceparts", "preferences"):
            (directory / part).mkdir(parents=True, exist_ok=True)
        (directory / "status").touch()
        (directory / "sources.list").write_text(f"deb [signed-by={KEYRING}] {uri} {suite} main\n", encoding="utf-8")
        settings = {
            "Dir::State": directory / "state",
            "Dir::State::status": directory / "status",
            "Dir::Cache": directory / "cache",
            "Dir::Etc::sourcelist": directory / "sources.list",
            "Dir::Etc::sourceparts": directory / "sourceparts",
            "Dir::Etc::preferences": directory / "preferences/none",
            "Dir::Etc::preferencesparts": directory / "preferences",
            "Acquire::Languages": "none",
            "Acquire::Check-Valid-Until": "false",  # suites that are no longer updated
            "APT::Sandbox::User": "root",
            "Debug::NoLocking": "true",
        }
        self._options = [word for key, value in settings.items() for word in ("-o", f"{key}={value}")]

    def run(self, tool, *words):
        done = subprocess.run([tool, *self._options, "-q", *words], cwd=self.directory, capture_output=True, text=True, check=False)
        if done.returncode != 0:
            reasons = [line for line in done.stderr.splitlines() if line.startswith("E:")] or [f"{tool} {words[0]} failed"]
            # The mirror is the machine's own business.
            raise Unavailable(re.sub(r"\w+://\S+", "the mirror", reasons[-1]))
        return done.stdout

    def newest_image(self, prefix):
        """(package, version) of the newest cloud kernel; since 6.19 the image is not in linux-image-*, but in linux-binary-*."""
        self.run("apt-get", "update")
        listing = self.run("apt-cache", "search", "--names-only", r"^linux-(image|binary)-[0-9].*-cloud-amd64$")
        found = {}
        for line in listing.splitlines():
            match = re.match(r"linux-(image|binary)-(\d\S*)-cloud-amd64 ", line)
            if match and match[2].startswith(prefix):
                found.setdefault(match[2], set()).add(match[1])
        if not found:
            raise Unavailable("the suite has no such kernel")
        version = max(found, key=lambda text: [int(number) for number in re.findall(r"\d+", text)])
        kind = "binary" if "binary" in found[version] else "image"
        return f"linux-{kind}-{version}-cloud-amd64", version


@contextlib.contextmanager
def locked(directory):
    """One at a time, because tests may run in parallel."""
    directory.mkdir(parents=True, exist_ok=True)
    with open(directory / "lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def unpack_image(package, target):
    with tempfile.TemporaryDirectory(prefix="llmsnoop-vm-") as unpacked:
        subprocess.run(["dpkg-deb", "-x", package, unpacked], check=True)
        images = [path for path in pathlib.Path(unpacked).rglob("vmlinuz*") if path.is_file()]
        if len(images) != 1:
            raise Unavailable(f"{package.name} holds {len(images)} kernels")
        shutil.copy(images[0], target)


def fetch(name, cache):
    """Returns (path of the image, version). What was fetched once is kept in `cache`."""
    suites, prefix = KERNELS[name]
    directory = pathlib.Path(cache) / name
    with locked(directory):
        facts = directory / "kernel.json"
        image = directory / "vmlinuz"
        if facts.exists() and image.exists():
            return image, json.loads(facts.read_text(encoding="utf-8"))["version"]
        reasons = []
        for suite in suites:
            try:
                apt = IsolatedApt(directory / f"apt-{suite}", mirror(), suite)
                package, version = apt.newest_image(prefix)
                apt.run("apt-get", "download", package)
                (archive,) = apt.directory.glob(f"{package}_*.deb")
                unpack_image(archive, image)
            except Unavailable as reason:
                reasons.append(f"{suite}: {reason}")
                continue
            finally:
                shutil.rmtree(directory / f"apt-{suite}", ignore_errors=True)
            facts.write_text(json.dumps({"version": version, "package": package, "suite": suite}), encoding="utf-8")
            return image, version
        raise Unavailable("; ".join(reasons))
