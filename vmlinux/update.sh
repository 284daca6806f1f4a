#!/usr/bin/env bash
# Regenerates vmlinux/ARCH/vmlinux.h from the BTF of a Debian distribution kernel, so that the header does not depend
# on the kernel of the machine it was made on. CO-RE relocates every field at load time, so one header serves them all.
#
#     vmlinux/update.sh [PACKAGE] [ARCH]
#
# PACKAGE defaults to the newest linux-image-6.1.*-cloud-amd64 (Debian 12) that apt knows. Needs apt, dpkg, bpftool, and
# the decompressor of the kernel image (lz4, xz, zstd or gzip). Downloads the package into a temporary folder; installs nothing.
set -euo pipefail

here=$(cd "$(dirname "$0")" && pwd)
arch=${2:-x86_64}
package=${1:-$(apt-cache search --names-only '^linux-image-6\.1\..*-cloud-amd64$' | awk '{print $1}' | sort -V | tail -n 1)}
[ -n "$package" ] || { echo "update.sh: apt knows no linux-image-6.1.*-cloud-amd64; name a package" >&2; exit 1; }
bpftool=$(command -v bpftool || echo /usr/sbin/bpftool)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

(cd "$work" && apt-get download "$package" >&2)
dpkg -x "$work"/*.deb "$work/tree"
image=$(find "$work/tree" -name 'vmlinuz*' -type f | head -n 1)
[ -n "$image" ] || { echo "update.sh: $package holds no vmlinuz" >&2; exit 1; }

# A bzImage is a small boot stub with the compressed ELF kernel behind it: try every place where a magic number stands.
unpack() {
    local magic=$1 offset
    shift
    for offset in $(LC_ALL=C grep -abo -P "$magic" "$image" | cut -d: -f1 | head -n 20); do
        tail -c "+$((offset + 1))" "$image" | "$@" > "$work/vmlinux" 2>/dev/null || true
        [ "$(head -c 4 "$work/vmlinux" | od -An -tx1 | tr -d ' ')" = 7f454c46 ] && return 0
    done
    return 1
}
unpack '\x02\x21\x4c\x18' lz4 -dc || unpack '\xFD7zXZ\x00' xz -dc || unpack '\x28\xB5\x2F\xFD' zstd -dc ||
    unpack '\x1f\x8b\x08' gzip -dc || { echo "update.sh: cannot unpack $image" >&2; exit 1; }

mkdir -p "$here/$arch"
{
    echo "/* Made by vmlinux/update.sh from the BTF of Debian's $package $(dpkg-deb -f "$work"/*.deb Version). Do not edit. */"
    "$bpftool" btf dump file "$work/vmlinux" format c
} > "$here/$arch/vmlinux.h.new"
mv "$here/$arch/vmlinux.h.new" "$here/$arch/vmlinux.h"
wc -l "$here/$arch/vmlinux.h"
