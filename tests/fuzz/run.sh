#!/usr/bin/env bash
# Runs every fuzz target of a build and prints a table.
#
#   tests/fuzz/run.sh [--keep] [--only NAME]... BUILD SECONDS [JOBS]
#
# BUILD is a folder configured with the preset `fuzz`. Each target runs for SECONDS, JOBS of them (1) at a time, on a copy of
# its seeds tests/fuzz/corpus/NAME/. What it finds, and its log, go to BUILD/fuzz-findings/TIME/NAME/. The checkout is not
# written to, but with --keep: then the new inputs that reach new code are minimised (a merge) and added to the seeds, the
# smallest first, as far as KEEP_FILE_BYTES for one and KEEP_FOLDER_BYTES for all of a target allow.
# --only NAME (http1, sse ...) may be given more than once. FUZZ_OPTIONS are passed on to every target.
#
# Exits 1 if any target found something, 2 on wrong usage, 130 when interrupted.
set -uo pipefail

readonly INPUT_SECONDS=25  # for one input, several of them beside each other and with sanitizers
readonly RSS_MB=1024       # of a target; the agent's own limits are far below
readonly LEAST_LENGTH=4096 MOST_LENGTH=65536
readonly KEEP_FILE_BYTES=4096 KEEP_FOLDER_BYTES=131072

usage() {
    echo "usage: $0 [--keep] [--only NAME]... BUILD SECONDS [JOBS]" >&2
    exit 2
}

keep=
only=()
while [ $# -gt 0 ]; do
    case $1 in
        --keep) keep=1 ;;
        --only) only+=("${2?NAME}"); shift ;;
        -*) usage ;;
        *) break ;;
    esac
    shift
