# shellcheck shell=bash
# SPDX-License-Identifier: Apache-2.0
# What every test script sources: one line of TAP a case, a folder of its own, an exit code.
# $work is an empty folder, removed at the end; $root the source tree. The last line is `finish`.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
work=$(mktemp -d "${TMPDIR:-/tmp}/souk-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
: "${BUILD:=$root/build}" "${SOUK:=$BUILD/souk}" "${CC:=cc}" # ctest sets them
tap_count=0
tap_failed=0

pass() { tap_count=$((tap_count + 1)) && echo "ok $tap_count - $1"; }

# fail SENTENCE [WHY]
fail() {
    tap_count=$((tap_count + 1)) tap_failed=$((tap_failed + 1))
    echo "not ok $tap_count - $1"
    [ -z "${2:-}" ] || printf '%s\n' "$2" | sed 's/^/#   /'
}

skip() { tap_count=$((tap_count + 1)) && echo "ok $tap_count # SKIP $1"; }

# check SENTENCE COMMAND...: the command must exit 0; what it printed is shown when it does not.
check() {
    local sentence=$1 code=0
    shift
    "$@" >"$work/check.out" 2>&1 || code=$?
    if [ $code = 0 ]; then pass "$sentence"; else
        fail "$sentence" "$(echo "exit $code from: $*" && tail -n 20 "$work/check.out")"
    fi
}

# refuses SENTENCE CODE PATTERN COMMAND...: the command must exit with CODE (a signal never passes)
# and say one line on standard error that matches PATTERN.
refuses() {
    local sentence=$1 want=$2 pattern=$3 code=0 lines
    shift 3
    "$@" >"$work/check.out" 2>"$work/check.err" || code=$?
    lines=$(grep -c . "$work/check.err")
    if [ $code = "$want" ] && grep -qE -- "$pattern" "$work/check.err" && [ "$lines" = 1 ]; then
        pass "$sentence"
    else
        fail "$sentence" "$(echo "exit $code, want $want and one line with /$pattern/, from: $*" &&
            tail -n 20 "$work/check.err")"
    fi
}

finish() {
    echo "1..$tap_count"
    [ $tap_failed = 0 ] && [ $tap_count -gt 0 ]
    exit
}
