#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# clang-tidy finds nothing in any C source of this build: the checks of .clang-tidy.
. "$(dirname "$0")/tap.sh"
cd "$root" || exit 1

tidy=$(command -v clang-tidy-14) || {
    skip "clang-tidy-14 is not installed"
    finish
}
# What was compiled as C, with a folder of the house; CUDA's headers are not everywhere.
sed -n 's/^ *"file": "\(.*\.c\)",*$/\1/p' "$BUILD/compile_commands.json" | sort -u >"$work/sources"
sources=$(grep -c . "$work/sources")
xargs -P "$(nproc)" -n 4 "$tidy" --quiet -p "$BUILD" <"$work/sources" >"$work/out" 2>"$work/err"
offences=$(grep -E '(warning|error):' "$work/out" "$work/err" -h | grep -vE '^[0-9]+ warnings' | sort -u)
if [ "$sources" -gt 0 ] && [ -z "$offences" ]; then pass "$sources C sources, no finding"; else
    fail "$sources C sources, some with findings" "$offences"
fi
finish
