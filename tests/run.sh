#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The test command: installs what it needs (Debian), builds four times with warnings as errors, runs
# every test: Release by gcc; Release by clang, with clang-tidy (no scripts); AddressSanitizer and
# UndefinedBehaviorSanitizer; ThreadSanitizer (label tsan).
# Its last line is "N passed, N failed", counted over single cases; exit code 0 when none failed.
# tests/run.sh cpu|clang|asan|tsan... runs only these.
cd "$(dirname "$0")/.." || exit 1
. cmake/packages.sh

passed=0 failed=0 skipped=0
finish() {
    [ $skipped = 0 ] || echo "$skipped skipped"
    echo "$passed passed, $failed failed"
    [ $failed = 0 ] && [ $passed -gt 0 ]
    exit
}

# count LOG: "passed failed skipped" of what ctest ran, from its log. A test's cases are its lines of
# TAP; one that prints none is one case; one that dies without a failed case is one failure.
count() {
    awk '/^(not )?ok [0-9]+ # SKIP/ { skip++; next }
        /^ok [0-9]+/                { ok++ }
        /^not ok [0-9]+/            { bad++ }
        /^1\.\.[0-9]+$/             { plan += substr($0, 4) }
        /^Test Passed\.$/           { good = 1 }
        /^".*" end time: / {
            if (good && plan > ok + skip) ok = plan - skip
            if (good && ok + skip == 0) ok = 1
            if (!good && !bad) bad = 1
            passed += ok; failed += bad; skipped += skip
            good = ok = bad = skip = plan = 0
        }
        END { print passed + 0, failed + 0, skipped + 0 }' "$1"
}

# The sanitizers of gcc 12 need a memory layout that newer kernels randomise away.
steady=
setarch -R true 2>/dev/null && steady="setarch -R"

# stage PRESET CTEST-ARGUMENT...: configure, build, test; adds to the counts.
stage() {
    local preset=$1 build=build-test-$1 started=$SECONDS log code=0 counts
    shift
    echo "== $preset: build"
    if ! { cmake --preset "$preset" -B "$build" -DSOUK_WERROR=ON \
        -DCMAKE_C_COMPILER_LAUNCHER="$(command -v ccache)" >"$build.log" 2>&1 &&
        cmake --build "$build" >>"$build.log" 2>&1; }; then
        grep -vE '^\[[0-9]+/[0-9]+\] |^-- ' "$build.log" | tail -n 60
        echo "$preset: does not build"
        failed=$((failed + 1))
        return
    fi
    rm -f "$build.log"
    echo "== $preset: test ($((SECONDS - started)) s)"
    $steady ctest --test-dir "$build" -j "$(nproc)" --output-on-failure --no-tests=error --timeout 3600 "$@" || code=$?
    log=$build/Testing/Temporary/LastTest.log
    read -r -a counts < <(count "$log")
    [ $code != 0 ] && [ "${counts[1]}" = 0 ] && counts[1]=1
    passed=$((passed + counts[0])) failed=$((failed + counts[1])) skipped=$((skipped + counts[2]))
    echo "== $preset: ${counts[0]} passed, ${counts[1]} failed ($((SECONDS - started)) s)"
}

# shellcheck disable=SC2086 # names are words
install_packages $build_packages $test_packages || { failed=1 && finish; }
export CMOCKA_MESSAGE_OUTPUT=TAP
export UBSAN_OPTIONS=print_stacktrace=1
export TSAN_OPTIONS=halt_on_error=1

[ $# -gt 0 ] || set -- cpu clang asan tsan
for preset in "$@"; do
    case $preset in
    tsan) stage tsan -L tsan ;;
    # No other compiler changes the scripts, the emulation or what nvcc says.
    clang) stage clang -E '^(lint|acceptance|cuda_.*|program_.*)$' ;;
    # These repeat the same code some hundred times, which takes minutes with a sanitizer.
    asan) stage asan -E '^(program_(ablate|context|quality|resume)|evaluate_ope_(coverage|truth))$' ;;
    *) stage "$preset" ;;
    esac
done
finish
