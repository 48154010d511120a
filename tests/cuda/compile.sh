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

# compile ARCH SOURCE: the compiler's report in $work/ARCH-NAME.log, its exit code in .code
compile() {
    local name
    name=$1-$(basename "$2")
    "$nvcc" -std=c++17 -O3 -Ikernels -Ihost -DHAVE_CUDA=1 -DHAVE_CUDNN=1 -DHAVE_SM90A=1 -Xptxas -v \
        -gencode "arch=compute_$1,code=sm_$1" -c "$2" -o "$work/$name.o" >"$work/$name.log" 2>&1
    echo $? >"$work/$name.code"
}
export -f compile
export nvcc work
for arch in 80 90a 100; do
    for source in kernels/*.cu kernels/*/*.cu kernels/*/cuda/*.cu; do printf '%s\0%s\0' $arch "$source"; done
done | xargs -0 -n 2 -P "$(nproc)" bash -c 'compile "$1" "$2"' compile

for arch in 80 90a 100; do
    for source in kernels/*.cu kernels/*/*.cu kernels/*/cuda/*.cu; do
        name=$(basename "$source") log=$work/$arch-$(basename "$source").log
        if [ "$(cat "${log%.log}.code")" != 0 ]; then
            fail "$name compiles for sm_$arch" "$(grep -E 'error|warning' "$log" | head -n 10)"
            continue
        fi
        spills=$(awk '/Compiling entry function/ { kernel = $0 }
            /bytes stack frame/ && !/ 0 bytes spill stores, 0 bytes spill loads/ { print kernel; print $0 }' "$log")
        if [ -z "$spills" ]; then pass "$name compiles for sm_$arch without spills"; else
            fail "$name keeps registers in memory on sm_$arch" "$spills"
        fi
    done
done
finish
