#!/usr/bin/python3
"""The demonstration: real clients talk TLS to a local server that speaks the OpenAI and Anthropic APIs; llmsnoop watches them and
says what they spent; the server says what it sent; the two are compared.

    sudo deploy/dev/demo.py --build BUILD        exits 1 if a single count differs

Watches only the clients that it starts (a cgroup of their own, a private copy of libssl), sends traffic to loopback only, and
leaves nothing behind.
"""
import argparse
import json
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests/kernel"))
import live  # noqa: E402
from agent import Agent  # noqa: E402

APIS = (("--api", "openai"), ("--api", "openai", "--stream"), ("--api", "anthropic"), ("--api", "anthropic", "--stream"))
TYPES = ("input", "output", "cache_read", "cache_write", "reasoning")


def title(text):
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n== {text}", flush=True)


def run_clients(build, server, libs, cgroup, work):
    """Every client, every API, streaming and not. Returns the names of those that ran."""
    ran = []
    kinds = [("curl", None), ("python", None)]
    if shutil.which("node"):
        kinds.append(("node", str(work / "node")))
    for kind, program in kinds:
        for flags in APIS:
            extra = ("--query", "tools=1") if kind == "python" and "--stream" in flags else ()
            live.run_client(build, server, *flags, *extra, kind=kind, program=program, libs=libs, cgroup=cgroup)
        ran.append(kind)
    return ran


def metric_lines(port, prefix):
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=10) as page:
        return [line for line in page.read().decode().splitlines() if line.startswith(prefix)]


def listening_port(agent):
    for line in agent.messages().splitlines():
        if "metrics on port " in line:
            return int(line.rsplit(" ", 1)[1])
    raise RuntimeError("the agent does not say where its metrics are")


def label(line, name):
    return line.split(f'{name}="', 1)[1].split('"', 1)[0]


def token_table(lines):
    """{(process, model): {type: tokens}} out of llmsnoop_tokens_total."""
    table = {}
    for line in lines:
        row = table.setdefault((label(line, "process"), label(line, "model")), {})
        kind = label(line, "type")
        row[kind] = row.get(kind, 0) + int(float(line.rsplit(" ", 1)[1]))
    return table


def print_table(table):
    print(f"{'PROCESS':16} {'MODEL':28}" + "".join(f"{kind.upper():>12}" for kind in TYPES))
    for (process, model), row in sorted(table.items()):
        print(f"{process:16} {model:28}" + "".join(f"{row.get(kind, 0):>12}" for kind in TYPES))


def sums_by_model(table):
    sums = {}
    for (_, model), row in table.items():
        for kind, count in row.items():
            if count:
                sums[(model, kind)] = sums.get((model, kind), 0) + count
    return sums


def wait_until(condition, seconds=20):
    deadline = time.monotonic() + seconds
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.1)


def demo(build):
    with tempfile.TemporaryDirectory(prefix="llmsnoop-demo-") as directory, live.Cgroup() as cgroup:
        work = pathlib.Path(directory)
        libs = live.make_private_libs(work / "libs")
        node = ["--capture-libraries", str(work / "node")] if shutil.which("node") else []
        if node:  # its OpenSSL is inside the executable: a copy of its own, as of libssl
            shutil.copy(shutil.which("node"), work / "node")
        with live.start_server(build, work) as server:
            title("1. The agent, once as a daemon with metrics and an audit log, once as `llmsnoop trace`")
            audit = work / "audit"
            with Agent(build, "run", "--metrics-listen", "127.0.0.1:0", "--audit-directory", audit, *node,
                       cgroup=cgroup, libs=libs) as daemon, \
                 Agent(build, "trace", *node, cgroup=cgroup, libs=libs) as tracer:
                print(tracer.messages().strip())
                title("2. Real clients over real TLS, as `llmsnoop trace` shows them")
                ran = run_clients(build, server, libs, cgroup, work)
                truth = server.exchanges()
                wait_until(lambda: len(tracer.output().splitlines()) > len(truth))
                print(tracer.output().rstrip())
                port = listening_port(daemon)
                expected = live.token_sums(truth)
                wait_until(lambda: sums_by_model(token_table(metric_lines(port, "llmsnoop_tokens_total"))) == expected)
                lines = metric_lines(port, "llmsnoop_tokens_total")
                table = token_table(lines)
                title("3. Tokens by process")
                print_table(table)
                title("4. Some of the metrics")
                shown = [line for line in lines if label(line, "process") == "curl"][:4]
                print("\n".join(shown + metric_lines(port, "llmsnoop_exchanges_total")))
                tracer.end()
                daemon.end(signal.SIGTERM)
            title("5. One line of the audit log (no prompt, no completion: hashes)")
            records = [json.loads(line) for path in sorted(audit.glob("audit-*.jsonl")) for line in path.read_text().splitlines()]
            print(json.dumps(max(records, key=lambda record: len(record["usage"])), indent=1))
            print(subprocess.run([str(build / "llmsnoop"), "audit", "verify", *map(str, sorted(audit.glob("*.jsonl")))],
                                 capture_output=True, text=True, check=True).stdout.splitlines()[-1])

            title("6. What the server says it sent")
            differences = live.compare(records, truth)
            if sums_by_model(table) != expected:
                differences.append(f"the metrics say {sums_by_model(table)}, the server {expected}")
            for difference in differences:
                print("DIFFERENT:", difference)
            if differences or len(ran) * len(APIS) != len(truth):
                print(f"{len(differences)} differences in {len(truth)} exchanges of {', '.join(ran)}")
                return 1
            total = sum(count for (_, kind), count in expected.items() if kind in ("input", "output"))
            print(f"{len(truth)} exchanges of {', '.join(ran)}: {total} tokens, every count as the server says, nothing lost")
            return 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=pathlib.Path, default=ROOT / "build")
    build = parser.parse_args().build.resolve()
    doctor = subprocess.run([str(build / "llmsnoop"), "doctor", "--pid", "1"], capture_output=True, text=True, check=False)
    if doctor.returncode != 0:
        print("This machine does not let BPF trace:", doctor.stdout.splitlines()[-1] if doctor.stdout else doctor.stderr)
        return 1
    return demo(build)


if __name__ == "__main__":
    sys.exit(main())
