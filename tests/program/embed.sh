#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The programs in tests/examples/, built with what pkg-config says about an installed souk, by C and C++ compilers,
# with the shared and with the static library, and run.
. "$(dirname "$0")/../tap.sh"
examples=$root/tests/examples

cmake --install "$BUILD" --prefix "$work/prefix" >/dev/null
PKG_CONFIG_PATH=$(dirname "$(find "$work/prefix" -name souk.pc)")
libraries=$(PKG_CONFIG_PATH=$PKG_CONFIG_PATH pkg-config --variable=libdir souk)
export PKG_CONFIG_PATH OMP_WAIT_POLICY=passive LD_LIBRARY_PATH=$libraries
"$SOUK" generate --events 30000 --users 1500 --items 300 --seed 1 --quiet --out "$work/log.csv"
item=$(sed -n 2p "$work/log.csv" | cut -d, -f2)

# built COMPILER STANDARD SOURCE [--static]: at $work/example. With --static it is libsouk.a, also where libsouk.so
# is installed.
built() {
    local compiler=$1 standard=$2 source=$3
    shift 3
    local library=-lsouk
    [ $# = 0 ] || library=-l:libsouk.a
    # shellcheck disable=SC2046 # flags are words
    "$compiler" "-std=$standard" -Wall -Wextra -pedantic -Werror -o "$work/example" "$examples/$source" \
        $(pkg-config "$@" --cflags --libs souk | sed "s/-lsouk/$library/") -pthread
}
# prints PATTERN ARGUMENT...: the example exits with 0 and prints a line that matches.
prints() {
    local pattern=$1
    shift
    "$work/example" "$@" >"$work/printed" && grep -qE -- "$pattern" "$work/printed"
}

# run_all C C++ LIBRARY [--static]
run_all() {
    local c=$1 cxx=$2 library=$3
    shift 3
    check "$c, $library: train.c builds" built "$c" c99 train.c "$@"
    check "$c, $library: it trains and shows how far it is" prints '^train 20/30, loss [0-9.]+' \
        "$work/log.csv" "$work/shop.h5" "$work/run"
    check "$c, $library: cancel.c builds" built "$c" c99 cancel.c "$@"
    check "$c, $library: it stops, and goes on" prints '^20 steps' "$work/shop.h5" "$work/run-cancel"
    check "$c, $library: where it stopped" grep -q 'at step 10' "$work/printed"
    check "$c, $library: recommend.c builds" built "$c" c99 recommend.c "$@"
    check "$c, $library: four threads recommend" prints '^999: [0-9]+ [-0-9.]+$' "$work/run" "$work/shop.h5"
    check "$c, $library: a thousand times" test "$(wc -l <"$work/printed")" = 1000
    if command -v "$cxx" >/dev/null; then
        check "$cxx, $library: recommend.cc builds" built "$cxx" c++11 recommend.cc "$@"
        check "$cxx, $library: it recommends" prints '^[0-9]+ score [-0-9.]+ Q [-0-9.]+' \
            "$work/run" "$work/shop.h5" "$item:view"
    else
        skip "there is no $cxx on this machine"
    fi
}

check "recommend.c has at most thirty lines" test "$(wc -l <"$examples/recommend.c")" -le 30
if [ -e "$libraries/libsouk.so" ]; then
    run_all "$CC" "${CXX:-c++}" shared
    loads() { readelf -d "$work/example" | grep -q 'NEEDED.*libsouk'; }
    check "a program of the shared library loads it" loads
    check "a static program builds beside the shared library" built "$CC" c99 recommend.c --static
    check "it does not load the shared library" eval '! loads'
    rm "$libraries"/libsouk.so*
else
    skip "this build has no shared library"
fi
run_all "$CC" "${CXX:-c++}" static --static
refuses "an example says what went wrong" 1 '' sh -c "'$work/example' /no/such/run '$work/shop.h5' 1 >&2"
finish
