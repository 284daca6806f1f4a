#!/usr/bin/python3
"""What watching costs: rounds with nothing attached, with the floor, and with an agent, interleaved in one process.

    sudo tests/bench/rounds.py --build build
    sudo tests/bench/rounds.py --build build --agent 'tests/bench/watch.py {libssl} {pid}' --agent-ready READY
    sudo tests/bench/rounds.py --build build --part load --modes bulk --no-floor --agent-ready READY \\
        --agent 'muted=tests/bench/watch.py {libssl} {pid}' \\
        --agent 'unmuted=tests/bench/watch.py {libssl} {pid} --capture-mute false'

Part "loop": nanoseconds of CPU that a watcher adds to each SSL_read and SSL_write (ssl_loop).
Part "load": throughput, latency and CPU of load_client against llm_server (stream, json, bulk, paced).

Clients and server run with private copies of libssl, so no other program on the machine is touched. The machine may be
shared: figures are medians over rounds of ratios within a round, and rounds in which other programs took much CPU are
marked.
"""
import argparse
import json
import os
import pathlib
import re
import shlex
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "kernel"))
import live  # noqa: E402  (found only now)

TICK = os.sysconf("SC_CLK_TCK")
FOREIGN_LIMIT = 0.3  # cores used by others above which a round is called noisy
GRACE = 0.5          # seconds that a watcher gets to read what lies in its ring


def cpu_of(pid):
    """Seconds of CPU that a process has used."""
    with open(f"/proc/{pid}/stat", encoding="utf-8") as stat:
        fields = stat.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def cpu_of_tree(pid):
    """The same, with that of its children that still run."""
    children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="utf-8").split()
    return cpu_of(pid) + sum(cpu_of_tree(int(child)) for child in children)


def machine_busy():
    """Seconds of CPU that all processes together have used."""
    with open("/proc/stat", encoding="utf-8") as stat:
        fields = [int(field) for field in stat.readline().split()[1:9]]
    return (sum(fields) - fields[3] - fields[4]) / TICK


