#!/bin/bash
# Every .cu file compiles for every GPU souk is built for, and no kernel keeps registers in memory.
. "$(dirname "$0")/../tap.sh"
cd "$root" || exit 1

nvcc=$(command -v nvcc || ls /usr/local/cuda/bin/nvcc 2>/dev/null)
if [ -z "$nvcc" ]; then
    skip "no nvcc on this machine"
    finish
fi
for arch in 80 90a 100; do
    for source in kernels/*.cu; do
        name=$(basename "$source")
        if ! "$nvcc" -std=c++17 -O3 -Ikernels -Ihost -DHAVE_CUDA=1 -Xptxas -v \
            -gencode "arch=compute_$arch,code=sm_$arch" -c "$source" -o "$work/out.o" >"$work/log" 2>&1; then
            fail "$name compiles for sm_$arch" "$(grep -E 'error|warning' "$work/log" | head -n 10)"
            continue
        fi
        spills=$(awk '/Compiling entry function/ { kernel = $0 }
            /bytes stack frame/ && !/ 0 bytes spill stores, 0 bytes spill loads/ { print kernel; print $0 }' "$work/log")
        if [ -z "$spills" ]; then pass "$name compiles for sm_$arch without spills"; else
            fail "$name keeps registers in memory on sm_$arch" "$spills"
        fi
    done
done
finish
