# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# Sourced by benches that run the program: builds it ($souk), makes a folder for their files ($out).
# BUILD=FOLDER is the build folder (build); SOUK=PROGRAM measures that one instead of building.
cd "$(dirname "${BASH_SOURCE[0]}")/.." || exit 1
out=bench/out
mkdir -p $out
souk=${SOUK:-${BUILD:-build}/souk}
if [ -z "${SOUK:-}" ]; then
    if ! { cmake -S . -B "${BUILD:-build}" -G Ninja && ninja -C "${BUILD:-build}" souk; } >$out/build.log 2>&1; then
        tail -n 20 $out/build.log >&2
        echo "${0##*/}: souk does not build; all of the output is in $out/build.log" >&2
        exit 1
    fi
fi
# run ARGUMENT...: shows the souk command and runs it.
run() { printf '\n$ souk %s\n' "$*" && "$souk" "$@"; }
