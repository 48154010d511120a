#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# cuDNN has a plan for every shape of attention it is asked for, on every GPU souk is built for. It builds
# them by a GPU's properties (gpus/*.json), so no GPU is needed; a stand-in takes the driver's place.
. "$(dirname "$0")/../tap.sh"
cd "$root" || exit 1

cuda=
for folder in "${CUDA_HOME:-}" /usr/local/cuda; do
    [ -e "$folder/include/cudnn.h" ] && cuda=$folder && break
done
if [ -z "$cuda" ]; then
    skip "no CUDA toolkit with cuDNN on this machine"
    finish
fi

# The parts of libsouk that know cuDNN, and what they stand on.
mapfile -t sources < <(ls kernels/attention/{cudnn_graph,choice}.c kernels/base/{status,tensor,device,scratch}.c kernels/base/{device,cuda}/*.c)
# shellcheck disable=SC2015 # either may fail
"$CC" -shared -fPIC -O1 -o "$work/libcuda.so.1" tests/cuda/driver.c &&
    "$CC" -std=c17 -D_GNU_SOURCE -O1 -fopenmp -DHAVE_CUDA=1 -DHAVE_CUDNN=1 -Ikernels -Itests -isystem "$cuda/include" \
        -o "$work/plans" tests/cuda/plans.c "${sources[@]}" -L"$work" -L"$cuda/lib64" \
        -lcudnn -lcublasLt -lcudart_static -Wl,--no-as-needed -l:libcuda.so.1 -ldl -lrt -lpthread -lm \
        >"$work/build.log" 2>&1 || {
    fail "the program builds" "$(head -n 20 "$work/build.log")"
    finish
}

# build_for NAME CAPABILITY: the program's cases, each counted on.
build_for() {
    local line out=$work/$1.out
    LD_LIBRARY_PATH=$work:$cuda/lib64 "$work/plans" "$2" "tests/cuda/gpus/$1.json" >"$out" 2>"$work/$1.err"
    # shellcheck disable=SC2094 # both only read
    while IFS= read -r line; do
        case $line in
        ok*) pass "$1: ${line#ok * - }" ;;
        "not ok"*) fail "$1: ${line#not ok * - }" "$(grep -A 1 -Fx "$line" "$out" | tail -n 1)" ;;
        esac
    done <"$out"
    grep -q '^1\.\.' "$out" || fail "$1: the program went to its end" "$(tail -n 5 "$work/$1.err")"
}
build_for h100 90
build_for a100 80
build_for l40s 89
build_for b200 100
finish
