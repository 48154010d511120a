#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench/gpu-acceptance.sh without a GPU: what it says of none, and, over stand-ins for the GPU and for the
# programs it runs, that no failure passes for a success. Whether kernels/ has moved on since a GPU last
# verified it is reported, not judged.
. "$(dirname "$0")/tap.sh"
cd "$root" || exit 1
if ! command -v python3 >/dev/null; then
    skip "no python3 on this machine"
    finish
fi

# ---- What was verified last ----
tree=$(python3 bench/gpu_acceptance.py --tree)
verified=$(grep -l '^ "verdict": "passed"' bench/results/*.json 2>/dev/null | xargs -r grep -l "\"kernels_tree\": \"$tree\"")
if [ -n "$verified" ]; then
    pass "report: kernels/ as it is has passed on a GPU: $(xargs -n 1 basename <<<"$verified" | xargs)"
elif ls bench/results/*.json >/dev/null 2>&1; then
    pass "report: kernels/ has moved on since a GPU verified it, or did not pass: run bench/gpu-acceptance.sh"
else
    pass "report: no GPU has verified kernels/ yet: run bench/gpu-acceptance.sh"
fi

check "bench/README.md tells what bench/results/ holds (bench/report.py writes it)" python3 bench/report.py --check

# ---- A tree of stand-ins ----
mkdir -p "$work/tree/build-gpu/tests" "$work/bin"
cp -r bench kernels "$work/tree/"
rm -rf "$work/tree/bench/out" "$work/tree/bench/results" "$work/tree/bench/peers/venv"
stand_in() { cat >"$1" && chmod +x "$1"; }
stand_in "$work/bin/nvcc" <<<'#!/bin/sh'
stand_in "$work/bin/cmake" <<<'#!/bin/sh'
stand_in "$work/bin/nvidia-smi" <<'END'
#!/bin/sh
echo "NVIDIA Stand-in 1, 1.2, 3 MiB, 9.0"
END
stand_in "$work/bin/ctest" <<'END'
#!/bin/sh
echo "1/2 Test #7: cuda_rmsnorm .....................   Passed    0.10 sec"
echo "2/2 Test #8: cuda_gemm ........................${GEMM:-   Passed}    0.20 sec"
END
stand_in "$work/bin/compute-sanitizer" <<'END'
#!/bin/sh
echo "========= Race reported between Read access at ${WHERE:-own_kernel}+0x10"
echo "=========     and Write access at ${WHERE:-own_kernel}+0x20 [4 hazards]"
echo "========= ERROR SUMMARY: 0 errors"
case "$2" in "$RACY") exit 9 ;; esac
END
stand_in "$work/tree/build-gpu/souk" <<'END'
#!/bin/bash
for word; do case $word in train.out=*) out=${word#*=} ;; *.json) json=$word ;; esac; done
case $1 in
bench)
    cat >"$json" <<JSON
{"ceilings": {"copy": 1e12, "gemm_f32": 1e13, "gemm_bf16": 1e15}, "ceiling": 1e15, "ops": [],
 "model": {"length": 50, "tokens": 100}, "steps": {"items": 10, "parameters": 1000, "tokens": 100.0, "median": 0.001, "flops": 1e12, "waited": 0.0}}
JSON
    exit ${BENCH:-0}
    ;;
check) exit ${CHECK:-0} ;;
train)
    mkdir -p "$out" && echo "${BITS:-same}" >"$out/last.safetensors"
    [ -z "$BITS" ] || echo $RANDOM$RANDOM >>"$out/last.safetensors"
    for i in $(seq 30); do echo '{"tokens": 4096, "seconds": 0.001}'; done >"$out/metrics.jsonl"
    ;;
esac
END
stand_in "$work/tree/bench/peers/twin.py" <<'END'
import os, sys
print('{"engine": "PyTorch stand-in", "tokens_per_s": 1000.0}')
sys.exit(sys.argv[1] == "check" and os.environ.get("LOSS") == "other")
END
result=$work/tree/bench/results/nvidia-stand-in-1.json

# accept NAME=VALUE... -- ARGUMENT...: run it in that tree; its exit code in $code, its result in $result.
accept() {
    local settings=()
    while [ "$1" != -- ]; do settings+=("$1") && shift; done
    shift
    code=0
    (cd "$work/tree" && env PATH="$work/bin:$PATH" PYTHON=python3 "${settings[@]}" bench/gpu-acceptance.sh "$@") >"$work/accept.out" 2>&1 || code=$?
}
# judged SENTENCE CODE VERDICT: of the run before.
judged() {
    if [ $code = "$2" ] && grep -q "^ \"verdict\": \"$3\"" "$result"; then pass "$1"; else
        fail "$1" "$(echo "exit $code, want $2; $(grep '^ "verdict"' "$result" 2>&1), want $3" && tail -n 25 "$work/accept.out")"
    fi
}

accept A= -- --out "$work/out"
judged "a run without a fault passes" 0 passed
check "it names the tree of kernels/ that it verified" grep -q "\"kernels_tree\": \"$tree\"" "$result"
check "the result and the logs are where --out says" ls "$work/out/nvidia-stand-in-1.json" "$work/out/test.log"
accept GEMM='***Failed' -- --phase test
judged "a failed op test fails the whole, whatever passed before" 1 failed
accept A= -- --phase test
judged "the same phase run again replaces what it found" 0 passed
accept GEMM='***Skipped' -- --phase test
judged "a skipped op test has verified nothing" 1 failed
accept CHECK=1 -- --phase test
judged "souk check that fails, fails" 1 failed
accept BITS=other -- --phase test
judged "two runs of other bits fail" 1 failed
accept RACY=racecheck -- --phase sanitize
judged "a race fails" 1 failed
accept RACY=racecheck WHERE=cudnn_forward -- --phase sanitize
check "hazards that racecheck names in a library's kernels alone are told, and do not count" \
    grep -q 'passed .*racecheck attention: hazards in the library' "$work/accept.out"
accept LOSS=other -- --phase bench
judged "a peer with another loss fails" 1 failed
accept A= --
judged "all of it again passes" 0 passed
echo "/* changed */" >>"$work/tree/kernels/rope.cu"
accept A= -- --phase test
judged "what other kernels passed does not count for these" 1 incomplete

rm -rf "$work/tree/bench/results" "$work/tree/bench/out" "$work/bin/nvidia-smi"
if ! command -v nvidia-smi >/dev/null; then
    accept A= --
    if [ $code = 3 ] && grep -q "no GPU" "$work/accept.out" && [ ! -e "$work/tree/bench/results" ]; then
        pass "without a GPU it says so, and writes no result"
    else
        fail "without a GPU it says so, and writes no result" "$(echo "exit $code" && tail -n 5 "$work/accept.out")"
    fi
fi
accept A= -- --phase nothing
if [ $code = 2 ]; then pass "a phase there is not is refused"; else fail "a phase there is not is refused" "exit $code"; fi
if [ "$(git rev-parse HEAD:kernels 2>/dev/null)" ] && [ -z "$(git status --porcelain kernels)" ]; then
    check "the hash is git's" test "$tree" = "$(git rev-parse HEAD:kernels)"
fi
finish
