#!/bin/sh
# Makes the image's root directory out of a build: the agent, the libraries that it loads, and nothing else. No shell, no package manager.
#
#   deploy/container/make-root.sh BUILD ROOT
#
# BUILD is a build folder in which llmsnoop is built; ROOT must be empty or absent. The Containerfile runs this, and so does the test.
set -eu

if [ $# != 2 ] || [ ! -x "$1/llmsnoop" ]; then
    echo "usage: $0 BUILD ROOT   (BUILD: a folder with llmsnoop in it)" >&2
    exit 2
fi
build=$(cd "$1" && pwd)
mkdir -p "$2"
root=$(cd "$2" && pwd)
[ -z "$(ls -A "$root")" ] || { echo "$0: $root is not empty" >&2; exit 2; }

# The same files as `make install` installs, but for what people read.
DESTDIR=$root cmake --install "$build" --prefix /usr --strip >/dev/null
(cd "$root/usr/share" && rm -rf man bash-completion zsh fish llmsnoop/prometheus llmsnoop/grafana)

# A library keeps the path by which the loader found it, and its link's name becomes the file.
copy_library() {
    [ -e "$root$1" ] || install -D -m 755 "$(readlink -f "$1")" "$root$1"
}
libraries_of() {
    ldd "$1" | awk '$2 == "=>" { print $3 } $1 ~ /^\// { print $1 }'
}
libraries_of "$root/usr/bin/llmsnoop" | while read -r library; do copy_library "$library"; done

# civetweb, which serves metrics and the API, opens OpenSSL by these names when it is to speak TLS.
folder=$(dirname "$(libraries_of "$root/usr/bin/llmsnoop" | grep '/libcrypto\.so\.3$')")
copy_library "$folder/libssl.so.3"
ln -sf libssl.so.3 "$root$folder/libssl.so"
ln -sf libcrypto.so.3 "$root$folder/libcrypto.so"

# Whose they are.
find "$root/lib" "$root/usr/lib" "$root/lib64" -type f -name '*.so*' 2>/dev/null | while read -r file; do
    path=${file#"$root"}
    package=$(dpkg-query -S "$path" 2>/dev/null || dpkg-query -S "$(readlink -f "$path")" 2>/dev/null || true)
    package=${package%%:*}
    [ -z "$package" ] || [ ! -e "/usr/share/doc/$package/copyright" ] ||
        install -D -m 644 "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/copyright"
done

# Who one is, how names are found, whom to trust.
mkdir -p "$root/etc/ssl/certs" "$root/etc/llmsnoop" "$root/var/log/llmsnoop" "$root/var/lib/llmsnoop" "$root/proc" "$root/sys" "$root/run"
install -d -m 1777 "$root/tmp"
chmod 750 "$root/var/log/llmsnoop" "$root/var/lib/llmsnoop"
echo 'root:x:0:0:root:/:/sbin/nologin
llmsnoop:x:65532:65532:llmsnoop:/:/sbin/nologin' >"$root/etc/passwd"
echo 'root:x:0:
llmsnoop:x:65532:' >"$root/etc/group"
echo 'hosts: files dns' >"$root/etc/nsswitch.conf"
[ ! -e /etc/ssl/certs/ca-certificates.crt ] ||
    install -m 644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
