#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A model that needs nothing but its own folder: souk recommend without the log it was trained on.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/shop.sh"

check "makes a shop" make_shop
check "trains" train "$work/run" train.steps=30
# The folder at another place, and no log beside it.
mkdir "$work/away" && cp "$work/run"/best.safetensors "$work/run"/catalogue.h5 "$work/away"

items=$(awk -F, 'NR > 1 && NR < 6 { print $2 }' "$work/log.csv" | paste -sd ,)
one=${items%%,*}
away=("$SOUK" recommend --checkpoint "$work/away")
log=("$SOUK" recommend --checkpoint "$work/run" --data "$work/shop.h5")

# same HISTORY: with the log and without it the program prints the same bytes.
same() {
    "${log[@]}" --history "$1" --json >"$work/with" && "${away[@]}" --history "$1" --json >"$work/without" &&
        cmp "$work/with" "$work/without" && grep -q '"score"' "$work/with"
}
check "the folder alone recommends as with the log" same "$items"
check "with actions" same "$one:view,$one:purchase"
check "with times" same "$one:view@2024-06-01T12:00:00,$one:cart@2024-06-02 08:30:00"
check "after an unknown item too" same "$one,never-seen:cart,$one"
check "other times, other scores" eval '"${away[@]}" --json --history "$one@1717243200,$one@1717329600" >"$work/far" &&
    "${away[@]}" --json --history "$one@1717243200,$one@1717243201" >"$work/near" && ! cmp -s "$work/far" "$work/near"'

warns() { "${away[@]}" --history "$1" 2>"$work/err" >"$work/out" && grep -qF -- "$2" "$work/err" && [ "$(wc -l <"$work/err")" = 1 ]; }
check "one unknown item is named" warns "never-seen" 'warning: 1 event is of items that the model does not know, the first "never-seen"'
check "several are counted" warns "$one,never-seen:cart,nor-this" 'warning: 2 events are of items that the model does not know, the first "never-seen"'
check "where all are known nothing is said" eval '"${away[@]}" --history "$items" 2>"$work/err" >"$work/out" && [ ! -s "$work/err" ]'

refuses "an unknown action lists the known ones" 2 'no action "vew" \(did you mean "view"\?\), want one of view, cart, favourite, purchase, review, remove' \
    "${away[@]}" --history "$one:vew"
refuses "a time that is none is refused" 2 '"noon" is no time' "${away[@]}" --history "$one@noon"
refuses "a user needs the log" 2 'want it as --data' "${away[@]}" --user "$(a_user)"
refuses "and so does a row" 2 'want it as --data' "${away[@]}" --row 0

mkdir "$work/old" && cp "$work/run/best.safetensors" "$work/old"
refuses "a run of an earlier version says that it wants the log" 2 'old/best.safetensors has no catalogue.h5 beside it.*want the data' \
    "$SOUK" recommend --checkpoint "$work/old" --history "$items"
check "info says so too" eval '"$SOUK" info "$work/old" | grep -q "^catalogue: not kept, as the model is of an earlier version"'
check "and it works with the log" eval '"$SOUK" recommend --checkpoint "$work/old" --data "$work/shop.h5" --history "$items" --json >"$work/without" &&
    "${log[@]}" --history "$items" --json | cmp - "$work/without"'
check "a training that is resumed adds the catalogue" eval 'cp -r "$work/run" "$work/resumed" && rm "$work/resumed/catalogue.h5" &&
    train "$work/resumed" train.steps=30 --resume && cmp "$work/run/catalogue.h5" "$work/resumed/catalogue.h5"'
check "makes another shop" eval '"$SOUK" generate --events 2000 --users 90 --items 40 --seed 9 --out "$work/fewer.csv" &&
    "$SOUK" ingest --plain-keys --quiet "$work/fewer.csv" "$work/fewer.h5"'
check "and a model of it" train "$work/fewer" data.path="$work/fewer.h5" train.steps=2
cp "$work/fewer/catalogue.h5" "$work/old"
refuses "info refuses the catalogue of another model" 2 'was trained' "$SOUK" info "$work/old"
refuses "the catalogue of another model is refused" 2 'was trained' \
    "$SOUK" recommend --checkpoint "$work/old" --history "$items"
finish
