"""Starts llmsnoop for a live test, and gathers what it writes.

    with live.Cgroup() as cgroup, Agent(build, "trace", "--json", cgroup=cgroup, libs=libs) as agent:
        live.run_client(..., cgroup=cgroup, libs=libs)
        records = agent.stop()
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import tempfile
import time

READY = ("tracing", "recording to")  # what it says on stderr once everything is attached


# Agents of tests keep no store and take no port of the machine's, unless a test's own flags say so.
PRIVATE = {"LLMSNOOP_STORE_ENABLED": "false", "LLMSNOOP_API_LISTEN": "127.0.0.1:0"}


class Agent:
    """A running llmsnoop that watches one cgroup and one private copy of libssl."""

    def __init__(self, build, command, *flags, cgroup=None, libs=None, environment=None, ready_within=60, by=()):
        """`by`: a command that runs it, such as setpriv."""
        self._out = tempfile.NamedTemporaryFile(mode="w+", suffix=".out", delete=False)
        self._err = tempfile.NamedTemporaryFile(mode="w+", suffix=".err", delete=False)
        argv = [*map(str, by), str(pathlib.Path(build) / "llmsnoop"), command, *map(str, flags)]
        if cgroup:
            argv += ["--cgroup", str(cgroup.path)]
        if libs:
            argv += ["--capture-libraries", str(pathlib.Path(libs) / "libssl.so.3")]
        self.process = subprocess.Popen(argv, stdout=self._out, stderr=self._err, stdin=subprocess.DEVNULL,
                                        env={**os.environ, **PRIVATE, **(environment or {})})
        deadline = time.monotonic() + ready_within
        while not any(word in self.messages() for word in READY):
            if self.process.poll() is not None or time.monotonic() > deadline:
                text = self.messages()
                self.close()
                raise RuntimeError(f"llmsnoop {command} did not become ready: {text}")
            time.sleep(0.02)
        if "do not load" in self.messages():  # it makes do with less than this kernel allows
            text = self.messages()
            self.close()
            raise RuntimeError(f"llmsnoop {command}: {text}")

    @property
    def pid(self):
        return self.process.pid

    def messages(self):
        with open(self._err.name, encoding="utf-8") as text:
            return text.read()

    def port(self, of):
        """The one that it says to listen on: of "metrics", or of the "API"."""
        return int(re.search(rf"\b{of} on port (\d+)", self.messages())[1])

    def output(self):
        with open(self._out.name, encoding="utf-8") as text:
            return text.read()

    def records(self):
        """The records printed so far."""
        return [json.loads(line) for line in self.output().splitlines(keepends=True) if line.endswith("\n")]

    def wait_for(self, count, timeout=60):
        """Waits until so many records are there. Returns them, however many there are in the end."""
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline and len(self.records()) < count:
            time.sleep(0.05)
        return self.records()

    def end(self, signum=signal.SIGINT, status=0, timeout=60):
        """Ends it and checks the exit status."""
        self.process.send_signal(signum)
        ended = self.process.wait(timeout)
        if ended != status:
            raise RuntimeError(f"llmsnoop ended with {ended}: {self.messages()}")

    def stop(self, signum=signal.SIGINT):
        """Ends it, checks the exit status, and returns the records."""
        self.end(signum)
        return self.records()

    def lost(self):
        """What it says at its end that it lost: "nothing", or names and counts."""
        lines = [line for line in self.messages().splitlines() if "lost: " in line]
        return lines[-1].split("lost: ", 1)[1] if lines else None

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        for file in (self._out, self._err):
            file.close()
            os.unlink(file.name)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def run(build, *argv, stdin=None, environment=None, timeout=120):
    """Runs llmsnoop to its end. Returns the CompletedProcess, with text output."""
    return subprocess.run([str(pathlib.Path(build) / "llmsnoop"), *map(str, argv)], input=stdin, capture_output=True, text=True,
                          env={**os.environ, **PRIVATE, **(environment or {})}, timeout=timeout, check=False)
