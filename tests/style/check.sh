#!/usr/bin/env bash
# What `make check` runs: formatting, the floors' includes, shell and Python scripts, and clang-tidy with warnings as errors.
#
#   tests/style/check.sh [--since COMMIT] BUILD [JOBS]
#
# BUILD is a configured build folder (Ninja); only the generated headers are built in it. clang-tidy needs five to ten
# seconds for a file: --since looks only at sources that differ from COMMIT or include a header that does.
# Exits 1 if anything is found, 2 on wrong usage. A tool that is missing is named, and is an error unless it is shellcheck.
#
# shellcheck disable=SC2317  # the functions are called through check()
set -uo pipefail

since=
if [ "${1-}" = --since ]; then
    since=${2?COMMIT}
    shift 2
fi
if [ $# -lt 1 ] || [ ! -f "$1/build.ninja" ]; then
    echo "usage: $0 [--since COMMIT] BUILD [JOBS]   (BUILD: a folder configured with Ninja)" >&2
    exit 2
fi
build=$(cd "$1" && pwd)
jobs=${2:-$(nproc)}
cd "$(dirname "$0")/../.." || exit 2
root=$PWD
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

summary=()
failed=0
# One check: its name, then the command. Its output is shown only where it fails.
check() {
    local name=$1
    shift
    echo "---- $name"
    if "$@" >"$scratch/output" 2>&1; then
        summary+=("ok       $name$(note)")
    else
        failed=1
        summary+=("FAILED   $name$(note)")
        cat "$scratch/output"
    fi
}
note() {
    [ ! -s "$scratch/note" ] || printf ' (%s)' "$(cat "$scratch/note")"
    rm -f "$scratch/note"
}
missing() {
    echo "MISSING: $1 is not installed (make deps-checks), so $2 is not checked" >&2
    summary+=("MISSING  $2: no $1")
}

# Tracked and new files alike, so that a finding comes before the commit and not after.
files() {
    git ls-files --cached --others --exclude-standard -- "$@" | while IFS= read -r file; do
        [ ! -f "$file" ] || [ "${file#vmlinux/}" != "$file" ] || printf '%s\n' "$file"
    done
}
# Those whose first line names an interpreter that matches.
scripts_of() {
    # shellcheck disable=SC2016  # $0 is awk's
    files | xargs -d '\n' awk -v wanted="^#!.*[/ ]($1)( |\$)" 'FNR == 1 { if ($0 ~ wanted) print FILENAME; nextfile }'
}

format() {
    files '*.h' '*.c' '*.cpp' >"$scratch/sources"
    echo "$(wc -l <"$scratch/sources") files" >"$scratch/note"
    xargs -d '\n' -n 40 -P "$jobs" clang-format --dry-run -Werror --ferror-limit=3 <"$scratch/sources"
}

layers() { python3 tests/layering/check_layers.py "$root"; }

python_scripts() {
    { files '*.py'; scripts_of 'python3?'; } | sort -u >"$scratch/python"
    echo "$(wc -l <"$scratch/python") files" >"$scratch/note"
    PYTHONPYCACHEPREFIX=$scratch/pycache xargs -d '\n' python3 -m py_compile <"$scratch/python"
}

# -x: what a script reads in with `.` is looked at with it.
shell_scripts() {
    { files '*.sh'; scripts_of 'sh|bash'; } | sort -u >"$scratch/shell"
    echo "$(wc -l <"$scratch/shell") files" >"$scratch/note"
    xargs -d '\n' shellcheck -x <"$scratch/shell"
}

tidy_one() {
    # Flags that only GCC knows stand in its compile database.
    local out
    if ! out=$(clang-tidy -p "$build" --quiet --extra-arg=-Wno-unknown-warning-option "$1" 2>&1); then
        printf '%s\n' "$out" | grep -vE '^[0-9]+ warnings?( and [0-9]+ errors?)? generated|^Suppressed |^Use -header-filter'
        return 1
    fi
}
export -f tidy_one
export build

tidy() {
    local generated=(bpf_skeleton exporters/filter/record_schema_text.h exporters/api/openapi_text.h
        exporters/store/clickhouse_sql_text.h)
    [ ! -d "$build/tests/bench/floor" ] || generated+=(tests/bench/floor/floor.skel.h)
    cmake --build "$build" --target "${generated[@]}" >"$scratch/generated" 2>&1 ||
        { cat "$scratch/generated"; return 1; }
    tests/style/tidy_sources.py "$build/compile_commands.json" "$root" "$since" >"$scratch/tidy" || return 1
    echo "$(wc -l <"$scratch/tidy") files" >"$scratch/note"
    # A finding in a header comes once for every source that includes it.
    # shellcheck disable=SC2016  # $0 is for the inner shell
    xargs -d '\n' -r -n 1 -P "$jobs" bash -c 'tidy_one "$0"' <"$scratch/tidy" | awk '!/: error: / || !seen[$0]++'
}

check "layers" layers
check "python scripts" python_scripts
if command -v shellcheck >/dev/null; then check "shell scripts" shell_scripts; else missing shellcheck "shell scripts"; fi
if command -v clang-format >/dev/null; then check "format" format; else missing clang-format format; failed=1; fi
if command -v clang-tidy >/dev/null; then check "clang-tidy" tidy; else missing clang-tidy clang-tidy; failed=1; fi

echo "---- summary"
printf '%s\n' "${summary[@]}"
exit "$failed"
