"""Helpers for tests that watch real clients on the real kernel. Standard library only.

A live test runs llm_server and a client with private copies of libssl (uprobes are per file, so nobody else's traffic is
touched), and compares what llmsnoop recorded with what the server says it answered:

    with live.work_directory() as work, live.start_server(build, work) as server, live.Cgroup() as cgroup:
        libs = live.make_private_libs(work / "libs")
        ... start llmsnoop for cgroup.path ...
        live.run_client(build, server, "--stream", "--keep-alive", 3, libs=libs, cgroup=cgroup)
        ... stop llmsnoop ...
        differences = live.compare(records, server.exchanges())
"""
import contextlib
import ctypes
import dataclasses
import json
import os
import pathlib
import shutil
import signal
import ssl
import subprocess
import tempfile
import time
import urllib.request

from truth import TOKENS, compare, lookup, match, read_records, token_sums  # noqa: F401  (for those who import live)

CLIENTS = pathlib.Path(__file__).resolve().parent.parent / "support" / "clients"
PYTHON = "/usr/bin/python3"
PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
LIBRARIES = ("libssl.so.3", "libcrypto.so.3")


@contextlib.contextmanager
def work_directory():
    """A directory of this test's own, removed at the end."""
    with tempfile.TemporaryDirectory(prefix="llmsnoop-test-") as path:
        yield pathlib.Path(path)


# --- libraries ---------------------------------------------------------------------------------------------------------

def library_directory():
    """Where the dynamic loader finds libssl.so.3; its cache lists the machine's own architecture first."""
    listing = subprocess.run(["/sbin/ldconfig", "-p"], capture_output=True, text=True, check=True).stdout
    for line in listing.splitlines():
        if line.split()[:1] == ["libssl.so.3"]:
            return pathlib.Path(line.rpartition(" => ")[2]).parent
    raise RuntimeError("no libssl.so.3 on this machine")


def make_private_libs(directory):
    """Copies libssl and libcrypto to `directory`, to be put on LD_LIBRARY_PATH. Returns the directory."""
    directory = pathlib.Path(directory)
    directory.mkdir(parents=True, exist_ok=True)
    source = library_directory()
    for name in LIBRARIES:
        shutil.copy(source / name, directory / name)
    return directory


def environment(libs=None, **more):
    """The environment of a child that uses the libraries in `libs`."""
    result = dict(os.environ, **more)
    if libs:
        result["LD_LIBRARY_PATH"] = str(libs)
    return result


def child_setup(cgroup=None):
    """What a child does before its program starts: enter `cgroup`, and ask to end with this test, however that ends. (With
    the thread that started it, to be exact: start children from one that stays.)"""
    libc = ctypes.CDLL(None)

    def setup():
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if cgroup:
            cgroup.enter()

    return setup


# --- the server --------------------------------------------------------------------------------------------------------

class Server:
    """A running llm_server."""

    def __init__(self, process, port, certificate, plain):
        self.process = process
        self.port = port
        self.certificate = certificate  # path; None for a plain server
        self._url = f"{'http' if plain else 'https'}://localhost:{port}"
        self._context = None if plain else ssl.create_default_context(cafile=certificate)

    @property
    def pid(self):
        return self.process.pid

    def get(self, path):
        with urllib.request.urlopen(self._url + path, context=self._context, timeout=60) as response:
            return json.load(response)

    def stats(self):
        return self.get("/stats")

    def exchanges(self, since=0):
        """Every exchange from number `since` + 1 on, in the order in which the requests were read."""
        found = []
        while True:
            page = self.get(f"/exchanges?since={since}")
            found += page["exchanges"]
            since = page["last"]
            if not page["more"]:
                return found

    def stop(self):
        """Ends the server in good order; raises if it does not end with 0."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(timeout=30)
        self.process.stdout.close()
        if status != 0:
            raise RuntimeError(f"llm_server ended with {status}")

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()


def start_server(build, work, *flags, libs=None, cgroup=None):
    """Starts llm_server on a free port; `flags` are its own (--plain, --ex, --totals-only ...)."""
    plain = "--plain" in flags
    certificate = None if plain else str(pathlib.Path(work) / f"server-{time.monotonic_ns()}.pem")
    command = [str(pathlib.Path(build) / "tests/support/servers/llm_server"), "--port", "0", *flags]
    if certificate:
        command += ["--cert-out", certificate]
    process = subprocess.Popen(command, env=environment(libs), stdout=subprocess.PIPE, text=True,
                               preexec_fn=child_setup(cgroup))
    line = process.stdout.readline()
    if not line.startswith("READY port="):
        process.wait(timeout=10)
        raise RuntimeError("llm_server did not start")
    return Server(process, int(line.split("=")[1]), certificate, plain)


def read_exchanges(server, since=0):
    """The server's ledger from number `since` + 1 on."""
    return server.exchanges(since)


