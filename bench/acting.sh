#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Does the rule that training finds act as well as the policy alone, and as Q alone? In a shop of 300 items, from
# logs of two of its policies, by two objectives and two seeds; in the small shop from a random log.
#
#   bench/acting.sh
#
# Prints a line for each model: its rule, and the return by the rule, by the policy and by Q, of the same 10,000
# episodes, in which no item of the last eight events is shown. Five minutes on one core.
set -euo pipefail
. "$(dirname "$0")/common.sh"
size=(train.steps=500 train.tokens=2048 train.valid_every=500 train.patience=0 model.dim=32 model.layers=1
    model.heads=2 model.length=12 model.dropout=0 train.threads=1)
double_q=(learn.objective=cross_entropy+double_q)
reward_model=(learn.objective=cross_entropy+sarsa learn.gamma=0 learn.log_values=1 learn.reward_scale=20
    learn.action_weight=0 model.init_std=0.002 optim.eps=1e-3 optim.embedding_decay=0.5 optim.lr=3e-3
    optim.lr_floor=0.2)

# played WORLD LOG MODEL [OPTION]...
played() {
    "$souk" simulate --quiet --threads 1 --world "$1" --data "$out/acting-$2.h5" --checkpoint "$out/acting-$3" \
        "${@:4}" | tail -1 | awk '{ print $2 " +- " $3 }'
}
# row WORLD LOG NAME EXCLUDED SETTING...
row() {
    "$souk" train --quiet --force --data "$out/acting-$2.h5" --out "$out/acting-$3" "${size[@]}" "${@:5}"
    echo "$3: $("$souk" info "$out/acting-$3" | sed -n 's/^acting: //p')"
    for rule in "" policy q; do
        echo "    ${rule:-by its rule} $(played "$1" "$2" "$3" --exclude-last "$4" ${rule:+--acting $rule})"
    done
}

"$souk" simulate --quiet --world small-shop --policy random --episodes 8000 --out "$out/acting-random.h5" >/dev/null
row small-shop random small-shop 0 "${double_q[@]}" learn.gamma=0.95 learn.td_weight=10
for log in popularity trial; do
    "$souk" simulate --quiet --world shop:items=300 --policy $log --episodes 20000 --out "$out/acting-$log.h5" \
        >/dev/null
    for seed in 1 2; do
        row shop:items=300 $log $log-double_q-$seed 8 "${double_q[@]}" train.seed=$seed
        row shop:items=300 $log $log-reward_model-$seed 8 "${reward_model[@]}" train.seed=$seed
    done
done