class Watcher:
    """Nothing, the floor, or an agent: something that can be attached to a process."""

    def __init__(self, name, command=None, ready=None):
        self.name = name
        self._command = command            # with {pid} and {libssl}
        self._ready = re.compile(ready or "")  # what it prints once attached
        self._process = None
        self._output = []

    def attach(self, pid, libssl):
        if self._command is None:
            return
        command = [part.format(pid=pid, libssl=libssl) for part in self._command]
        self._output = [tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")]
        self._process = subprocess.Popen(command, stdout=self._output[0], stderr=self._output[1])
        deadline = time.monotonic() + 30
        while not any(self._ready.search(self._printed(stream)) for stream in (0, 1)):
            if self._process.poll() is not None or time.monotonic() > deadline:
                self._process.kill()
                raise RuntimeError(f"{self.name} did not attach: {self._printed(1)}")
            time.sleep(0.02)

    def _printed(self, stream):
        # By its name, so that the offset at which the child writes stays where it is.
        return pathlib.Path(f"/proc/self/fd/{self._output[stream].fileno()}").read_text(encoding="utf-8")

    def cpu(self):
        return cpu_of_tree(self._process.pid) if self._process else 0.0

    def detach(self):
        """Ends it and returns the last JSON object that it printed, if any."""
        if self._process is None:
            return {}
        self._process.send_signal(signal.SIGINT)
        self._process.wait(timeout=60)
        self._process = None
        objects = [line for line in self._printed(0).splitlines() if line.startswith("{")]
        return json.loads(objects[-1]) if objects else {}


def percent(value):
    return f"{100 * value:6.1f} %"


# --- part "loop" -------------------------------------------------------------------------------------------------------

class Loop:
    def __init__(self, build, libs):
        program = pathlib.Path(build) / "tests/bench/floor/ssl_loop"
        self._process = subprocess.Popen([program], env=live.environment(libs), stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True)
        self.pid = int(self._process.stdout.readline().split()[1])

    def run(self, operation, size, calls):
        self._process.stdin.write(f"run {operation} {size} {calls}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())["cpu_ns_per_call"]

    def renew(self):
        self._process.stdin.write("renew\n")
        self._process.stdin.flush()
        json.loads(self._process.stdout.readline())

    def end(self):
        self._process.stdin.close()
        self._process.wait(timeout=10)


def measure_loop(options, watchers, libs):
    loop = Loop(options.build, libs)
    cases = [(operation, size) for operation in ("read", "write") for size in (256, 4096, 16384)]
    figures = {}
    for _ in range(options.rounds):
        for watcher in watchers:
            watcher.attach(loop.pid, libs / "libssl.so.3")
            loop.renew()
            loop.run("turn", 256, 500)
            time.sleep(GRACE)  # what is sent is no HTTP, and an agent may mute it for good
            for operation, size in cases:
                loop.run(operation, size, 500)
                # The least of a few: what others on the machine do can only add.
                best = min(loop.run(operation, size, options.calls) for _ in range(3))
                figures.setdefault((operation, size, watcher.name), []).append(best)
            watcher.detach()
    loop.end()
    print(f"{'CPU ns per call':18}" + "".join(f"{watcher.name:>20}" for watcher in watchers))
    rows = []
    for operation, size in cases:
        base = figures[operation, size, "none"]
        cells = [f"{statistics.median(base):20.0f}"]
        row = {"operation": operation, "size": size, "none_ns": statistics.median(base)}
        for watcher in watchers[1:]:
            values = figures[operation, size, watcher.name]
            added = statistics.median(value - plain for value, plain in zip(values, base))
            row[watcher.name + "_added_ns"] = added
            cells.append(f"{statistics.median(values):11.0f} (+{added:6.0f})")
        print(f"SSL_{operation:5} {size:6}  " + "".join(cells))
        rows.append(row)
    return rows


# --- part "load" -------------------------------------------------------------------------------------------------------

class Load:
    def __init__(self, build, server, libs):
        program = pathlib.Path(build) / "tests/bench/load/load_client"
        self._process = subprocess.Popen([program, "--port", str(server.port), "--control"],
                                         env=live.environment(libs), stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         text=True)
        self.pid = int(self._process.stdout.readline().split()[1])

    def run(self, mode, seconds):
        self._process.stdin.write(f"run {mode} {seconds}\n")
        self._process.stdin.flush()
        return json.loads(self._process.stdout.readline())

    def end(self):
        self._process.stdin.close()
        self._process.wait(timeout=10)


def load_round(load, server, watcher, mode, seconds, libs):
    watcher.attach(load.pid, libs / "libssl.so.3")
    load.run(mode, 0.3)
    pids = (load.pid, server.pid)
    ours = sum(map(cpu_of, pids))
    watching = watcher.cpu()
    busy, began = machine_busy(), time.monotonic()
    figures = load.run(mode, seconds)
    took = time.monotonic() - began
    foreign = machine_busy() - busy - (sum(map(cpu_of, pids)) - ours) - (watcher.cpu() - watching)
    figures["foreign_cores"] = max(0.0, foreign / took)
    time.sleep(GRACE)
    figures["watcher_cpu_s"] = watcher.cpu() - watching
    figures["watcher_report"] = watcher.detach()
    return figures


def measure_load(options, watchers, libs, server):
    load = Load(options.build, server, libs)
    rows = []
    for mode in options.modes.split(","):
        rounds = {watcher.name: [] for watcher in watchers}
        for _ in range(options.rounds):
            for watcher in watchers:
                rounds[watcher.name].append(load_round(load, server, watcher, mode, options.seconds, libs))
        print(f"\n{mode:8}{'exchanges/s':>14}{'of none':>10}{'p50 ms':>9}{'p99 ms':>9}{'SSL calls/s':>13}"
              f"{'watcher CPU s':>15}{'noisy':>7}")
        for watcher in watchers:
            figures = rounds[watcher.name]

            def middle(name):
                return statistics.median(figure[name] for figure in figures)

            ratio = statistics.median(figure["exchanges_per_s"] / plain["exchanges_per_s"]
                                      for figure, plain in zip(figures, rounds["none"]))
            noisy = sum(figure["foreign_cores"] > FOREIGN_LIMIT for figure in figures)
            print(f"{watcher.name:8}{middle('exchanges_per_s'):14.1f}{percent(ratio):>10}{middle('p50_ms'):9.3f}"
                  f"{middle('p99_ms'):9.3f}{middle('ssl_calls_per_s'):13.0f}{middle('watcher_cpu_s'):15.3f}{noisy:7}")
            reports = [figure["watcher_report"] for figure in figures]
            lost = [report["lost"] for report in reports if report.get("lost") not in (None, 0, "nothing")]
            if lost:
                print(f"{'':8}lost: {', '.join(map(str, lost))}")
            if reports and "exchanges" in reports[0]:
                print(f"{'':8}exchanges counted: {sum(report['exchanges'] for report in reports)}, complete: "
                      f"{sum(report['complete'] for report in reports)}")
            rows.append({"mode": mode, "watcher": watcher.name, "ratio": ratio, "rounds": figures})
    load.end()
    return rows


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="CMake's build directory")
    parser.add_argument("--part", choices=("loop", "load", "all"), default="all")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--calls", type=int, default=5000, help="loop: calls in a measurement")
    parser.add_argument("--seconds", type=float, default=3, help="load: length of a run")
    parser.add_argument("--modes", default="stream,json,bulk,paced", help="load: which")
    parser.add_argument("--agent", action="append", default=[], metavar="[NAME=]COMMAND",
                        help="an agent to compare, any number of times; {pid} and {libssl} are filled in")
    parser.add_argument("--no-floor", action="store_true", help="without the floor")
    parser.add_argument("--agent-ready", default="attached", help="pattern in what it prints once it is attached")
    parser.add_argument("--json", help="write all figures to this file")
    options = parser.parse_args()

    floor = str(pathlib.Path(options.build) / "tests/bench/floor/floor_capture")
    watchers = [Watcher("none")]
    if not options.no_floor:
        watchers.append(Watcher("floor", [floor, "{libssl}", "{pid}"], "READY"))
    for agent in options.agent:
        name, command = re.fullmatch(r"(?:(\w+)=)?(.*)", agent, re.DOTALL).groups()
        watchers.append(Watcher(name or "agent", shlex.split(command), options.agent_ready))
    figures = {}
    with live.work_directory() as work:
        libs = live.make_private_libs(work / "client-libs")
        if options.part != "load":
            figures["loop"] = measure_loop(options, watchers, libs)
        if options.part != "loop":
            server = live.start_server(options.build, work, "--totals-only",
                                       libs=live.make_private_libs(work / "server-libs"))
            figures["load"] = measure_load(options, watchers, libs, server)
            server.stop()
    if options.json:
        pathlib.Path(options.json).write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
