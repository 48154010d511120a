#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Every .cu file compiles for every GPU souk is built for, and no kernel keeps registers in memory.
. "$(dirname "$0")/../tap.sh"
cd "$root" || exit 1

nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null)
if [ -z "$nvcc" ]; then
    skip "no nvcc on this machine"
    finish
fi

# compile SOURCE: for all GPUs at once, which takes half the time of one call for each. The compiler's
# report is in $work/NAME.log, its exit code in .code.
compile() {
    local name
    name=$(basename "$1")
    "$nvcc" -std=c++17 -O3 -Ikernels -Ihost -DHAVE_CUDA=1 -DHAVE_CUDNN=1 -DHAVE_SM90A=1 -Xptxas -v \
        -gencode arch=compute_80,code=sm_80 -gencode arch=compute_90a,code=sm_90a \
        -gencode arch=compute_100,code=sm_100 -c "$1" -o "$work/$name.o" >"$work/$name.log" 2>&1
    echo $? >"$work/$name.code"
}
export -f compile
export nvcc work
sources=(kernels/*.cu kernels/*/*.cu kernels/*/cuda/*.cu)
printf '%s\0' "${sources[@]}" | xargs -0 -n 1 -P "$(nproc)" bash -c 'compile "$1"' compile

for source in "${sources[@]}"; do
    name=$(basename "$source") log=$work/$(basename "$source").log
    if [ "$(cat "${log%.log}.code")" != 0 ]; then
        fail "$name compiles" "$(grep -E 'error|warning' "$log" | head -n 10)"
        continue
    fi
    spills=$(awk '/Compiling entry function/ { kernel = $0 }
        /bytes stack frame/ && !/ 0 bytes spill stores, 0 bytes spill loads/ { print kernel; print $0 }' "$log")
    if [ -z "$spills" ]; then pass "$name compiles for sm_80, sm_90a and sm_100 without spills"; else
        fail "$name keeps registers in memory" "$spills"
    fi
done
finish
