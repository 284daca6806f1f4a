#!/usr/bin/python3
"""The test programs against each other: every client must have received what the server says it sent.

    pair_test.py --build build
No kernel feature and no privilege is needed; nothing of llmsnoop itself takes part.
"""
import argparse
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "kernel"))
import live  # noqa: E402  (found only now)

COMPARED = live.TOKENS + ("status", "request_body_sha256", "response_body_sha256", "request_bytes", "response_bytes")


def check_line(line, entry):
    """Differences between a client's line and the server's entry."""
    found = []
    for name in COMPARED:
        if name == "response_bytes" and (line[name] is None or entry["state"] != "whole"):
            continue  # fetch hides it; a cut answer's coding or framing may have been cut too
        if name == "output_tokens" and entry[name] is None and (entry["state"] != "whole" or "error_type" in entry):
            continue  # message_start holds a number that is no count yet
        if line[name] != entry[name]:
            found.append(f"{name}: client {line[name]!r}, server {entry[name]!r}")
    if (line["model"] or "") != entry["model"]:
        found.append(f"model: client {line['model']!r}, server {entry['model']!r}")
    if line["whole"] != (entry["state"] == "whole"):
        found.append(f"whole: client {line['whole']!r}, server {entry['state']!r}")
    return found


class Pair:
    def __init__(self, build, server):
        self.build = build
        self.server = server
        self.seen = 0
        self.failures = 0
        self.checks = 0

    def play(self, *flags, kind="ssl_client", whole=True, exchanges=None):
        """Runs a client and compares. `exchanges`: how many there must be."""
        run = live.run_client(self.build, self.server, *flags, kind=kind, check=False)
        entries = {entry["request_body_sha256"]: entry for entry in self.server.exchanges(self.seen)}
        self.seen += len(entries)
        problems = []
        if (run.status == 0) != whole:
            problems.append(f"exit status {run.status}")
        if exchanges is not None and len(run.lines) != exchanges:
            problems.append(f"{len(run.lines)} exchanges instead of {exchanges}")
        if len(run.lines) != len(entries):
            problems.append(f"client made {len(run.lines)} exchanges, server saw {len(entries)}")
        for line in run.lines:
            entry = entries.get(line["request_body_sha256"])
            problems += check_line(line, entry) if entry else ["a request that the server did not see as it was sent"]
        self.checks += 1
        self.failures += bool(problems)
        for problem in problems:
            print(f"FAIL {kind} {' '.join(map(str, flags))}: {problem}")


APIS = ("openai", "anthropic", "responses", "embeddings")
ENCODINGS = ("gzip", "deflate", "deflate-raw", "br", "zstd")


def play_ssl_client(pair):
    for api in APIS:
        for more in ((), ("--stream",), ("--tools",), ("--tools", "--stream", "--query", "tools=3")):
            pair.play("--api", api, *more, "--keep-alive", 4, exchanges=4)
    pair.play("--stream", "--no-usage", exchanges=1)
    pair.play("--n", 3, "--stream", exchanges=1)
    pair.play("--n", 3, exchanges=1)
    for model in ("o3-mini", "gpt-5-mini"):
        pair.play("--model", model, "--stream", exchanges=1)
    pair.play("--api", "anthropic", "--stream", "--query", "cached=100&cache_write=30&input=500", exchanges=1)
    # Framings, codings, odd writes.
    for encoding in ENCODINGS:
        for query in ("", "&chunked=0", "&close=1", "&write=7", "&chunked=1&chunks=900"):
            pair.play("--stream", "--query", f"encoding={encoding}{query}", "--keep-alive", 2, exchanges=2)
            pair.play("--query", f"encoding={encoding}{query}", "--keep-alive", 2, exchanges=2)
    for query in ("write=1", "chunked=0", "chunked=1", "close=1", "gap_us=300", "chunks=0", "chunk_bytes=5000"):
        pair.play("--stream", "--query", query, "--keep-alive", 2, exchanges=2)
        pair.play("--query", query, "--keep-alive", 2, exchanges=2)
    # Errors, refused and in mid-stream; answers that break off.
    for api in APIS:
        for status in (400, 401, 404, 429, 500, 529):
            pair.play("--api", api, "--query", f"error={status}", "--keep-alive", 2, exchanges=2)
        if api != "embeddings":
            pair.play("--api", api, "--stream", "--query", "error_after=5", exchanges=1)
            pair.play("--api", api, "--stream", "--query", "die=6", whole=False, exchanges=1)
            pair.play("--api", api, "--stream", "--query", "die=6&encoding=gzip", whole=False, exchanges=1)
            pair.play("--api", api, "--stream", "--query", "die=6&chunked=0", whole=False, exchanges=1)
    # Requests of every size and framing.
    for size in ("100", "64KB", "1MB", "8MB"):
        pair.play("--body", size, "--stream", exchanges=1)
    pair.play("--body", "64KB", "--write", 1000, exchanges=1)
    pair.play("--body", "1MB", "--gzip-request", exchanges=1)
    pair.play("--body", "1MB", "--chunked-request", "--gzip-request", exchanges=1)
    pair.play("--body", "64KB", "--expect-continue", "--keep-alive", 3, exchanges=3)
    # Ways of driving OpenSSL.
    for drive in ((), ("--nonblocking",), ("--memory-bio",), ("--two-threads",)):
        for calls in ((), ("--ex",)):
            pair.play(*drive, *calls, "--stream", "--keep-alive", 3, exchanges=3)
            pair.play(*drive, *calls, "--body", "1MB", exchanges=1)
            pair.play(*drive, *calls, "--query", "chunks=20000", exchanges=1)
    pair.play("--interleave", "--stream", "--keep-alive", 3, "--query", "gap_us=200", exchanges=6)
    pair.play("--pipeline", "--keep-alive", 8, exchanges=8)
    pair.play("--pipeline", "--keep-alive", 8, "--stream", exchanges=8)
    pair.play("--connections", 5, exchanges=5)
    pair.play("--short", exchanges=1)
    pair.play("--load", 4, 1, "--stream")


