#!/usr/bin/python3
"""Reads the #include lines of the tree and compares them with the table of floors: a stage includes agent/base, agent/model
and its own folder, and what its row below adds; nobody else names libbpf or knows every stage.

    tests/layering/check_layers.py [ROOT]     exits 1 and lists what does not fit
"""
import pathlib
import re
import sys

# folder -> folders of this project that it may include, besides itself. The longest matching folder decides.
COMMON = ["agent/base", "agent/model"]
STAGES = ["agent/stream", "agent/http", "agent/framing", "agent/llm", "agent/tokens", "agent/attribution", "agent/policy",
          "agent/blind"]
SINKS = ["exporters/prometheus", "exporters/audit", "exporters/stream", "exporters/store"]
TABLE = {
    "bpf": ["bpf", "tests/bpf_native"],  # the native build of the helper headers swaps in a stub of the kernel
    "agent/base": [],
    "agent/model": ["agent/base"],
    "agent/capture": COMMON + ["bpf/shared"],
    "agent/capture/live": COMMON + ["agent/capture", "agent/capture/live/stripped", "bpf/shared"],
    "agent/capture/live/stripped": COMMON,
    **{stage: COMMON for stage in STAGES},
    "agent/attribution/kubernetes": COMMON + ["agent/attribution"],
    "agent/attribution/containers": COMMON + ["agent/attribution"],
    "agent/pipeline": COMMON + STAGES + ["agent/capture", "exporters"] + SINKS,
    "exporters": COMMON,
    **{sink: COMMON + ["exporters"] for sink in SINKS},
    "exporters/api": COMMON + ["exporters", "exporters/store"],
    "agent/app": COMMON + STAGES + ["agent/attribution/kubernetes", "agent/attribution/containers", "agent/capture", "agent/capture/live", "agent/pipeline", "exporters",
                                    "exporters/api"] + SINKS,
}
# Outside headers that only one folder may name.
HOLDERS = {
    "bpf/": ["agent/capture/live", "bpf", "tests"],
    "llmsnoop.skel.h": ["agent/capture/live", "tests"],
    "nghttp2/": ["agent/http", "tests"],
    "simdjson": ["agent/llm", "exporters/store", "tests"],
    "prometheus/": ["exporters/prometheus", "tests"],
    "civetweb.h": ["exporters/web"],
    "sqlite3.h": ["exporters/store"],
    "curl/": ["agent/attribution/kubernetes", "agent/attribution/containers", "exporters/store"],
    "CLI/": ["agent/app"],
    "yaml-cpp/": ["agent/app", "agent/tokens"],
}
# Made by the build.
GENERATED = {"llmsnoop.skel.h", "vmlinux.h", "exporters/filter/record_schema_text.h",
             "exporters/api/openapi_text.h", "exporters/store/clickhouse_sql_text.h"}
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)


def row_of(folder):
    """The table's row for a folder: its own or that of the nearest folder above."""
    while folder and folder not in TABLE:
        folder = folder.rpartition("/")[0]
    return folder


def check(root):
    problems = []
    files = [p for top in ("agent", "exporters", "bpf") for p in (root / top).rglob("*") if p.suffix in (".h", ".cpp", ".c")]
    for path in sorted(files):
        name = path.relative_to(root).as_posix()
        home = row_of(name.rpartition("/")[0])
        for quote, target in INCLUDE.findall(path.read_text(encoding="utf-8")):
            for prefix, holders in HOLDERS.items():
                ours = quote == '"' and (root / target).exists()
                if target.startswith(prefix) and not ours and not any(name.startswith(h + "/") for h in holders):
                    problems.append(f"{name}: <{target}> belongs to {', '.join(holders[:1])}")
            if quote == '"' and "/" in target and (root / target).exists():
                goal = row_of(target.rpartition("/")[0])
                if goal != home and goal not in TABLE[home] and target.rpartition("/")[0] not in TABLE[home]:
                    problems.append(f"{name}: may not include {target}")
            elif quote == '"' and target not in GENERATED:
                problems.append(f'{name}: "{target}" is not written from the root')
    return len(files), problems


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".").resolve()
    count, problems = check(root)
    for problem in problems:
        print(problem)
    if count < 50:
        print(f"only {count} files found below {root}: is this the checkout?")
        return 1
    print(f"{count} files, {len(problems)} includes that do not fit the floors")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
