#!/bin/sh
# Installs what is needed to build and test llmsnoop from Debian's packages. Does nothing, quickly, where all is there.
#
#   sudo deploy/dev/install-dependencies.sh [--with-checks | --build-only] [--print]
#
# --with-checks adds what the static checks and the fuzzers need, --build-only leaves out what only tests need; --print lists
# the missing packages and installs nothing.
# Works as root, or as a user who may sudo. No service is started: Debian's prometheus package would start one.
#
# shellcheck disable=SC2086  # the package lists are meant to be split into words
set -eu

build='g++ cmake make ninja-build pkg-config clang llvm bpftool libbpf-dev libelf-dev zlib1g-dev libssl-dev libfmt-dev
    nlohmann-json3-dev libsimdjson-dev libyaml-cpp-dev libcli11-dev prometheus-cpp-dev libnghttp2-dev libbrotli-dev
    libcurl4-openssl-dev libsqlite3-dev libcivetweb-dev libzstd-dev libzydis-dev libzycore-dev libgtest-dev libgmock-dev
    libbenchmark-dev'
test='python3 python3-jsonschema python3-yaml python3-requests python3-httpx python3-h2 python3-aiohttp curl openssl prometheus wget libgnutls30 libcurl3-gnutls libnss3 golang-go'
# Either of two packages that exclude each other.
command -v busybox >/dev/null || test="$test busybox-static"
checks='clang-format clang-tidy libclang-rt-14-dev shellcheck zstd'

wanted="$build $test"
print=
for option in "$@"; do
    case $option in
        --with-checks) wanted="$wanted $checks" ;;
        --build-only) wanted=$build ;;
        --print) print=1 ;;
        *) echo "usage: $0 [--with-checks | --build-only] [--print]" >&2; exit 2 ;;
    esac
done

# One query for all: unknown names only make it say so on stderr.
installed=" $(dpkg-query -W -f '${Package}=${db:Status-Status} ' $wanted 2>/dev/null || true)"
missing=
for package in $wanted; do
    case "$installed" in
        *" $package=installed "*) ;;
        *) missing="$missing $package" ;;
    esac
done
[ -n "$missing" ] || exit 0
if [ -n "$print" ]; then
    printf '%s\n' $missing
    exit 0
fi

if [ "$(id -u)" -ne 0 ]; then
    command -v sudo >/dev/null || { echo "$0: missing:$missing; run this as root" >&2; exit 1; }
    exec sudo -- "$0" "$@"
fi

echo "Installing:$missing" >&2
export DEBIAN_FRONTEND=noninteractive

# invoke-rc.d and deb-systemd-invoke ask policy-rc.d whether a package may start its service: 101 says no. Whatever
# stood there before comes back at the end, however that comes.
policy=/usr/sbin/policy-rc.d
saved=
restore() {
    rm -f "$policy"
    [ -z "$saved" ] || mv "$saved" "$policy"
}
trap restore EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
if [ -e "$policy" ] || [ -L "$policy" ]; then
    saved=$policy.llmsnoop-saved
    mv "$policy" "$saved"
fi
printf '#!/bin/sh\nexit 101\n' >"$policy"
chmod 755 "$policy"

# The lists may be absent or stale on a fresh machine.
apt-get update -q -o DPkg::Lock::Timeout=300 || echo "$0: apt-get update failed; trying with the lists there are" >&2
apt-get install -y -q --no-install-recommends -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 $missing

# Not started now, and not at the next boot either: the package was not here before.
case " $missing " in
    *' prometheus '*)
        if command -v systemctl >/dev/null; then
            systemctl disable prometheus >/dev/null 2>&1 || true
        fi
        ;;
esac