done
if [ $# -lt 2 ] || [ ! -d "$1" ] || ! [ "$2" -gt 0 ] 2>/dev/null; then usage; fi
build=$(cd "$1" && pwd)
seconds=$2
jobs=${3:-1}
seeds=$(cd "$(dirname "$0")" && pwd)/corpus
findings=$build/fuzz-findings/$(date -u +%Y%m%dT%H%M%SZ)
scratch=$(mktemp -d)

# shellcheck disable=SC2317  # called by the traps
end() {
    trap - EXIT INT TERM
    cat "$scratch"/*/pid 2>/dev/null | xargs -r kill 2>/dev/null
    wait
    rm -rf "$scratch"
    exit "$1"
}
trap 'end 130' INT TERM
trap 'end $?' EXIT

targets=()
for program in "$build"/tests/fuzz/*_fuzz; do
    name=$(basename "$program" _fuzz)
    [ -x "$program" ] || continue
    if [ ${#only[@]} -eq 0 ] || printf '%s\n' "${only[@]}" | grep -qx "$name"; then targets+=("$name"); fi
done
if [ ${#targets[@]} -eq 0 ]; then
    echo "$0: no fuzz target in $build/tests/fuzz; build them with: cmake --preset fuzz && cmake --build --preset fuzz" >&2
    exit 2
fi

# Twice the largest seed, within bounds: an input must be able to grow, and the longer ones are the slower ones.
length_limit() {
    local largest
    largest=$(find "$seeds/$1" -type f -printf '%s\n' 2>/dev/null | sort -n | tail -n 1)
    local wanted=$((2 * ${largest:-0}))
    [ "$wanted" -ge $LEAST_LENGTH ] || wanted=$LEAST_LENGTH
    [ "$wanted" -le $MOST_LENGTH ] || wanted=$MOST_LENGTH
    echo "$wanted"
}

run_target() {
    local name=$1 work=$scratch/$1
    mkdir -p "$work/corpus" "$findings/$name"
    [ ! -d "$seeds/$name" ] || cp "$seeds/$name"/* "$work/corpus/"
    cd "$work" || return
    # shellcheck disable=SC2086  # a list of options
    "$build/tests/fuzz/${name}_fuzz" -max_total_time="$seconds" -timeout=$INPUT_SECONDS \
        -rss_limit_mb=$RSS_MB -max_len="$(length_limit "$name")" -artifact_prefix="$findings/$name/" -print_final_stats=1 \
        -reload=0 ${FUZZ_OPTIONS-} corpus >"$work/log" 2>&1 &
    echo $! >"$work/pid"
    wait $!
    echo $? >"$work/code"
    rm "$work/pid"
    cp "$work/log" "$findings/$name/log"
}

# What libFuzzer's exit codes and artifacts say.
result_of() {
    case $1 in
        0) if compgen -G "$findings/$2/slow-unit-*" >/dev/null; then echo "SLOW INPUT"; else echo ok; fi ;;
        70) echo TIMEOUT ;;
        71) echo "OUT OF MEMORY" ;;
        *) echo "FOUND (exit $1)" ;;
    esac
}

stat_of() { sed -n "s/^stat::$2: *//p" "$scratch/$1/log" | tail -n 1; }
coverage_of() { grep -oE 'cov: [0-9]+' "$scratch/$1/log" | tail -n 1 | tr -dc 0-9; }
row() { printf '%-22s %12s %9s %9s %9s  %s\n' "$@"; }

report() {
    local name=$1 code result
    code=$(cat "$scratch/$name/code")
    result=$(result_of "$code" "$name")
    [ -d "$seeds/$name" ] || result="$result (no seeds)"
    row "$name" "$(stat_of "$name" number_of_executed_units)" "$(stat_of "$name" average_exec_per_sec)" \
        "$(coverage_of "$name")" "$(stat_of "$name" peak_rss_mb)" "$result"
    case $result in ok*) return 0 ;; esac
    grep -aE '^violated:|ERROR: |runtime error:|^SUMMARY:|Test unit written|^slowest_unit' "$scratch/$name/log" | head -n 6 |
        sed 's/^/    /'
    return 1
}

# Inputs that reach code which the seeds do not. Edges alone decide: how often each was passed would keep hundreds.
keep_new() {
    local name=$1 work=$scratch/$1 file size room kept=0
    mkdir -p "$seeds/$name" "$work/merged"
    cp "$seeds/$name"/* "$work/merged/" 2>/dev/null
    (cd "$work" && "$build/tests/fuzz/${name}_fuzz" -set_cover_merge=1 -use_counters=0 -max_len=$KEEP_FILE_BYTES \
        -timeout=$INPUT_SECONDS -rss_limit_mb=$RSS_MB merged corpus) >"$work/merge.log" 2>&1 ||
        { echo "    $name: merging failed"; tail -n 3 "$work/merge.log"; return 1; }
    room=$((KEEP_FOLDER_BYTES - $(find "$seeds/$name" -type f -printf '%s\n' | awk '{ sum += $1 } END { print sum + 0 }')))
    while read -r size file; do
        [ ! -e "$seeds/$name/$file" ] || continue
        room=$((room - size))
        [ $room -ge 0 ] || break
        cp "$work/merged/$file" "$seeds/$name/$file"
        kept=$((kept + 1))
    done < <(find "$work/merged" -type f -printf '%s %f\n' | sort -n)
    echo "    kept $kept new inputs in $seeds/$name"
}

echo "${#targets[@]} targets, ${seconds} s each, $jobs at a time; findings go to $findings"
row target executions exec/s coverage "rss MB" result

failed=0
declare -A running=()
# Waits for any target to end, and reports it.
reap() {
    local pid name
    wait -n -p pid
    name=${running[$pid]}
    unset "running[$pid]"
    report "$name" || failed=1
    [ -z "$keep" ] || keep_new "$name" || failed=1
}
for name in "${targets[@]}"; do
    [ ${#running[@]} -lt "$jobs" ] || reap
    run_target "$name" &
    running[$!]=$name
done
while [ ${#running[@]} -gt 0 ]; do reap; done
[ "$failed" -eq 0 ] || echo "Findings: a target run with a file of its findings folder as its argument shows one again."
exit "$failed"
