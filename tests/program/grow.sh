#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# New items in a later log: the catalogue grows, yesterday's model is trained on, compared and used with it.
. "$(dirname "$0")/../tap.sh"
# logs: all.csv, and first.csv without the events of the last third, and without some items.
logs() {
    "$SOUK" generate --events 12000 --users 500 --items 200 --seed 4 --quiet --out "$work/log.csv" &&
        (head -1 "$work/log.csv" && tail -n +2 "$work/log.csv" | sort -t, -k5,5n) >"$work/all.csv" &&
        awk -F, 'NR == 1 || (NR < 8000 && $2 % 10 != 3)' "$work/all.csv" >"$work/first.csv"
}
ingest() { "$SOUK" ingest --quiet --plain-keys "$@"; }
settings=(model.dim=16 model.layers=1 model.length=20 train.steps=12 train.valid_every=4 optim.warmup=2 train.threads=2)
train() { "$SOUK" train --quiet --data "$1" --out "$work/$2" "${settings[@]}" "${@:3}"; }
warns() { grep -q "warning: .*$1" "$work/said"; }

check "makes the logs of two days" logs
check "ingests the first" ingest "$work/first.csv" "$work/first.h5"
check "trains on it" train "$work/first.h5" one
check "grows the catalogue of the model" \
    ingest --catalogue "$work/one" --json "$work/grown.json" "$work/all.csv" "$work/all.h5"
number() { grep -o "\"$1\": [0-9]*" "$work/grown.json" | grep -o '[0-9]*$'; }
check "says how many items are known and new" \
    eval '[ "$(number known_items)" -gt 100 ] && [ "$(number new_items)" -gt 5 ]'
check "and that the file has them all" \
    eval '[ $(($(number known_items) + $(number new_items))) = "$(number items)" ]'
check "also from the model's file, and in words" \
    eval '"$SOUK" ingest --plain-keys --catalogue "$work/one/best.safetensors" "$work/all.csv" "$work/again.h5" >"$work/said" &&
        grep -q "items known before" "$work/said" && cmp "$work/all.h5" "$work/again.h5"'
check "the same log leaves the catalogue as it is" \
    eval 'ingest --catalogue "$work/first.h5" "$work/first.csv" "$work/same.h5" &&
        [ "$("$SOUK" info "$work/same.h5" | grep -o "catalogue [0-9a-f]*")" = \
          "$("$SOUK" info "$work/first.h5" | grep -o "catalogue [0-9a-f]*")" ]'
check "a log of which the catalogue has hardly an item is warned of" \
    eval 'awk -F, -v OFS=, "NR > 1 { \$2 = \"sku-\" \$2 } 1" "$work/all.csv" >"$work/sku.csv" &&
        ingest --catalogue "$work/one" "$work/sku.csv" "$work/sku.h5" 2>"$work/said" &&
        warns "the catalogue has 0 of the [0-9]* items of the log: want the items. keys as" &&
        ingest --force --catalogue "$work/one" "$work/all.csv" "$work/sku.h5" 2>"$work/said" && ! warns "the catalogue has"'
awk -F, -v OFS=, 'NR == 5 { $4 = "wishlist" } 1' "$work/all.csv" >"$work/wish.csv"
refuses "a kind of event that the catalogue does not have is refused by name" 2 'of the kind "wish", which' \
    ingest --catalogue "$work/one" --set actions.view=0.2 --set actions.cart=0.5 --set actions.favourite=0.3 \
    --set actions.purchase=1 --set actions.review=0.2 --set actions.remove=0 --set actions.wish=0 \
    --set action_values.wishlist=wish "$work/wish.csv" "$work/no.h5"

check "a training begins with the model" train "$work/all.h5" two "train.from=$work/one"
check "and ends with the same bits again" \
    eval 'train "$work/all.h5" three "train.from=$work/one" train.threads=1 &&
        cmp "$work/two/best.safetensors" "$work/three/best.safetensors"'
check "moments go on where that is asked for" train "$work/all.h5" moments "train.from=$work/one" train.moments=1
check "with another result" eval '! cmp -s "$work/two/last.safetensors" "$work/moments/last.safetensors"'
check "which a resume goes on with" \
    eval 'train "$work/all.h5" whole "train.from=$work/one" train.moments=1 train.steps=20 &&
        train "$work/all.h5" parts "train.from=$work/one" train.moments=1 train.steps=20 train.seconds=0.01 &&
        train "$work/all.h5" parts "train.from=$work/one" train.moments=1 train.steps=20 --resume &&
        cmp "$work/whole/last.safetensors" "$work/parts/last.safetensors"'
refuses "a catalogue that lacks items of the model is refused" 2 'knows [0-9]* items that .* does not have, the first is' \
    train "$work/first.h5" less "train.from=$work/two"

eval_of() { "$SOUK" eval --quiet --data "$1" --checkpoint "$2" >"$work/report" 2>"$work/said"; }
check "the model of the first day is evaluated on the second" eval_of "$work/all.h5" "$work/one"
check "and says what it does not have" warns 'does not have [0-9]* of the [0-9]* items; they are the targets of [0-9]*'
check "today's has all" eval 'eval_of "$work/all.h5" "$work/two" && [ ! -s "$work/said" ]'
compare() { "$SOUK" eval --quiet --data "$work/all.h5" --checkpoint "$1" --checkpoint "$2" --json "$work/both.json"; }
check "both are compared on one split" eval 'compare "$work/one" "$work/two" >"$work/report" 2>"$work/said"'
check "which one sentence decides" \
    grep -Eq '^B \(.*/two\) is (better than|worse than|not told apart by chance from) A \(.*/one\)' <(tr '\n' ' ' <"$work/report" | sed 's/ \(B (\)/\n\1/g')
