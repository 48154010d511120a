#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The outcome head as a whole: in a log of what was shown, shoppers take what is of their colour. The rates of items do
# not say it, the history does; training, calibration and evaluation find it, for any number of threads.
. "$(dirname "$0")/../tap.sh"

# 400 shoppers are shown 20 of 40 items, six seconds apart. Of items of their colour they take 60 %, of others 5 %.
awk 'BEGIN {
    print "user_id,item_id,clicked,timestamp,price"
    for (u = 0; u < 400; u++)
        for (e = 0; e < 20; e++) {
            x = x * 16807 % 2147483647; if (!x) x = 42
            item = x % 40; x = x * 16807 % 2147483647
            print u "," item "," (x % 1000 < ((item + u) % 2 ? 600 : 50)) "," \
                1600000000 + 40 * u + 6 * e "," 1 + item / 10
        }
}' </dev/null >"$work/log.csv"
check "a log of clicks is taken in" "$SOUK" ingest --quiet --split leave-one-out "$work/log.csv" "$work/log.h5"
train() {
    "$SOUK" train --quiet --data "$work/log.h5" --out "$work/$1" --threads "$2" model.dim=16 model.layers=1 \
        model.dropout=0 train.steps=300 train.tokens=1024 train.valid_every=100 optim.lr=0.01 learn.outcome=1
}
check "a model learns what comes of showing an item" train run 1
check "info names the head" eval '"$SOUK" info "$work/run" | grep -q "outcome"'
evaluate() {
    "$SOUK" eval --quiet --data "$work/log.h5" --checkpoint "$work/$1" --threads "$2" --json "$work/$1.json" \
        >"$work/$1.txt"
}
check "eval shows how well" evaluate run 1
holds() { python3 -c 'import json, sys; o = json.load(open(sys.argv[1]))["outcome"]; sys.exit(not eval(sys.argv[2]))' "$@"; }
check "the history says more than the rates of items" holds "$work/run.json" \
    'o["log_likelihood"]["model_less_items"]["low"] > 0.05 and o["answers"] == 400'
check "clicks stand above impressions" holds "$work/run.json" \
    '[k["auc"]["low"] > 0.6 for k in o["kinds"] if k["name"] == "click"] == [True]'
check "tenths rise with what they foretell" holds "$work/run.json" \
    'len(o["taken"]["deciles"]) == 10 and o["taken"]["deciles"][9]["seen"]["value"] > 0.3 > o["taken"]["deciles"][0]["seen"]["value"]'
check "the table has the rewards of both" grep -Eq "^  mean reward +400 +0\.[0-9]+ +0\.[0-9]+$" "$work/run.txt"
check "the sentence says so" grep -q "The outcome head is better than the rates of each item" "$work/run.txt"
check "another number of threads learns the same" train two 2
check "bit for bit" cmp "$work/run/best.safetensors" "$work/two/best.safetensors"
unnamed() { grep -v '"path": ' "$1"; } # where the model is
check "and foretells the same" eval 'evaluate two 2 && cmp <(unnamed "$work/run.json") <(unnamed "$work/two.json")'
finish
