#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# --device on every command that runs a model: refused where there is no such device, and where there is a
# GPU, or its emulation, the model says there what it says on the CPU.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/shop.sh"

check "a shop ingests" make_shop
check "trains" train "$work/run" train.steps=12
checkpoint=(--checkpoint "$work/run" --data "$work/shop.h5")
for command in "train data.path=$work/shop.h5 train.out=$work/none" \
    "eval ${checkpoint[*]}" "recommend ${checkpoint[*]} --row 0" \
    "trace ${checkpoint[*]} --out $work/none.safetensors"; do
    # shellcheck disable=SC2086 # words
    refuses "${command%% *} --device wants a device" 2 'abacus.*want cpu, cuda' "$SOUK" $command --device abacus
done

# with DEVICE COMMAND...: its output in $work/DEVICE-COMMAND; the exit code.
with() { "$SOUK" "${@:2}" --device "$1" >"$work/$1-$2" 2>"$work/error"; }
# agree A B: the same words; numbers may differ by one of their fifth digit, the last that is printed, and by
# what sums in f32 of terms below 1 err where they cancel.
agree() {
    awk 'function size(x) { return x < 0 ? -x : x }
        FNR == NR { line[FNR] = $0; lines = FNR; next }
        { if (split(line[FNR], word) != NF) exit bad = 1
          for (i = 1; i <= NF; i++)
              if (word[i] != $i && !(word[i] ~ /^[-+.0-9e]+$/ && $i ~ /^[-+.0-9e]+$/ && word[i] ~ /[.]/ &&
                                     size(word[i] - $i) <= 1e-4 * size($i) + 1e-6)) exit bad = 1 }
        END { exit bad || FNR != lines }' "$1" "$2" || { diff "$1" "$2" && false; }
}
# same COMMAND...: says on both devices the same.
same() { with cpu "$@" && with cuda "$@" && agree "$work/cpu-$1" "$work/cuda-$1"; }

if ! with cuda recommend "${checkpoint[@]}" --row 0; then
    check "without a GPU it says so" grep -qE 'built for the CPU only|no GPU can be used' "$work/error"
    finish
fi
check "recommends the same on both" same recommend "${checkpoint[@]}" --row 3
check "and for a history, with what was seen" \
    same recommend "${checkpoint[@]}" --history "$(awk -F, 'NR == 2 { print $2 }' "$work/log.csv")" --include-seen
check "evaluates the same on both" same eval "${checkpoint[@]}" --users 40 --quiet
# A log with propensities, small: FQE is thousands of launches.
check "a world is played" "$SOUK" simulate --world small-shop:shelves=2 --policy random --episodes 60 --quiet --out "$work/world.h5"
check "and a model learns from it" "$SOUK" train "data.path=$work/world.h5" "train.out=$work/acting" model.dim=4 \
    model.heads=1 model.layers=1 model.length=8 train.tokens=64 train.steps=5 train.quiet=1 \
    learn.objective=cross_entropy+double_q
judged=(--data "$work/world.h5" --checkpoint "$work/acting" --split all --force --quiet)
check "what it would have earned, by fitted Q" same ope "${judged[@]}" --gamma 0.3
check "and by a reward model" same ope "${judged[@]}" --log bandit
check "the best item, or any, by fitted Q" same ope "${judged[@]}" --gamma 0.3 --acting q --epsilon 0.2
# Rules of acting: scores of one query a state, of few items, and of a table.
acting=(--checkpoint "$work/acting" --data "$work/world.h5" --row 3 --include-seen)
for rule in mixed:0.5 candidates:3 allowed:0.3; do
    check "recommends the same by $rule" same recommend "${acting[@]}" --acting $rule --exclude-last 1
    check "which would have earned the same" same ope "${judged[@]}" --log bandit --acting $rule --exclude-last 1
done
for device in cpu cuda; do
    check "a model of values through their logarithm learns on $device" "$SOUK" train "data.path=$work/world.h5" \
        "train.out=$work/values-$device" model.dim=4 model.heads=1 model.layers=1 model.length=8 train.tokens=64 \
        train.steps=5 train.quiet=1 learn.objective=cross_entropy+sarsa learn.log_values=1 --device $device
    "$SOUK" info "$work/values-$device" | grep -A 1 '^acting:' >"$work/$device-acting"
done
check "and has the same rule" agree "$work/cpu-acting" "$work/cuda-acting"
acting[1]=$work/values-cpu
check "by which it recommends the same" same recommend "${acting[@]}" --acting mixed:0.5
check "traces a batch" with cuda trace "${checkpoint[@]}" --out "$work/cuda.safetensors"
check "goes on with a run of the CPU" train "$work/run" --device cuda --resume train.steps=14
check "whose record goes on" eval '[ "$(grep -c cross_entropy "$work/run/metrics.jsonl")" = 14 ]'
finish