# --- clients -----------------------------------------------------------------------------------------------------------

@dataclasses.dataclass
class ClientRun:
    """What a client printed: `lines` are its exchanges, `summary` is what --load says at the end."""
    status: int
    pid: int
    lines: list
    summary: dict


def client_command(build, server, kind, flags, program=None):
    """The command line of one of the clients: ssl_client, ssl_client_dlopen, h2_client, ws_client, python, python_libraries,
    node, sdk, bun, bun_aborts, deno, codex or curl. `program`: another executable, for those that are a program of ours or a
    script in an interpreter."""
    common = ["--port", str(server.port)]
    authority = ["--ca", server.certificate] if server.certificate else ["--plain"]
    if kind in ("ssl_client", "ssl_client_dlopen", "h2_client", "ws_client"):
        return [program or str(pathlib.Path(build) / "tests/support/clients" / kind), *common, *authority, *flags]
    if kind == "python":
        return [PYTHON, str(CLIENTS / "python_client.py"), *common, *authority, *flags]
    if kind == "python_libraries":
        return [PYTHON, str(CLIENTS / "python_libraries.py"), *common, *authority, *flags]
    if kind == "node":
        plain = [] if server.certificate else ["--plain"]
        return [program or "node", str(CLIENTS / "node_client.mjs"), *common, *plain, *flags]
    if kind == "sdk":
        return ["node", str(CLIENTS / "sdk_client.mjs"), *common, *flags]
    if kind in ("bun", "bun_aborts"):
        script = "node_client.mjs" if kind == "bun" else "aborting_client.mjs"
        return [program or "bun", "run", str(CLIENTS / script), *common, *flags]
    if kind == "deno":
        return [program or "deno", "run", "--quiet", "--no-remote", "-A", str(CLIENTS / "node_client.mjs"), *common, *flags]
    if kind == "codex":  # its prompt
        return [program or "codex", "exec", "--skip-git-repo-check", "--sandbox", "read-only", *flags]
    if kind == "curl":
        return [str(CLIENTS / "curl_client.sh"), *common, *authority, *flags]
    raise ValueError(kind)


def codex_home(server):
    """Codex's configuration: this server is the only model provider."""
    home = pathlib.Path(server.certificate).parent / "codex"
    home.mkdir(exist_ok=True)
    (home / "config.toml").write_text(f"""
model = "gpt-4.1"
model_provider = "test"
check_for_update_on_startup = false
[analytics]
enabled = false
[model_providers.test]
name = "test"
base_url = "https://localhost:{server.port}/v1"
env_key = "MODEL_KEY"
query_params = {{ tools = "0" }}
wire_api = "responses"
request_max_retries = 0
stream_max_retries = 0
""", encoding="utf-8")
    return home