check "with the rows of each" eval 'grep -q "^  A: policy " "$work/report" && grep -q "^  B: policy " "$work/report"'
row() { awk -v name="$2" '$0 ~ "^  " name { sub("^  " name " *", ""); print; exit }' "$1"; }
check "which are those of each alone" \
    eval 'eval_of "$work/all.h5" "$work/two" && [ "$(row "$work/report" "souk policy")" != "" ] && cp "$work/report" "$work/alone" &&
        compare "$work/one" "$work/two" >"$work/report" 2>"$work/said" &&
        [ "$(row "$work/report" "B: policy")" = "$(row "$work/alone" "souk policy")" ]'
check "and as JSON" eval 'grep -q "\"unknown_targets\": [1-9]" "$work/both.json" && grep -q "\"over\": \"A\"" "$work/both.json"'
check "a model is not told apart from itself" \
    eval 'compare "$work/two" "$work/two" | tr "\n" " " | grep -q "is not told apart by chance from A .* a difference of +0.0000"'
# shellcheck disable=SC2034 # read by eval
new=$(awk -F, 'NR == FNR { known[$2]; next } !($2 in known) { print $2; exit }' "$work/first.csv" "$work/all.csv")
recommend() { "$SOUK" recommend --checkpoint "$work/$1" --data "$work/all.h5" --row 0 --include-seen --k 1000; }
check "yesterday's model recommends no new item" \
    eval 'recommend one >"$work/list" 2>"$work/said" && warns "never chooses them" && ! grep -qw "$new" "$work/list"'
check "today's does" eval 'recommend two >"$work/list" && grep -qw "$new" "$work/list"'
check "yesterday's recommends without data as before" \
    eval '"$SOUK" recommend --checkpoint "$work/one" --history "$new:view" >"$work/list" 2>"$work/said"'

# Prices change from day to day; without them known items are what they were.
priceless() { cut -d, -f1-5 "$work/$1.csv" >"$work/$1-5.csv"; }
check "a model of the first day trains on categories alone" \
    eval 'priceless first && priceless all && ingest "$work/first-5.csv" "$work/first-5.h5" && train "$work/first-5.h5" five &&
        ingest --catalogue "$work/five" "$work/all-5.csv" "$work/all-5.h5"'
known=$(awk -F, 'NR == 9 { print $2 }' "$work/first.csv")
for history in "$known:view" "$known:view,$new:cart,$known:cart"; do
    check "and recommends after $history the same, with the file of the second day or without" \
        eval '"$SOUK" recommend --checkpoint "$work/five" --history "$history" >"$work/without" 2>/dev/null &&
            "$SOUK" recommend --checkpoint "$work/five" --data "$work/all-5.h5" --history "$history" 2>/dev/null | cmp - "$work/without"'
done

# What is no longer sold.
best() { "$SOUK" recommend --checkpoint "$work/$1" --history "$new:view" 2>"$work/said" | awk 'NR > 1 { print $2 }' | head -"$2"; }
best two 3 >"$work/firsts"
check "an item is retired by a line in the folder of the model" \
    eval 'printf "%s\r\n\nno such item\n" "$(head -1 "$work/firsts")" >"$work/two/retired.txt" &&
        best two 2 | cmp - <(tail -2 "$work/firsts")'
check "a key of no item is said" warns 'retired.txt: 1 keys are of no item .*, the first "'
check "souk info counts both" eval '"$SOUK" info "$work/two" | grep -q "^retired: 1 items, .*; 1 listed keys are of no item"'
check "an evaluation says how many events ask for it" \
    eval 'awk -F, "NR > 1 { print \$2 }" "$work/first.csv" | sort -u | head -60 >"$work/one/retired.txt" &&
        eval_of "$work/all.h5" "$work/one" && warns "60 items are retired; they are the targets of [1-9]"'
check "a training that begins with a model takes the list along" \
    eval 'train "$work/all.h5" heir "train.from=$work/two" train.steps=2 && cmp "$work/two/retired.txt" "$work/heir/retired.txt"'
refuses "a shop sells something" 2 'retired.txt has all [0-9]* items' eval 'awk -F, "NR > 1 { print \$2 }" "$work/all.csv" >"$work/heir/retired.txt" &&
    "$SOUK" recommend --checkpoint "$work/heir" --history "$new:view"'
rm "$work/one/retired.txt"

check "the model of the first day is refreshed with the second's events" \
    eval 'cp -r "$work/one" "$work/fresh" && train "$work/all.h5" fresh --resume --refresh valid 2>"$work/said" && warns "are new to the model"'
check "which changes what it recommends" \
    eval 'recommend one >"$work/before" 2>/dev/null && recommend fresh >"$work/after" 2>/dev/null && ! cmp -s "$work/before" "$work/after"'
check "and leaves its catalogue" cmp "$work/one/catalogue.h5" "$work/fresh/catalogue.h5"
check "so that it serves as before" eval '"$SOUK" recommend --checkpoint "$work/fresh" --data "$work/first.h5" --row 0 >/dev/null'
refuses "it cannot be trained on with another catalogue" 2 'was trained on a catalogue that has grown in .* or train.from' \
    train "$work/all.h5" fresh --resume train.steps=40
finish
