#!/usr/bin/python3
"""What plain TCP capture adds to a system call that moves bytes, in nanoseconds of CPU: in a process that is not traced, on a
file of one that is, and on its TCP connection with 256 bytes a call. Interleaved rounds without the agent, with one that
leaves plain TCP alone (but looks for the sockets of TLS), and with one that captures it.

    sudo tests/bench/plain_cost.py --build build [--rounds 5] [--hook auto]
"""
import argparse
import contextlib
import pathlib
import statistics
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "kernel"))
import live  # noqa: E402
from agent import Agent  # noqa: E402


class Loop:
    def __init__(self, build, kind, cgroup=None):
        self._process = subprocess.Popen([build / "tests/bench/syscall_loop", kind], stdin=subprocess.PIPE,
                                         stdout=subprocess.PIPE, text=True, preexec_fn=live.child_setup(cgroup))
        self._process.stdout.readline()

    def measure(self):
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        return float(self._process.stdout.readline())

    def stop(self):
        self._process.stdin.close()
        self._process.wait()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", default="build", type=pathlib.Path)
    parser.add_argument("--rounds", default=5, type=int)
    parser.add_argument("--hook", default="auto", help="capture.plain_tcp")
    options = parser.parse_args()
    with live.Cgroup() as cgroup:
        loops = {
            "untraced, file": Loop(options.build, "file"),
            "untraced, socket": Loop(options.build, "socket"),
            "traced, file": Loop(options.build, "file", cgroup),
            "traced, socket": Loop(options.build, "socket", cgroup),
        }
        ways = ("no agent", "off", options.hook)
        found = {(name, way): [] for name in loops for way in ways}
        for _ in range(options.rounds):
            for way in ways:
                with contextlib.ExitStack() as stack:
                    if way != "no agent":
                        agent = stack.enter_context(Agent(options.build, "trace", "--json", "--capture-plain-tcp", way,
                                                          cgroup=cgroup))
                        stack.callback(agent.stop)
                    for name, loop in loops.items():
                        found[name, way].append(loop.measure())
        for loop in loops.values():
            loop.stop()
    print(f"{'ns per call':20} {'no agent':>9} {'off':>9} {options.hook:>9} {'added':>9}")
    for name in loops:
        medians = [statistics.median(found[name, way]) for way in ways]
        added = statistics.median(b - a for a, b in zip(found[name, "off"], found[name, options.hook]))
        print(f"{name:20} {' '.join(f'{one:9.0f}' for one in (*medians, added))}")


if __name__ == "__main__":
    main()
