#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# souk bench: reports have what they promise and add up, --compare divides; on the GPU too where there is one,
# or its emulation. What the times are is no matter here.
. "$(dirname "$0")/../tap.sh"
. "$root/tests/program/shop.sh"
if ! command -v python3 >/dev/null; then
    skip "no python3 on this machine"
    finish
fi
model=(model.dim=16 model.length=16 train.tokens=256)

# holds FILE EXPRESSION: of the report r, in Python.
holds() { python3 -c 'import json, math, sys; r = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' "$@"; }
near() { echo "all(math.isclose($1, $2, rel_tol=1e-9) for row in r['ops'])"; }

# reports DEVICE: of ops and steps on that device.
reports() {
    local ops=$work/$1-ops.json steps=$work/$1-steps.json
    check "$1: times every op" "$SOUK" bench --device "$1" --tiny --quiet --json "$ops"
    check "$1: ceilings first, then ops forward and backward, in both dtypes" holds "$ops" \
        "[row['op'] for row in r['ops'][:4]] == ['ceiling copy', 'ceiling copy, kernel'] + ['ceiling gemm'] * 2 and {'f32', 'bf16'} == {row['dtype'] for row in r['ops'] if row['op'] == 'attention backward'}"
    check "$1: quantiles are in order" holds "$ops" "all(0 < row['p10'] <= row['median'] <= row['p90'] for row in r['ops'])"
    check "$1: rates are work over time" holds "$ops" \
        "$(near "row['flops_per_s']" "row['flops'] / row['median']") and $(near "row['bytes_per_s']" "row['bytes'] / row['median']")"
    check "$1: the floor is the slower of copy and product" holds "$ops" \
        "all(math.isclose(row['floor'], max(row['bytes'] / r['ceilings']['copy'], row['flops'] / r['ceilings']['gemm_' + row['dtype']]), rel_tol=1e-9) for row in r['ops'][4:])"
    check "$1: every op says what its gap is lost to" holds "$ops" "all(row['why'] for row in r['ops'])"
    check "$1: the machine is named" holds "$ops" "r['schema'] == 'souk-bench-2' and r['machine']['device'] == '$1' and r['machine']['name'] and r['machine']['memory'] > 0"
    check "$1: times steps on synthetic histories" "$SOUK" bench --device "$1" --tiny --quiet --steps 3 --warmup 2 \
        --items 300 --json "$steps" "${model[@]}"
    check "$1: full windows, every item, all memory" holds "$steps" \
        "(r['steps']['tokens'], r['steps']['items']) == (256, 300) and 0 <= r['steps']['memory']['parameters'] - 4 * r['steps']['parameters'] < 256 * 64"
    # 6 tokens (parameters of the encoder + length dim layers, for causal attention + items dim)
    check "$1: model FLOPs are the formula's" holds "$steps" \
        "r['steps']['flops'] == 6 * 256 * (r['steps']['encoder_parameters'] + 16 * 16 * r['model']['layers'] + 300 * 16)"
}

reports cpu
check "no synthetic file stays behind" test -z "$(find "${TMPDIR:-/tmp}" -maxdepth 1 -name 'souk-bench.*' -newer "$work/cpu-ops.json")"

# ---- Tables ----
"$SOUK" bench --tiny --quiet --op td >"$work/table"
check "the table begins with the ceilings" grep -q '^ceilings: copy [0-9]' "$work/table"
check "and has the op" grep -q '^td targets .* f32 ' "$work/table"
check "a shop ingests" make_shop
"$SOUK" bench --tiny --steps 3 --warmup 1 --quiet "data.path=$work/shop.h5" model.dim=16 model.length=20 \
    train.tokens=256 >"$work/steps"
check "steps are timed on data: tokens, waiting and memory are told" \
    grep -qzE 'tokens/s, waited for data.*memory: parameters' "$work/steps"

# ---- --op ----
check "--op takes several" "$SOUK" bench --tiny --quiet --op rope --op "rmsnorm f" --json "$work/some.json"
check "and times only these" holds "$work/some.json" \
    "{row['op'] for row in r['ops'][4:]} == {'rope', 'rmsnorm forward'}"

# ---- --compare ----
python3 - "$work" <<'END'
import json, sys
path = sys.argv[1] + "/some.json"
report = json.load(open(path))
for row in report["ops"]:
    row["median"] *= 4
report["ops"] = report["ops"][:-1]
json.dump(report, open(sys.argv[1] + "/slower.json", "w"))
END
"$SOUK" bench --compare "$work/slower.json" "$work/some.json" >"$work/ratios"
check "--compare divides row by row" test "$(awk 'NR > 1 && $NF == "4.00"' "$work/ratios" | wc -l)" = \
    "$(($(wc -l <"$work/ratios") - 2))"
check "and says what one of them lacks" grep -q "missing" "$work/ratios"
"$SOUK" bench --compare "$work/cpu-steps.json" "$work/cpu-steps.json" >"$work/same"
check "steps are compared too" grep -qE '^tokens_per_s .* 1\.00$' "$work/same"
refuses "a report of ops and one of steps are not compared" 1 'one of steps, want two of a kind' \
    "$SOUK" bench --compare "$work/cpu-ops.json" "$work/cpu-steps.json"
echo '{"schema": "other"}' >"$work/other.json"
refuses "what is no report is refused" 1 'other.json has the schema "other", want a report' \
    "$SOUK" bench --compare "$work/other.json" "$work/some.json"
refuses "--compare wants two" 2 'want two reports' "$SOUK" bench --compare "$work/some.json"
refuses "--model wants one there is" 2 'want one of 100m, 300m, 1b' "$SOUK" bench --steps 1 --model 7b

if "$SOUK" bench --device cuda --tiny --quiet --op rope >"$work/out" 2>"$work/error"; then
    reports cuda
else
    check "without a GPU it says so" grep -qE 'built for the CPU only|no GPU can be used' "$work/error"
fi
finish
