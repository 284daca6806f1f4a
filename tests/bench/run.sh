#!/bin/sh
# Runs every benchmark of a build: first bytes/s of each stage beside its floor, then, as root, what watching costs, in rounds.
#
#   tests/bench/run.sh BUILD [ROUNDS]     (5)
set -eu
build=${1:?usage: tests/bench/run.sh BUILD [ROUNDS]}
rounds=${2:-5}
here=$(dirname "$0")

for bench in "$build"/tests/bench/*_bench; do
    printf '\n== %s\n' "$(basename "$bench")"
    "$bench" --benchmark_min_time=0.2 2>/dev/null
done

printf '\n== the cost of being watched, beside the floor\n'
if [ "$(id -u)" -eq 0 ]; then
    LLMSNOOP=$build/llmsnoop exec /usr/bin/python3 "$here/rounds.py" --build "$build" --rounds "$rounds" \
        --agent "$here/watch.py {libssl} {pid}" --agent-ready READY
fi
echo "NOT RUN: attaching needs root. sudo make bench"
exit 1
