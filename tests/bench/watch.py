#!/usr/bin/python3
"""The agent as a daemon with its defaults (metrics, audit log), for harnesses that run a tool as `TOOL LIBSSL PID`.

    LLMSNOOP=build/llmsnoop tests/bench/watch.py /path/to/libssl.so.3 1234 [flags of `run`]

Prints READY once attached and, on SIGINT, one JSON line: what the agent captured, and what its audit log says of it.
"""
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OUTCOME = re.compile(r"(\d+) records of (\d+) bytes in (\d+) chunks; lost: (.*)")


def read_audit(directory):
    """Sums over all records whose tokens the provider reported."""
    sums = {"exchanges": 0, "complete": 0, "prompt_tokens": 0, "completion_tokens": 0}
    for path in sorted(directory.glob("audit-*.jsonl")):
        for line in path.open(encoding="utf-8"):
            record = json.loads(line)
            usage = record.get("usage", {})
            sums["complete"] += record["completeness"] == "complete"
            sums["exchanges"] += usage.get("source") in ("reported", "adjusted")
            sums["prompt_tokens"] += usage.get("input_tokens", 0)
            sums["completion_tokens"] += usage.get("output_tokens", 0)
    return sums


def main():
    libssl, pid, *flags = sys.argv[1:]
    program = os.environ.get("LLMSNOOP", str(ROOT / "build/llmsnoop"))
    signal.signal(signal.SIGINT, lambda *_: None)  # wakes wait(); the agent is told below, whoever else was
    with tempfile.TemporaryDirectory(prefix="llmsnoop-watch-", dir="/dev/shm") as work:
        audit, messages = pathlib.Path(work) / "audit", pathlib.Path(work) / "messages"
        with messages.open("w", encoding="utf-8") as err:
            agent = subprocess.Popen([program, "run", "--pid", pid, "--capture-libraries", libssl, "--audit-directory", audit,
                                      "--metrics-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0",
                                      "--store-path", pathlib.Path(work) / "store.db", *flags], stderr=err, start_new_session=True)
        while "is tracing" not in messages.read_text(encoding="utf-8"):
            if agent.poll() is not None:
                sys.exit(messages.read_text(encoding="utf-8"))
            signal.sigtimedwait([], 0.02)
        print("READY", flush=True)
        signal.pause()
        agent.send_signal(signal.SIGINT)
        agent.wait()
        text = messages.read_text(encoding="utf-8")
        outcome = OUTCOME.search(text)
        if outcome is None:
            sys.exit(text)
        print(json.dumps({**read_audit(audit), "bytes": int(outcome[2]), "events": int(outcome[3]), "lost": outcome[4]}))


if __name__ == "__main__":
    main()
