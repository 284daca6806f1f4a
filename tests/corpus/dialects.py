#!/usr/bin/python3
"""Drive the dialects alone over recorded exchanges and compare with what the provider said.

    dialects.py --bin BUILD/tests/support/dialect_replay [CORPUS/dev.jsonl.gz] [--dialect D] [--show N] [--text] [--heads-lost]

The corpus is third-party data that is not part of the project (shared/corpus beside the checkout, or $LLMSNOOP_CORPUS); where it
is absent the comparison is skipped with exit code 77. The comparison itself is that of the corpus' own check.py.
--text also compares the text of the answer. --heads-lost hides both heads: then only tokens are compared.
"""
import argparse, collections, gzip, importlib.util, json, os, subprocess, sys, tempfile


def load(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", errors="surrogatepass") as lines:
        return [json.loads(line) for line in lines if line.strip()]


def joined(call):
    return "".join(call.get("text") or [])


def main():
    here = os.path.dirname(os.path.abspath(__file__))
    folder = os.environ.get("LLMSNOOP_CORPUS") or os.path.normpath(os.path.join(here, "../../../shared/corpus"))
    arg = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arg.add_argument("corpus", nargs="?", default=os.path.join(folder, "dev.jsonl.gz"))
    arg.add_argument("--bin", required=True)
    arg.add_argument("--dialect")
    arg.add_argument("--show", type=int, default=0)
    arg.add_argument("--text", action="store_true")
    arg.add_argument("--heads-lost", action="store_true")
    arg.add_argument("--no-fast-path", action="store_true")
    arg.add_argument("--need", type=float)
    arg.add_argument("--dump", help="write the calls as JSON lines here")
    opt = arg.parse_args()
    checker = os.path.join(folder, "check.py")
    if not os.path.exists(opt.corpus) or not os.path.exists(checker):
        print("skipped: no recorded exchanges beside the checkout")
        return 77
    spec = importlib.util.spec_from_file_location("check", checker)
    check = importlib.util.module_from_spec(spec)
    sys.dont_write_bytecode = True
    spec.loader.exec_module(check)

    records = [r for r in load(opt.corpus) if r.get("quality") != "concatenated" and opt.dialect in (None, r["dialect"])]
    with tempfile.TemporaryFile("w+b") as lines:
        for record in records:
            plain = {"request": record["request"], "response": record["response"], "fidelity": record.get("fidelity")}
            lines.write(json.dumps(plain).encode() + b"\n")
        lines.seek(0)
        command = [opt.bin] + ["--heads-lost"] * opt.heads_lost + ["--no-fast-path"] * opt.no_fast_path
        run = subprocess.run(command, stdin=lines, stdout=subprocess.PIPE)
    if run.returncode != 0:
        print(f"{opt.bin} ended with {run.returncode}")
        return 2
    results = [json.loads(line) for line in run.stdout.splitlines()]
    if opt.dump:
        with open(opt.dump, "w") as out:
            for record, result in zip(records, results):
                out.write(json.dumps({"source": record["source"], "dialect": record["dialect"], **result}) + "\n")

    table, shown, losses = collections.defaultdict(collections.Counter), 0, collections.Counter()
    for record, result in zip(records, results):
        calls, dialect = result["calls"], record["dialect"]
        losses.update(result["losses"])
        if dialect == "none":
            bad = [("false positive", calls[0]["llm"]["dialect"])] if calls else []
        else:
            bad = [(aspect, detail) for aspect, ok, detail in check.compare(record, calls) if not ok]
            if opt.heads_lost:
                bad = [b for b in bad if b[0] in ("tokens", "no invented usage")]
            if opt.text and calls and record["expected"].get("text") and not check.is_ws(record):
                want, got = record["expected"]["text"], joined(calls[0])
                if want != got and want != (calls[0].get("text") or [""])[0]:
                    bad.append(("text", f"{got[:200]!r} want {want[:200]!r}"))
        count = table[dialect]
        count["n"] += 1
        count["exact"] += not bad
        count["seen"] += bool(calls)
        for aspect in {a for a, _ in bad}:
            count[aspect] += 1
        if bad and shown < opt.show:
            shown += 1
            print(f"-- {dialect} {record['source']} {record['request']['url'][:150]}\n   " + "\n   ".join(f"{a}: {d}" for a, d in bad))
    aspects = sorted({a for c in table.values() for a in c} - {"n", "exact", "seen"})
    total = collections.Counter()
    for dialect, count in sorted(table.items(), key=lambda kv: -kv[1]["n"]):
        total.update(count)
        print(f"{dialect:30}{count['n']:6}{count['seen']:6}{count['exact']:6}  " + ", ".join(f"{a} {count[a]}" for a in aspects if count[a]))
    share = total["exact"] / max(1, total["n"])
    print(f"{'all':30}{total['n']:6}{total['seen']:6}{total['exact']:6}  {100 * share:.2f} % exact; losses {dict(losses)}")
    return 1 if opt.need is not None and share < opt.need else 0


if __name__ == "__main__":
    sys.exit(main())
