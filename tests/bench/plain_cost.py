#!/usr/bin/python3
"""What plain TCP capture adds to a system call that moves bytes, in nanoseconds of CPU, in interleaved rounds with and without
the agent: in a process that is not traced, on a file of one that is, and on its TCP connection with 256 bytes a call.

    sudo tests/bench/plain_cost.py --build build [--rounds 5] [--hook auto]
"""
import argparse
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
        without, watched, added = ({name: [] for name in loops} for _ in range(3))
        for _ in range(options.rounds):
            for name, loop in loops.items():
                without[name].append(loop.measure())
            with Agent(options.build, "trace", "--json", "--capture-plain-tcp", options.hook, cgroup=cgroup) as agent:
                for name, loop in loops.items():
                    watched[name].append(loop.measure())
                    added[name].append(watched[name][-1] - without[name][-1])
                agent.stop()
        for loop in loops.values():
            loop.stop()
    print(f"{'ns per call':20} {'without':>9} {'with':>9} {'added: median':>14} {'least':>9}")
    for name in loops:
        print(f"{name:20} {statistics.median(without[name]):9.0f} {statistics.median(watched[name]):9.0f} "
              f"{statistics.median(added[name]):14.0f} {min(added[name]):9.0f}")


if __name__ == "__main__":
    main()
