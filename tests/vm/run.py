#!/usr/bin/python3
"""llmsnoop on other kernels: Debian's, each in a virtual machine of its own (qemu without KVM, so it runs anywhere).

    tests/vm/run.py --build build                 # all kernels; prints a table kernel x check
    tests/vm/run.py --build build 5.10 newest     # some of them
    tests/vm/run.py --build build 6.1 --keep out  # what the machine brought back stays in out/6.1
    tests/vm/run.py --build build --machine pods  # another machine, with containers and pods; on 6.12 unless a kernel is named

Needs no root. Exit status: 0 all is well, 1 something is not, 77 nothing could be tried (the reason is printed).
"""
import argparse
import pathlib
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time

import checks
import debian_kernels
import initramfs
import pod_checks
import pod_machine

SKIPPED = 77
TOOLS = {"qemu-system-x86_64": "qemu-system-x86", "busybox": "busybox-static", "curl": "curl", "strip": "binutils", "setpriv": "util-linux", "crun": "crun", "wget": "wget", "go": "golang-go",
         "apt-get": "apt", "dpkg-deb": "dpkg"}
# What is in it, what must have come out, how much memory it takes, which packages it needs besides, and the usual kernels.
MACHINES = {
    "node": (initramfs.build, checks.all_checks, 1024, {}, list(debian_kernels.KERNELS)),
    "pods": (pod_machine.build, pod_checks.all_checks, pod_machine.MEMORY_MB, pod_machine.TOOLS, ["6.12"]),
}
SLOWEST_S = 2000
STARTED = "llmsnoop: init"  # guest/init says so


def missing_tools(tools):
    return sorted({package for tool, package in tools.items() if not shutil.which(tool)})


def boot(image, archive, memory_mb, work):
    """Runs the machine until it switches itself off. Returns the seconds it took; raises TimeoutError."""
    # Without cx16: bookworm's qemu leaves a pointer in EFLAGS after some cmpxchg16b, and the next iret of a 6.12 kernel panics.
    command = ["qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max,-cx16", "-smp", "2", "-m", str(memory_mb),
               "-kernel", image, "-initrd", archive, "-append", "console=ttyS0 quiet panic=-1", "-no-reboot",
               "-display", "none", "-monitor", "none", "-nic", "none",
               "-serial", f"file:{work}/console.log", "-serial", f"file:{work}/results.tar.gz"]
    started = time.monotonic()
    machine = subprocess.Popen([str(word) for word in command], stdin=subprocess.DEVNULL)
    try:
        machine.wait(SLOWEST_S)
    except subprocess.TimeoutExpired as slow:
        raise TimeoutError(f"the machine was still running after {SLOWEST_S} s") from slow
    finally:
        machine.kill()
        machine.wait()
    return time.monotonic() - started


class NeverStarted(Exception):
    """The machine ended before anything of ours ran in it."""


def try_machine(image, archive, memory_mb, kept):
    """Returns (seconds, problem): what the machine brings back is in `kept`, or there is a problem."""
    with tempfile.TemporaryDirectory(prefix="llmsnoop-vm-") as work:
        try:
            seconds = boot(image, archive, memory_mb, work)
            with tarfile.open(pathlib.Path(work) / "results.tar.gz") as results:
                results.extractall(kept)  # made by our own guest
            problem = None
        except (TimeoutError, tarfile.TarError, EOFError) as failure:
            seconds, problem = 0, f"{type(failure).__name__}: {failure}"
        shutil.copy(pathlib.Path(work) / "console.log", kept)
    if problem and STARTED not in console_of(kept):
        raise NeverStarted(problem)
    return seconds, problem


def console_of(kept):
    return (kept / "console.log").read_text(encoding="utf-8", errors="replace")


def try_kernel(name, options, archive):
    """Returns (version, seconds, {check: problems}) or raises debian_kernels.Unavailable."""
    image, version = debian_kernels.fetch(name, options.cache)
    _, check, memory_mb, _, _ = MACHINES[options.machine]
    with tempfile.TemporaryDirectory(prefix="llmsnoop-kept-") as temporary:
        kept = pathlib.Path(options.keep) / name if options.keep else pathlib.Path(temporary)
        shutil.rmtree(kept, ignore_errors=True)
        kept.mkdir(parents=True)
        for last in False, True:
            try:
                seconds, problem = try_machine(image, archive, memory_mb, kept)
                break
            except NeverStarted as failure:
                # The emulator now and then trips over code that a kernel patches as it starts.
                problem, seconds = str(failure), 0
                print(f"{name}: the machine died as it started" + ("" if last else "; once more"), file=sys.stderr)
        if problem:
            return version, 0, {"boot": [problem, *console_of(kept).splitlines()[-20:]]}
        return version, seconds, check(kept)


def print_table(outcomes):
    names = list(dict.fromkeys(check for _, _, found in outcomes.values() for check in found))
    width = max(map(len, names))
    columns = [f"{version.split('+')[0]:>9}" for version, _, _ in outcomes.values()]
    print(f"\n{'':{width}} {' '.join(columns)}")
    for check in names:
        cells = []
        for _, _, found in outcomes.values():
            problems = found.get(check, [] if check == "boot" else ["not tried"])
            cells.append(f"{'-' if problems is None else 'FAILED' if problems else 'ok':>9}")
        print(f"{check:{width}} {' '.join(cells)}")
    print(f"{'seconds':{width}} {' '.join(f'{seconds:9.0f}' for _, seconds, _ in outcomes.values())}")


def print_problems(outcomes):
    for name, (_, _, found) in outcomes.items():
        for check, problems in found.items():
            for problem in (problems or [])[:20]:
                print(f"{name}: {check}: {problem}")
            if len(problems or []) > 20:
                print(f"{name}: {check}: and {len(problems) - 20} more")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("kernels", nargs="*", metavar="KERNEL", help=", ".join(debian_kernels.KERNELS))
    parser.add_argument("--machine", choices=MACHINES, default="node", help="pods: with crun, containerd and Prometheus")
    parser.add_argument("--build", default="build", help="where llmsnoop and the test programs are built")
    parser.add_argument("--cache", help="where kernels are kept between runs (default: BUILD/vm-kernels)")
    parser.add_argument("--keep", metavar="DIRECTORY", help="leave there what the machines bring back")
    options = parser.parse_args()
    options.cache = options.cache or pathlib.Path(options.build) / "vm-kernels"
    build, _, _, tools, usual = MACHINES[options.machine]
    wanted = options.kernels or usual
    if unknown := [name for name in wanted if name not in debian_kernels.KERNELS]:
        parser.error(f"no such kernel: {', '.join(unknown)}")
    if missing := missing_tools({**TOOLS, **tools}):
        print(f"VIRTUAL MACHINES WERE NOT TRIED: packages are missing: {' '.join(missing)}", file=sys.stderr)
        return SKIPPED

    outcomes = {}
    with tempfile.TemporaryDirectory(prefix="llmsnoop-vm-") as work:
        archive = pathlib.Path(work) / "initramfs.gz"
        build(options.build, archive)
        for name in wanted:
            try:
                outcomes[name] = try_kernel(name, options, archive)
            except debian_kernels.Unavailable as reason:
                print(f"KERNEL {name} WAS NOT TRIED: {reason}", file=sys.stderr)
    if not outcomes:
        return SKIPPED
    print_table(outcomes)
    print_problems(outcomes)
    return 1 if any(problems for _, _, found in outcomes.values() for problems in found.values()) else 0


if __name__ == "__main__":
    sys.exit(main())
