#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Installs souk and builds programs against what was installed, by pkg-config alone, with each C compiler
# that is here.
. "$(dirname "$0")/../tap.sh"

check "installs into a prefix" cmake --install "$BUILD" --prefix "$work/prefix"
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name souk.pc)")
export PKG_CONFIG_PATH
libraries=$(pkg-config --variable=libdir souk)
headers=$(pkg-config --variable=includedir souk)
version=$(pkg-config --modversion souk)

# The program has functions that are called as some of souk's own.
cat >"$work/shop.c" <<'C'
#include <souk.h>
#include <stdio.h>
#include <string.h>
int gemm(void);
int config_set(void);
int gemm(void) { return 1; }
int config_set(void) { return 2; }
int main(void)
{
    char header[32];
    snprintf(header, sizeof header, "%d.%d.%d", SOUK_VERSION_MAJOR, SOUK_VERSION_MINOR, SOUK_VERSION_PATCH);
    puts(souk_version());
    return gemm() + config_set() == 3 && strcmp(souk_version(), header) == 0 ? 0 : 1;
}
C

# built COMPILER [--static]: compile, link with what pkg-config says, run.
built() {
    local compiler=$1
    shift
    # shellcheck disable=SC2046 # flags are words
    "$compiler" -std=c99 -Wall -Wextra -pedantic -Werror -o "$work/shop" "$work/shop.c" \
        $(pkg-config "$@" --cflags --libs souk) &&
        LD_LIBRARY_PATH=$libraries "$work/shop" >"$work/out" &&
        grep -qx "$version" "$work/out"
}

# The names that the header declares, and those that a library defines for others (nm's arguments).
declared() { grep -oE '\bsouk_[a-z_]+\(' "$headers/souk.h" | tr -d '(' | sort -u; }
defined() { nm "$@" | awk 'NF >= 3 { sub(/@.*/, "", $3); print $3 }' | sort -u; }
# shows_the_header NM-ARGUMENT...
shows_the_header() { diff <(declared) <(defined "$@"); }

# The C compilers that are here, each once.
compilers=$(for compiler in "$CC" gcc clang-14; do
    command -v "$compiler" >/dev/null && echo "$(realpath "$(command -v "$compiler")") $compiler"
done | awk '!seen[$1]++ { print $2 }')

# Every command has a page, which renders without a warning.
has_pages() {
    local command
    for command in souk $("$SOUK" --help | sed -n 's/^  \([a-z][a-z]*\)   *[A-Za-z].*/souk-\1/p'); do
        [ -s "$work/prefix/share/man/man1/$command.1" ] || echo "no page $command"
    done
    [ -s "$work/prefix/share/man/man1/souk-train.1" ] || echo "no pages at all"
}
render() {
    local page
    for page in "$work"/prefix/share/man/man1/*.1; do
        if command -v groff >/dev/null; then groff -man -Tutf8 -ww -z "$page"; fi
        if command -v mandoc >/dev/null; then mandoc -Tlint -Wwarning "$page"; fi
        if command -v lexgrog >/dev/null; then lexgrog "$page" | grep -v "\"$(basename "$page" .1) - "; fi
    done
}
# says_nothing COMMAND...
says_nothing() { [ -z "$("$@" 2>&1 | tee /dev/stderr)" ]; }

# Texts of options stand far to the right in --help; a line that still does was taken for an example.
astray() { grep -nE '^ {20}' "$work"/prefix/share/man/man1/*.1; }

check "every command has a man page" says_nothing has_pages
check "man pages render without a warning and have their names" says_nothing render
check "texts of many lines stay with their option" says_nothing astray
check "maps, licence and README are installed" ls "$work/prefix/share/souk/datasets/retailrocket.ini" \
    "$work/prefix/share/doc/souk/LICENSE" "$work/prefix/share/doc/souk/README.md"
echo 'timestamp,visitorid,event,itemid,transactionid' >"$work/log.csv"
for i in 1 2 3 4 5 6; do echo "143322133${i}117,$((i % 2)),addtocart,$i,"; done >>"$work/log.csv"
check "the program has its presets" \
    "$work/prefix/bin/souk" ingest --force --preset retailrocket "$work/log.csv" "$work/log.h5"
refuses "a preset that does not exist is refused with the nearest" 2 'did you mean "retailrocket"' \
    "$work/prefix/bin/souk" ingest --preset retailroket "$work/log.csv" "$work/log.h5"
check "the installed program runs" "$work/prefix/bin/souk" --version
check "libsouk.a shows what the header declares and nothing else" \
    shows_the_header -g --defined-only "$libraries/libsouk.a"
if [ -e "$libraries/libsouk.so" ]; then
    for compiler in $compilers; do
        check "a C program of $compiler links with the shared library" built "$compiler"
    done
    check "the shared library carries its version" test -e "$libraries/libsouk.so.$version"
    check "programs load it by the numbers that must agree" \
        eval "readelf -d $work/shop | grep -q 'NEEDED.*\[libsouk\.so\.${version%.*}\]'"
    check "libsouk.so shows what the header declares and nothing else" \
        shows_the_header -D --defined-only "$libraries/libsouk.so"
    rm "$libraries"/libsouk.so*
else
    skip "this build has no shared library"
fi
for compiler in $compilers; do
    check "a C program of $compiler links with the static library" built "$compiler" --static
done
mkdir "$work/elsewhere" && mv "$work/prefix" "$work/elsewhere/"
PKG_CONFIG_PATH=${PKG_CONFIG_PATH/"$work"/"$work/elsewhere"} libraries=${libraries/"$work"/"$work/elsewhere"}
check "the installed folder may move" built "$CC" --static
check "the program that moved has its presets" \
    "$work/elsewhere/prefix/bin/souk" ingest --force --preset retailrocket "$work/log.csv" "$work/log.h5"
finish
