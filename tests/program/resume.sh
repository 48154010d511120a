#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A run that stops and goes on is the same run, bit for bit, at any number of threads; also when it
# was killed at any moment.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/shop.sh"
make_shop >"$work/log" 2>&1 || { fail "no shop to train on" "$(cat "$work/log")"; finish; }

# The rate does not depend on the number of steps asked for, nor do the other settings.
settings=(train.save_every=5 train.valid_every=10 optim.lr_floor=1 optim.warmup=5)
check "trains 20 steps" train "$work/whole" "${settings[@]}" train.steps=20 train.threads=1
check "trains 10 steps" \
    train "$work/half" "${settings[@]}" train.steps=10 train.threads=3 train.readers=2
check "goes on to 20" \
    train "$work/half" "${settings[@]}" train.steps=20 train.threads=2 train.readers=0 --resume
check "20 steps are 10 and 10, bit for bit" same_tensors "$work/whole" "$work/half"
check "a run that is done stays as it is" \
    eval 'train "$work/half" "${settings[@]}" train.steps=20 train.valid_every=7 --resume &&
        same_tensors "$work/whole" "$work/half"'

# The same log with another reward is another file of the same catalogue.
rewards=()
for action in view=0.3 cart=0.5 favourite=0.3 purchase=1 review=0.2 remove=0; do rewards+=(--set "actions.$action"); done
check "ingests with another reward" \
    "$SOUK" ingest --force --plain-keys --quiet "${rewards[@]}" "$work/log.csv" "$work/other.h5"
refuses "other events are no events to resume on" 2 'was trained on other events than those of' \
    train "$work/half" "${settings[@]}" train.steps=25 --resume "data.path=$work/other.h5"
check "a run that is done has nothing to train on them" \
    train "$work/half" "${settings[@]}" train.steps=20 --resume "data.path=$work/other.h5"

# Killed at moments drawn from a seed, in every other round not before it has saved once more; each
# time resumed, then run to its end.
RANDOM=11
steps=300
settings=("train.steps=$steps" train.save_every=1 train.valid_every=100)
check "trains $steps steps" train "$work/calm" "${settings[@]}"
kills=0
for round in $(seq 10); do
    resume=()
    if [ -e "$work/killed/last.safetensors" ]; then resume=(--resume); else rm -rf "$work/killed"; fi
    touch "$work/start"
    "${training[@]}" train.out="$work/killed" "${settings[@]}" "${resume[@]}" >"$work/log" 2>&1 &
    while [ $((round % 2)) = 1 ] && kill -0 $! 2>/dev/null &&
        [ ! "$work/killed/last.safetensors" -nt "$work/start" ]; do sleep 0.01; done
    sleep "0.$(printf '%03d' $((RANDOM % 60)))"
    kill -KILL $! 2>/dev/null
    wait $! 2>/dev/null
    [ $? = 137 ] && kills=$((kills + 1))
    [ -e "$work/killed/last.safetensors" ] || continue
    check "the checkpoint loads after a kill" loads "$work/killed"
done
echo "# killed $kills times"
check "was killed while it trained" test $kills -gt 2
check "goes on to the end" train "$work/killed" "${settings[@]}" --resume
check "a run killed $kills times is the run left alone, bit for bit" \
    same_tensors "$work/calm" "$work/killed"
finish
