#!/usr/bin/python3
"""Runs a program as a container runtime would: with a set of capabilities, no way to more, and a seccomp profile of the OCI's form.

    tests/deploy/confine.py --capabilities BPF,PERFMON --seccomp PROFILE.json -- PROGRAM ARGUMENTS...

Needs root. Uses setpriv (util-linux) and libseccomp.so.2. The program remains user 0, as it does in a pod.
"""
import argparse
import ctypes
import json
import os
import sys

ACTIONS = {"SCMP_ACT_ALLOW": 0x7FFF0000, "SCMP_ACT_ERRNO": 0x00050000, "SCMP_ACT_LOG": 0x7FFC0000}
PR_SET_NO_NEW_PRIVS = 38
UNKNOWN_HERE = -1  # __NR_SCMP_ERROR: no such system call on this architecture


def load_seccomp(path):
    with open(path, encoding="utf-8") as file:
        profile = json.load(file)
    lib = ctypes.CDLL("libseccomp.so.2", use_errno=True)
    lib.seccomp_init.restype = ctypes.c_void_p
    lib.seccomp_init.argtypes = [ctypes.c_uint32]
    lib.seccomp_rule_add.argtypes = [ctypes.c_void_p, ctypes.c_uint32, ctypes.c_int, ctypes.c_uint]
    lib.seccomp_load.argtypes = [ctypes.c_void_p]

    def action(entry, key):
        value = ACTIONS[entry[key]]
        return value | entry.get("errnoRet", profile.get("defaultErrnoRet", 1)) if entry[key] == "SCMP_ACT_ERRNO" else value

    context = lib.seccomp_init(action(profile, "defaultAction"))
    for rule in profile["syscalls"]:
        for name in rule["names"]:
            number = lib.seccomp_syscall_resolve_name(name.encode())
            if number == UNKNOWN_HERE:
                continue
            if lib.seccomp_rule_add(context, action(rule, "action"), number, 0) != 0:
                raise RuntimeError(f"seccomp_rule_add {name}")
    if lib.seccomp_load(context) != 0:
        raise RuntimeError("seccomp_load")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--capabilities")
    parser.add_argument("--seccomp")
    parser.add_argument("command", nargs="+")
    options = parser.parse_args()
    if options.capabilities is not None:
        # setpriv starts this script again, confined but for the seccomp profile, which need not let setpriv pass.
        names = "".join(f",+{name.lower()}" for name in options.capabilities.split(",") if name)
        again = [sys.executable, __file__] + (["--seccomp", options.seccomp] if options.seccomp else []) + ["--", *options.command]
        os.execvp("setpriv", ["setpriv", "--no-new-privs", f"--bounding-set=-all{names}", f"--inh-caps=-all{names}", "--", *again])
    if options.seccomp:
        ctypes.CDLL(None).prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
        load_seccomp(options.seccomp)
    os.execvp(options.command[0], options.command)


if __name__ == "__main__":
    main()