def play_others(pair):
    kinds = ["python", "curl"] + (["node"] if shutil.which("node") else [])
    for kind in kinds:
        for api in APIS:
            for more in ((), ("--stream",)):
                pair.play("--api", api, *more, "--count", 3, kind=kind, exchanges=3)
        pair.play("--stream", "--query", "die=4", kind=kind, whole=False, exchanges=1)
        pair.play("--query", "close=1", "--count", 2, kind=kind, exchanges=2)
    for api in APIS:
        pair.play("--asyncio", "--stream", "--api", api, "--count", 3, kind="python", exchanges=3)
        pair.play("--asyncio", "--query", "encoding=gzip", "--api", api, "--count", 3, kind="python", exchanges=3)
        if "node" in kinds:
            pair.play("--fetch", "--stream", "--api", api, "--count", 3, kind="node", exchanges=3)
            pair.play("--fetch", "--query", "encoding=br", "--api", api, "--count", 3, kind="node", exchanges=3)
            pair.play("--query", "encoding=gzip", "--api", api, "--count", 3, kind="node", exchanges=3)


def play_h2_client(pair):
    pair.play("--streams", 20, "--keep-alive", 3, "--mix", kind="h2_client", exchanges=60)
    pair.play("--streams", 20, "--mix", "--query", "gap_us=300&pad=20", kind="h2_client", exchanges=20)
    pair.play("--streams", 3, "--body", "1MB", "--gzip-request", "--header", "x-long: " + "l" * 40000, kind="h2_client", exchanges=3)
    for encoding in ENCODINGS:
        pair.play("--streams", 6, "--mix", "--query", f"encoding={encoding}", kind="h2_client", exchanges=6)
    for drive in ("--nonblocking", "--memory-bio", "--ex"):
        pair.play("--streams", 20, "--mix", drive, "--query", "chunks=2000", kind="h2_client", exchanges=20)
    pair.play("--streams", 6, "--query", "error=429", kind="h2_client", exchanges=6)
    pair.play("--streams", 6, "--stream", "--query", "die=6", kind="h2_client", whole=False, exchanges=6)


def play_ws_client(pair):
    """Turns have no body of their own to hash, so they are found by their ids."""
    for deflate in ("none", "takeover", "no-takeover"):
        for more in ((), ("--fragment", 30, "--body", "100KB"), ("--no-deflate",)):
            flags = ("--keep-alive", 4, *more, "--query", f"deflate={deflate}&fragment=50")
            run = live.run_client(pair.build, pair.server, *flags, kind="ws_client", check=False)
            entries = {entry["id"]: entry for entry in pair.server.exchanges(pair.seen)}
            pair.seen += len(entries)
            found = [f"{name} of {line['id']}" for line in run.lines for name in live.TOKENS + ("request_bytes", "response_bytes")
                     if line[name] != entries.get(line["id"], {}).get(name)]
            pair.checks += 1
            if run.status != 0 or len(run.lines) != 4 or len(entries) != 4 or found:
                pair.failures += 1
                print(f"FAIL ws_client {' '.join(map(str, flags))}: status {run.status}, {len(run.lines)} turns, differs: {found}")


def play_held(pair):
    """--hold and --die-mid-stream."""
    client = live.start_client(pair.build, pair.server, "--hold", "--keep-alive", 3, "--stream")
    client.wait_ready()
    client.go()
    held = client.finish()
    client = live.start_client(pair.build, pair.server, "--die-mid-stream", "--stream", "--query",
                               "gap_us=20000&chunks=500")
    client.wait_ready()
    client.kill()
    dead = client.finish()
    pair.checks += 2
    if held.status != 0 or len(held.lines) != 3:
        pair.failures += 1
        print(f"FAIL --hold: status {held.status}, {len(held.lines)} exchanges")
    if dead.status != -9 or len(dead.lines) != 1 or dead.lines[0]["whole"]:
        pair.failures += 1
        print(f"FAIL --die-mid-stream: status {dead.status}, {dead.lines}")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", required=True, help="CMake's build directory")
    build = parser.parse_args().build
    failures = 0
    for flags in ((), ("--ex",), ("--tls12",), ("--plain",)):
        with live.work_directory() as work:
            server = live.start_server(build, work, *flags)
            pair = Pair(build, server)
            if "--plain" in flags or "--tls12" in flags:
                for api in APIS:
                    pair.play("--api", api, "--stream", "--keep-alive", 3, exchanges=3)
            else:
                play_ssl_client(pair)
            if not flags:
                play_h2_client(pair)
                play_ws_client(pair)
                play_others(pair)
                play_held(pair)
            server.stop()
            print(f"llm_server {' '.join(flags) or '(TLS)'}: {pair.checks} runs, {pair.failures} failed")
            failures += pair.failures
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
