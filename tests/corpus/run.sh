#!/usr/bin/env bash
# Replays the recorded exchanges of CORPUS (its README tells what they are) in every mode and on every kind of network, and
# compares what the agent says with what the providers said.
#
#   tests/corpus/run.sh BUILD CORPUS [SEEDS]
#
# Then transports.py plays them by other transports. Each seed (5 by default) cuts and disturbs the segments in another way. Where segments are missing (lossy) nothing may be
# claimed complete: 100 %. Otherwise at least 99.6 % must be exact; README.md beside this file lists those that are not, and why.
# Exits 1 where that does not hold, and 77 (skipped) where the recordings or what is needed to play them are absent: they are
# third-party data and no part of this repository.
set -uo pipefail

if [ $# -lt 2 ] || [ $# -gt 3 ] || [ ! -x "$1/llmsnoop" ]; then
    echo "usage: $0 BUILD CORPUS [SEEDS]   (BUILD: where llmsnoop has been built)" >&2
    exit 2
fi
build=$1
corpus=$2
seeds=${3:-5}
python=/usr/bin/python3
if [ ! -f "$corpus/check.py" ] || ! compgen -G "$corpus/*.jsonl.gz" >/dev/null; then
    echo "SKIPPED: no recorded exchanges in $corpus (check.py and *.jsonl.gz), so NOTHING HAS BEEN REPLAYED" >&2
    exit 77
fi
modes="h1 h2"
skipped=
if ! "$python" -c 'import h2' 2>/dev/null; then
    echo "SKIPPED: HTTP/2, for want of Debian's python3-h2" >&2
    modes=h1
    skipped=1
fi

output=$(mktemp)
trap 'rm -f "$output"' EXIT
failed=0
for mode in $modes; do
    for net in clean rough lossy; do
        case $net in lossy) need=1 ;; *) need=0.996 ;; esac
        for seed in $(seq "$seeds"); do
            "$python" "$corpus/check.py" --bin "$build/llmsnoop" --mode "$mode" --net "$net" --seed "$seed" --need "$need" \
                "$corpus"/*.jsonl.gz >"$output" 2>&1
            code=$?
            printf '%s %-5s seed %s %s' "$mode" "$net" "$seed" "$(tail -n 1 "$output")"
            if [ "$code" -ne 0 ]; then
                failed=1
                printf '   FAILED: %s is needed' "$need"
            fi
            echo
        done
    done
done
if [ -z "$skipped" ]; then
    "$python" "$(dirname "$0")/transports.py" --bin "$build/llmsnoop" "$corpus"
    case $? in 0) ;; 77) skipped=1 ;; *) failed=1 ;; esac
fi
[ "$failed" -eq 0 ] || exit 1
[ -z "$skipped" ] || exit 77
