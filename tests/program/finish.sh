#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A model that counts later events, or has learned them, is not asked about them, and the bars beside
# it count what it counts.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/shop.sh"
make_shop >"$work/log" 2>&1 || { fail "no shop to train on" "$(cat "$work/log")"; finish; }
rank() { "$SOUK" eval --quiet --data "$work/shop.h5" "$@"; }
# co_occurrence FILE: the row of this bar in a report, without its value on validation.
co_occurrence() { awk '/^  co-occurrence / { $NF = ""; print }' "$1"; }
# chosen FILE: what the bars have on validation, which later counts do not touch.
chosen() { awk '/^  (markov|co-occurrence|V-SKNN|ItemKNN) / { print $1, $NF }' "$1"; }

settings=(train.steps=12 train.valid_every=4 optim.warmup=2)
check "trains" train "$work/plain" "${settings[@]}"
check "trains and refreshes" train "$work/valid" "${settings[@]}" --refresh valid
check "trains and refits" train "$work/refit" "${settings[@]}" --refit
check "a run that is done is refreshed with all events" \
    eval 'cp -r "$work/plain" "$work/all" && train "$work/all" "${settings[@]}" --resume --refresh all'
check "from a last checkpoint that counts the train split" eval '"$SOUK" eval --quiet --data "$work/shop.h5" --checkpoint "$work/all/last.safetensors" --split valid'

for run in plain valid refit; do
    check "the $run run ranks the test split" eval 'rank --checkpoint "$work/$run" >"$work/$run.txt"'
done
says() { head -3 "$1" | grep -q "count the events of the splits $2\$"; }
check "nothing is said of a model that counts the train split" eval '! grep -q "count the events" "$work/plain.txt"'
check "a refreshed model is called so in the first lines" says "$work/valid.txt" 'train and valid'
check "so is a refitted one" says "$work/refit.txt" 'train and valid'
check "the bars beside it count the same" \
    eval '[ "$(co_occurrence "$work/valid.txt")" != "$(co_occurrence "$work/plain.txt")" ] &&
        [ "$(co_occurrence "$work/valid.txt")" = "$(co_occurrence "$work/refit.txt")" ]'
check "and are chosen as ever" eval '[ "$(chosen "$work/valid.txt")" = "$(chosen "$work/plain.txt")" ]'

for run in valid refit; do
    refuses "the $run run is not asked about the validation split" 2 'counts the events of the valid split' \
        rank --checkpoint "$work/$run" --split valid
done
refuses "nor one that counts all about the test split" 2 'counts the events of the test split' \
    rank --checkpoint "$work/all"
refuses "also beside another" 2 'counts the events of the test split' \
    rank --checkpoint "$work/plain" --checkpoint "$work/all"
check "unless that is forced" eval 'rank --checkpoint "$work/all" --force >"$work/all.txt"'
check "and said" says "$work/all.txt" 'train, valid and test'
refuses "nothing else than valid, all and none is counted" 2 'want none, valid or all' \
    train "$work/other" "${settings[@]}" --refresh everything
refuses "a world has nothing to finish with" 2 'finish a training on a log' \
    "$SOUK" train --world small-shop --out "$work/world" --refit
refuses "nor has an ablation" 2 'not for an ablation' \
    "$SOUK" ablate --data "$work/shop.h5" --out "$work/ablation" train.refresh=valid
finish
