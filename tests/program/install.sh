#!/bin/bash
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
finish
