#!/usr/bin/python3
"""For each path on stdin: a child maps that library and says `mapped`; at the next line it ends, and `ended` is said."""
import ctypes
import os
import sys

print("ready", flush=True)
while path := sys.stdin.readline().strip():
    hold, release = os.pipe()
    pid = os.fork()
    if pid == 0:
        os.close(release)
        ctypes.CDLL(path)
        print("mapped", flush=True)
        os.read(hold, 1)
        os._exit(0)
    os.close(hold)
    sys.stdin.readline()
    os.close(release)
    _, status = os.waitpid(pid, 0)
    print("ended" if status == 0 else f"failed: {status}", flush=True)
