#!/usr/bin/env python3
"""Plays recorded exchanges by other transports than the corpus' own check.py does, and compares as that does.

    transports.py --bin BUILD/llmsnoop CORPUS_FOLDER [--only NAME]... [--seed N] [--need SHARE] [--show N]

A transport plays every exchange. `bursts-*` play six on a connection of which some segments in a row are missing, in one direction
or in both. There a record that is called complete must be that of an exchange which lost nothing (no segment of more than the two
bytes that end a chunk's line, which say nothing), and each such exchange has one record at most.
Exits 1 if a transport has fewer exact than --need, or a burst a record that says too much; 77 where the recordings are absent, or
a program that codes bodies.
"""
import argparse, collections, glob, importlib.util, ipaddress, json, os, random, shutil, subprocess, sys, tempfile

import flows

ON_ONE_CONNECTION = 6
BATCH = 300
NEEDS = {"br": "node", "zstd": "zstd", "request-zstd": "zstd"}


def load_check(folder):
    path = os.path.join(folder, "check.py")
    if not os.path.exists(path) or not glob.glob(os.path.join(folder, "*.jsonl.gz")):
        print(f"SKIPPED: no recorded exchanges in {folder}, so NOTHING HAS BEEN REPLAYED", file=sys.stderr)
        sys.exit(77)
    sys.dont_write_bytecode = True
    spec = importlib.util.spec_from_file_location("check", path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Player:
    def __init__(self, opt, check):
        self.opt, self.check = opt, check
        files = sorted(glob.glob(os.path.join(opt.corpus, "*.jsonl.gz")))
        records = [record for record in check.load(files) if record.get("quality") != "concatenated"]
        self.websockets = [record for record in records if check.is_ws(record)]
        self.http = [record for record in records if not check.is_ws(record)]
        self.small = [record for record in self.http
                      if len(check.body_of(record["request"])) + len(check.body_of(record["response"])) < 20_000]

    def rng(self, *what):
        return random.Random("/".join(map(str, (self.opt.seed,) + what)))

    def groups(self, records, size, name):
        shuffled = records[:]
        self.rng(name).shuffle(shuffled)
        return [shuffled[at:at + size] for at in range(0, len(shuffled), size)]

    # ------------------------------------------------------------------------------------------------ transports
    def each(self, name, **how):
        return [(flows.http1(self.check, record, self.rng(name, at), **how), [record]) for at, record in enumerate(self.http)]

    def in_brotli(self):
        """All in one go: a process for each body would take minutes."""
        check, plain = self.check, []
        for record in self.http:
            fields = check.headers_of(record["response"], record["response"].get("body_state") == "decoded")
            if check.body_of(record["response"]) and flows.coding_of(fields) == "identity":
                plain.append(record)
        bodies = flows.brotli([check.body_of(record["response"]) for record in plain])
        ready = {id(record): body for record, body in zip(plain, bodies)}
        out = []
        for at, record in enumerate(self.http):
            played = record
            if id(record) in ready:
                response = dict(record["response"], body_state="plain", body_utf8=None)
                response["body_base64"] = flows.base64.b64encode(ready[id(record)]).decode()
                response["headers"] = {name: value for name, value in (response.get("headers") or {}).items()
                                       if name.lower() != "content-encoding"} | {"content-encoding": "br"}
                played = dict(record, response=response)
            out.append((flows.http1(check, played, self.rng("br", at)), [record]))
        return out

    def bytewise(self):
        return [([(who, bytes([byte]), index) for who, data, index in flow for byte in data], records)
                for (flow, records), small in zip(self.each("bytewise"), self.http)
                if len(self.check.body_of(small["request"])) + len(self.check.body_of(small["response"])) < 3000]

    def shared(self, name, join, **how):
        out = []
        for at, group in enumerate(self.groups(self.http, ON_ONE_CONNECTION, name)):
            parts = [flows.http1(self.check, record, self.rng(name, at, i), i, **how) for i, record in enumerate(group)]
            out.append((join(parts), group))
        return out

    def http2(self):
        return [(flows.Http2(self.check, self.rng("http2", at)).play(group), group)
                for at, group in enumerate(self.groups(self.http, 2 * ON_ONE_CONNECTION, "http2"))]

    def websocket(self, name, takeover):
        return [(flows.websocket(self.check, record, self.rng(name, at), takeover=takeover), [record])
                for at, record in enumerate(self.websockets)]

    def transports(self):
        def in_turn(parts):
            return [item for part in parts for item in part]

        out = {name: lambda name=name: self.each(name, response_coding=name)
               for name in ("gzip", "gzip-members", "deflate", "raw-deflate", "zstd")}
        out |= {
            "br": self.in_brotli,
            "request-gzip": lambda: self.each("request-gzip", request_coding="gzip"),
            "request-zstd": lambda: self.each("request-zstd", request_coding="zstd"),
            "request-chunked": lambda: self.each("request-chunked", chunked_request=True, proxied=True),
            "100-continue": lambda: self.each("100-continue", expect=True),
            "until-close": lambda: self.each("until-close", until_close=True),
            "http/1.0": lambda: self.each("http/1.0", until_close=True, version="1.0"),
            "trailers": lambda: self.each("trailers", trailers=True),
            "bytewise": self.bytewise,
            "keep-alive": lambda: self.shared("keep-alive", in_turn),
            "pipelined": lambda: self.shared("pipelined", flows.pipelined),
            "http/2-streams": self.http2,
            "websocket-deflate": lambda: self.websocket("websocket-deflate", True),
            "websocket-fresh": lambda: self.websocket("websocket-fresh", False),
        }
        return out

    def bursts(self, name):
        for at, group in enumerate(self.groups(self.small, ON_ONE_CONNECTION, name)):
            rng = self.rng(name, at)
            if name == "bursts-http/2":
                yield flows.Http2(self.check, rng, extras=False).play(group), group
                continue
            flow = []
            for i, record in enumerate(group):
                how = dict(expect=rng.random() < 0.1, trailers=rng.random() < 0.1, response_coding=rng.choice([None, None, "gzip"]))
                flow += flows.http1(self.check, record, rng, i, **how)
            yield flow, group

    # ------------------------------------------------------------------------------------------------ playing
    def replay(self, groups, write):
        """Yields for each group its records as the agent tells them, and what `write` returned."""
        check = self.check
        for start in range(0, len(groups), BATCH):
            part, notes = groups[start:start + BATCH], []
            with tempfile.NamedTemporaryFile(suffix=".pcap") as file:
                out = check.Pcap(file.name)
                for at, (flow, _) in enumerate(part):
                    server = ipaddress.ip_address(0x0A000000 + at + 1)
                    notes.append(write(out, flow, ipaddress.ip_address(0xC0A80000 + at + 1), server, 20000 + at, start + at))
                out.file.close()
                run = subprocess.run([self.opt.bin, "replay", "--json", file.name], capture_output=True, check=True)
            told = collections.defaultdict(list)
            for line in run.stdout.splitlines():
                row = json.loads(line)
                told[check.dig(row, "net.peer.address")].append(row)
            for at, (_, group) in enumerate(part):
                rows = told.get(str(ipaddress.ip_address(0x0A000000 + at + 1)), [])
                rows.sort(key=lambda row: row["time"])  # when the request began
                yield group, rows, notes[at]

    def wrong(self, record, row):
        return [(aspect, detail) for aspect, ok, detail in self.check.compare(record, [row] if row else []) if not ok]

    def judge(self, group, rows):
        """(record, what is wrong) of each exchange."""
        if len(group) == 1 and self.check.is_ws(group[0]):
            yield group[0], [(aspect, detail) for aspect, ok, detail in self.check.compare(group[0], rows) if not ok]
            return
        calls = [record for record in group if record["dialect"] != "none"]
        for record in group:
            if record["dialect"] == "none":
                yield record, []
        if len(rows) != len(calls):
            for record in calls or group[:1]:
                yield record, [("records", f"{len(rows)} for {len(calls)} calls")]
            return
        for record, row in zip(calls, rows):
            yield record, self.wrong(record, row)

    def play(self, name, make):
        counts, shown = collections.Counter(), 0

        def write(out, flow, client, server, port, at):
            out.connection([(who, data) for who, data, _ in flow], client, server, port, 8080, "clean", self.rng(name, at))

        for group, rows, _ in self.replay(make(), write):
            for record, bad in self.judge(group, rows):
                counts["n"] += 1
                counts["exact"] += not bad
                if bad and shown < self.opt.show:
                    shown += 1
                    print(f"-- {name} {record['dialect']} {record['source']}\n   " + "\n   ".join(f"{a}: {d}" for a, d in bad))
        share = counts["exact"] / max(1, counts["n"])
        # Of a handful of WebSockets one is more than the share.
        good = share >= self.opt.need or counts["n"] - counts["exact"] <= 3
        print(f"{name:18} {counts['n']:6}{counts['exact']:7}  {100 * share:.2f} % exact{'' if good else '   FAILED'}", flush=True)
        return good

    def play_burst(self, name):
        counts, shown = collections.Counter(), 0

        def write(out, flow, client, server, port, at):
            return write_with_holes(out, flow, client, server, port, self.rng(name, at, "holes"))

        for group, rows, lost in self.replay(list(self.bursts(name)), write):
            whole = [record for at, record in enumerate(group) if at not in lost and record["dialect"] != "none"]
            counts["whole"] += len(whole)
            for row in rows:
                if row["completeness"] != "complete":
                    continue
                counts["complete"] += 1
                # Where the recording itself is disputed (README.md) one aspect may differ.
                match = next((record for record in whole if len({a for a, _ in self.wrong(record, row)} - {"tool calls"}) == 0), None)
                if match:
                    whole.remove(match)
                    continue
                counts["wrong"] += 1
                if shown < self.opt.show:
                    shown += 1
                    print(f"-- {name} claimed complete: {json.dumps(row['llm'])[:200]}, lost of {sorted(lost)}")
        good = counts["wrong"] == 0 and counts["complete"] > 0
        print(f"{name:18} {counts['whole']:6}{counts['complete']:7}  complete, of those wrong: {counts['wrong']}"
              f"{'' if good else '   FAILED'}", flush=True)
        return good


def write_with_holes(out, flow, client, server, port, rng):
    """Writes the connection but for one or two bursts of segments; returns the exchanges that have lost bytes."""
    ends = {"c": (client, server, port, 8080), "s": (server, client, 8080, port)}
    other, start = {"c": "s", "s": "c"}, {"c": 1000, "s": 5000}
    out.packet(*ends["c"], start["c"], 0, 0x02)
    out.packet(*ends["s"], start["s"], start["c"] + 1, 0x12)
    place = {who: at + 1 for who, at in start.items()}
    segments = []
    for who, data, index in flow:
        at = 0
        while at < len(data):
            size = rng.choice([1460, 536, 97, 10])
            segments.append((who, place[who] + at, data[at:at + size], index))
            at += size
        place[who] += len(data)
    only, holes = rng.choice(["cs", "cs", "c", "s"]), set()
    for _ in range(rng.choice([1, 1, 2])):
        first = rng.randrange(len(segments))
        holes |= {at for at in range(first, min(len(segments), first + rng.choice([1, 2, 3, 5, 10, 30])))
                  if segments[at][0] in only and len(segments[at][2]) > 2}
    reached, lost = {who: at + 1 for who, at in start.items()}, set()
    for at, (who, sequence, data, index) in enumerate(segments):
        reached[who] = sequence + len(data)
        if at in holes:
            lost.add(index)
        else:
            out.packet(*ends[who], sequence, reached[other[who]], 0x18, data)
    out.packet(*ends["c"], place["c"], place["s"], 0x11)
    out.packet(*ends["s"], place["s"], place["c"] + 1, 0x11)
    return lost - {None}


def main():
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("corpus"), arg.add_argument("--bin", required=True), arg.add_argument("--only", action="append")
    arg.add_argument("--seed", type=int, default=1), arg.add_argument("--need", type=float, default=0.996)
    arg.add_argument("--show", type=int, default=0)
    opt = arg.parse_args()
    player = Player(opt, load_check(opt.corpus))
    missing = [program for program in ("node", "zstd") if not shutil.which(program)]
    good = True
    for name, make in player.transports().items():
        if opt.only and name not in opt.only:
            continue
        if NEEDS.get(name) in missing:
            print(f"{name:18} SKIPPED, for want of {NEEDS[name]}", flush=True)
        else:
            good &= player.play(name, make)
    for name in ("bursts-http/1.1", "bursts-http/2"):
        if not opt.only or name in opt.only:
            good &= player.play_burst(name)
    return 1 if not good else 77 if missing else 0


if __name__ == "__main__":
    sys.exit(main())
