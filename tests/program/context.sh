#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Which events a state sees: the same in training, evaluation and use; and no order of events of one
# time.
. "$(dirname "$0")/../tap.sh"

# Shoppers who go round three of 30 items: the next item is the one three events ago.
cycles() {
    awk 'BEGIN {
        srand(4); print "user_id,item_id,timestamp"
        for (k = 0; k < 30; k++) printf "u0,i%d,%d\n", k, 1599990000 + k * 60
        for (u = 1; u <= 1000; u++) {
            a = int(30 * rand()); b = (a + 1 + int(14 * rand())) % 30
            c = (b + 1 + int(14 * rand())) % 30
            for (k = 0; k < 12; k++)
                printf "u%d,i%d,%d\n", u, k % 3 == 0 ? a : k % 3 == 1 ? b : c,
                    1600000000 + u + k * 60
        } }' >"$work/cycles.csv"
}

# knows HISTORY: the item three events ago is the first recommendation.
knows() {
    "$SOUK" recommend --checkpoint "$work/cycles" --data "$work/cycles.h5" --history "$1" --k 1 \
        --include-seen | tail -1 | awk '{ exit $2 != "i3" }'
}

# Baskets of 6 of 100 items, all equally likely; $1: the order of the rows of a basket.
baskets() {
    awk -v sorted="$1" 'BEGIN {
        srand(7); print "user_id,item_id,timestamp"
        for (u = 0; u < 1500; u++) for (b = 0; b < 4; b++) {
            split("", in_basket); n = 0
            while (n < 6) {
                i = int(100 * rand())
                if (!(i in in_basket)) { in_basket[i] = 1; drawn[n++] = i }
            }
            t = 1600000000 + u * 13 + b * 7 * 86400
            if (sorted) { for (i = 0; i < 100; i++) if (i in in_basket) printf "u%d,i%03d,%d\n", u, i, t }
            else for (k = 0; k < 6; k++) printf "u%d,i%03d,%d\n", u, drawn[k], t
        } }' >"$work/baskets.csv"
}

# The greatest HR@10 of a simple scorer on random baskets, whose items nobody can foretell: 0.10
# where nothing leaks. The standard error is 0.008 for 1,500 events; the bound is five of those.
by_chance() {
    baskets "$1" &&
        "$SOUK" ingest --plain-keys --force --quiet --split "$2" "$work/baskets.csv" "$work/baskets.h5" &&
        "$SOUK" eval --include-seen --quiet --data "$work/baskets.h5" >"$work/table" || return 1
    awk '{ for (k = 1; k < NF; k++) if ($k ~ /^[+]-/) { rows++; if ($(k + 2) > 0.14) leaks++ } }
        END { exit leaks || !rows }' "$work/table" && return 0
    cat "$work/table" && return 1
}

cycles
"$SOUK" ingest --plain-keys --quiet --max-per-minute 0 --split leave-one-out "$work/cycles.csv" "$work/cycles.h5"
check "a model learns that shoppers go round" "$SOUK" train data.path="$work/cycles.h5" \
    train.out="$work/cycles" train.steps=300 train.quiet=1 model.dim=32 model.layers=2 \
    model.length=5 model.dropout=0 optim.lr=0.003 optim.warmup=20 train.tokens=2048 \
    train.patience=0 train.valid_users=50
for history in i3,i7,i9 i9,i3,i7,i9 i7,i9,i3,i7,i9 i7,i9,i3,i7,i9,i3,i7,i9,i3,i7,i9; do
    check "it knows the next item after $history" knows "$history"
done
for split in time leave-last-basket leave-one-out; do
    for sorted in 1 0; do
        check "random baskets tell nothing: sorted $sorted, split $split" by_chance "$sorted" "$split"
    done
done
printf 'user_id,item_id,timestamp\na,x,5\na,y,5\nb,x,5\nb,y,5\n' >"$work/same.csv"
"$SOUK" ingest --plain-keys --quiet --split leave-one-out "$work/same.csv" "$work/same.h5"
refuses "a log without two times of one user is refused" 1 'two different times' \
    "$SOUK" train data.path="$work/same.h5" train.out="$work/same" train.quiet=1
finish
