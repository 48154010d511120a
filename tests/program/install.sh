#!/bin/bash
# Installs souk and builds a program against what was installed, by pkg-config alone.
. "$(dirname "$0")/../tap.sh"

check "installs into a prefix" cmake --install "$BUILD" --prefix "$work/prefix"
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name souk.pc)")
export PKG_CONFIG_PATH
libraries=$(pkg-config --variable=libdir souk)

cat >"$work/shop.c" <<'C'
#include <souk.h>
#include <stdio.h>
#include <string.h>
int main(int argc, char **argv)
{
    int unknown = souk_run(2, (char *[]){"souk", "no-such-command", NULL});
    return printf("%s\n", souk_version()) > 0 && unknown == 2 ? souk_run(argc, argv) : 1;
}
C

# built [--static]: compile, link with what pkg-config says, run.
built() {
    # shellcheck disable=SC2046 # flags are words
    "$CC" -Wall -Werror -o "$work/shop" "$work/shop.c" $(pkg-config "$@" --cflags --libs souk) &&
        LD_LIBRARY_PATH=$libraries "$work/shop" --version >"$work/out" &&
        grep -qx "souk $(pkg-config --modversion souk)" "$work/out"
}

# What the shared library shows to the programs that load it.
exports_souk_only() {
    nm -D --defined-only "$libraries/libsouk.so" | awk '$3 !~ /^souk_/ { print; bad = 1 } END { exit bad }'
}

check "the installed program runs" "$work/prefix/bin/souk" --version
if [ -e "$libraries/libsouk.so" ]; then
    check "a C program links with the shared library" built
    check "the shared library carries its version" test -e "$libraries/libsouk.so.$(pkg-config --modversion souk)"
    check "the shared library exports souk_* only" exports_souk_only
    rm "$libraries"/libsouk.so*
else
    skip "this build has no shared library"
fi
check "a C program links with the static library" built --static
mkdir "$work/elsewhere" && mv "$work/prefix" "$work/elsewhere/"
PKG_CONFIG_PATH=${PKG_CONFIG_PATH/"$work"/"$work/elsewhere"} libraries=${libraries/"$work"/"$work/elsewhere"}
check "the installed folder may move" built --static
finish