class Client:
    """A running client. Use `wait_ready` and `go` with --hold, `wait_ready` and `kill` with --die-mid-stream."""

    def __init__(self, process):
        self.process = process
        self._output = []

    @property
    def pid(self):
        return self.process.pid

    def wait_ready(self):
        """Reads up to the line READY PID and returns the pid."""
        for line in self.process.stdout:
            if line.startswith("READY "):
                return int(line.split()[1])
            self._output.append(line)
        raise RuntimeError("the client ended before it was ready")

    def go(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def kill(self):
        self.process.kill()

    def finish(self, timeout=120):
        """Waits for its end. Returns a ClientRun."""
        try:
            rest, _ = self.process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise
        lines, summary = [], {}
        for text in self._output + rest.splitlines():
            if text.startswith("{"):
                line = json.loads(text)
                summary.update(line.get("summary", {}))
                if "summary" not in line:
                    lines.append(line)
        return ClientRun(self.process.returncode, self.process.pid, lines, summary)


def start_client(build, server, *flags, kind="ssl_client", libs=None, cgroup=None, program=None):
    """`flags` are the client's own; see tests/support/README.md."""
    bun = kind in ("bun", "bun_aborts")
    extra = {"NODE_EXTRA_CA_CERTS": server.certificate} if (kind in ("node", "sdk") or bun) and server.certificate else {}
    if bun:
        extra["NODE_TLS_REJECT_UNAUTHORIZED"] = "0"  # its first releases know no other certificates than their own
    if kind == "deno":
        extra = {"DENO_DIR": str(pathlib.Path(server.certificate).parent / "deno"), "DENO_NO_UPDATE_CHECK": "1",
                 "DENO_CERT": server.certificate, "NODE_EXTRA_CA_CERTS": server.certificate}
    if kind == "codex":
        extra = {"CODEX_HOME": str(codex_home(server)), "SSL_CERT_FILE": server.certificate, "MODEL_KEY": "none"}
    process = subprocess.Popen(client_command(build, server, kind, [str(flag) for flag in flags], program),
                               env=environment(libs, **extra), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                               preexec_fn=child_setup(cgroup))
    return Client(process)


def run_client(build, server, *flags, kind="ssl_client", libs=None, cgroup=None, program=None, timeout=120, check=True):
    """Runs a client to its end. With `check`, raises if it failed."""
    run = start_client(build, server, *flags, kind=kind, libs=libs, cgroup=cgroup, program=program).finish(timeout)
    if check and run.status != 0:
        raise RuntimeError(f"{kind} {' '.join(map(str, flags))} ended with {run.status}")
    return run


# --- cgroups -----------------------------------------------------------------------------------------------------------

def cgroup_mount():
    """The mount point of the unified hierarchy, wherever it is; None if there is none."""
    with open("/proc/self/mounts", encoding="utf-8") as mounts:
        for mount in mounts:
            fields = mount.split()
            if fields[2] == "cgroup2":
                return pathlib.Path(fields[1])
    return None


class Cgroup:
    """A child of the unified hierarchy's root, for processes of one test. A context manager."""

    _made = 0

    def __init__(self, name=None):
        mount = cgroup_mount()
        if mount is None:
            raise RuntimeError("no cgroup2 is mounted")
        Cgroup._made += 1
        self.name = name or f"llmsnoop-test-{os.getpid()}-{Cgroup._made}"
        self.path = mount / self.name
        self.path.mkdir()

    @property
    def id(self):
        """What bpf_get_current_cgroup_id returns for its processes."""
        return self.path.stat().st_ino

    def add(self, pid):
        (self.path / "cgroup.procs").write_text(str(pid), encoding="ascii")

    def enter(self):
        """Moves the calling process; fit for a child's preexec_fn."""
        self.add(os.getpid())

    def pids(self):
        return [int(pid) for pid in (self.path / "cgroup.procs").read_text(encoding="ascii").split()]

    def destroy(self):
        """Removes it; its processes must have been ended, and get half a minute to be gone."""
        deadline = time.monotonic() + 30
        while True:
            try:
                self.path.rmdir()
                return
            except OSError:
                if time.monotonic() > deadline:
                    raise
                time.sleep(0.02)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.destroy()
