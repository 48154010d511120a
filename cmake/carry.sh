#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Packs the libraries that souk builds with into carried/libraries.tar.xz, for a machine that has a
# compiler, CMake and perhaps CUDA, but neither these libraries nor a way to fetch them. Run it on Debian
# 12 and take the folder along with the source tree: where the system lacks one, CMake builds with it.
#
#   cmake/carry.sh
#
# All of it comes from Debian's packages, fetched with apt-get: headers, shared libraries and pkg-config of
# souk's libraries and of cmocka, and the libraries those load. The run-time libraries of C and C++ are the
# target's own: glibc 2.36 or later, x86-64.
set -euo pipefail
cd "$(dirname "$0")/.."
. cmake/packages.sh
case ${1:-} in
"") ;;
-h | --help) sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" && exit ;;
*) echo "carry: unknown argument $1; --help says more" >&2 && exit 2 ;;
esac

folder=$PWD/carried
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
lib=usr/lib/x86_64-linux-gnu
mkdir -p "$work"/{archives/partial,all,named,tree/usr/bin,tree/$lib/hdf5/serial,tree/$lib/pkgconfig}
: >"$work/status" # a machine that has nothing yet: every package is fetched
# shellcheck disable=SC2086 # names are words
set -- $library_packages libcmocka-dev pkgconf-bin
apt-get -qq -y -d --no-install-recommends -o Debug::NoLocking=1 -o APT::Sandbox::User=root \
    -o Dir::State::status="$work/status" -o Dir::Cache::archives="$work/archives" install "$@" >/dev/null ||
    { echo "carry: apt-get could not fetch the packages; is this Debian 12, after apt-get update?" >&2 && exit 1; }

cd "$work"
for archive in archives/*.deb; do
    name=$(dpkg-deb -f "$archive" Package)
    case $name in libc6* | libgcc-s1 | libstdc++6 | libgomp1) continue ;; esac
    dpkg-deb -x "$archive" all
    case " $* " in *" $name "*) dpkg-deb -x "$archive" named ;; esac
done

# file_of NAME: the file a library's name leads to; nothing when no package has it.
file_of() {
    local at
    at=$(find all -path '*/x86_64-linux-gnu/*' -name "$1" -print -quit)
    if [ -L "$at" ]; then file_of "$(basename "$(readlink "$at")")"; else echo "$at"; fi
}
# dynamic TAG FILE: NEEDED, the libraries a file loads; SONAME, what it is loaded as.
dynamic() { readelf -d "$2" | sed -n "s/.*($1).*\[\(.*\)\]/\1/p"; }

# carry NAME: a library and those that it loads, under the names they are loaded by.
carry() {
    local file name needed
    file=$(file_of "$1")
    [ -n "$file" ] || return 0 # the target's own
    name=$(dynamic SONAME "$file")
    [ ! -e "tree/$lib/$name" ] || return 0
    cp "$file" "tree/$lib/$name"
    for needed in $(dynamic NEEDED "$file"); do carry "$needed"; done
}

# The names the linker knows them by: links to the names they are loaded by.
for link in $(find named/usr/lib -name 'lib*.so' | grep -vE '_(hl|cpp|fortran)|hdf5_hl|INIReader|/hdf5/|/lib(blas|lapack)\.so'); do
    carry "$(basename "$link")"
    ln -s "$(dynamic SONAME "$(file_of "$(basename "$link")")")" "tree/$lib/$(basename "$link")"
done
ln -s ../../libhdf5_serial.so "tree/$lib/hdf5/serial/libhdf5.so"

# What a compiler reads, and pkg-config, which takes the folder it was unpacked to for the system's root.
cp -r named/usr/include tree/usr/
cp "named/$lib/pkgconfig/"*.pc "tree/$lib/pkgconfig/"
ln -s hdf5-serial.pc "tree/$lib/pkgconfig/hdf5.pc"
cp all/usr/bin/pkgconf tree/usr/bin/
for needed in $(dynamic NEEDED tree/usr/bin/pkgconf); do carry "$needed"; done
cat >tree/usr/bin/pkg-config <<END
#!/bin/sh
root=\$(cd "\$(dirname "\$0")/../.." && pwd)
export PKG_CONFIG_SYSROOT_DIR="\$root" PKG_CONFIG_LIBDIR="\$root/$lib/pkgconfig"
LD_LIBRARY_PATH=\$root/$lib exec "\$root/usr/bin/pkgconf" "\$@"
END
chmod +x tree/usr/bin/pkg-config
rm -rf "$folder"
mkdir "$folder"
tar -C tree -cJf "$folder/libraries.tar.xz" usr
echo "carried/libraries.tar.xz: $(find tree -name '*.so*' -type f | wc -l) libraries," \
    "$(du -sm tree | cut -f1) MB, packed $(du -sm "$folder" | cut -f1) MB"
