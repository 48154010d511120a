#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Does planning pay? The same Double DQN with gamma 0, which learns what an item earns now, and with gamma 0.95, which
# learns what follows it too, in shops in which the best item for the next reward is not the best one to show: three
# small shops whose optimum is known, and a shop of 10,000 items whose shoppers tire.
#
#   bench/planning.sh [WORLD...]       of small-shop:preset=margin, small-shop:preset=variety,
#                                      small-shop:preset=patience, shop:preset=fatigue; all of them
#   SEEDS="1 2 3" bench/planning.sh …  seeds of training; 1 to 10 in the large shop, 1 to 5 in the small ones
#
# Both learn from one log, of 8,000 sessions of random items in the small shops and of 20,000 sessions of the policy
# trial in the large one. Both act by Q in the same 10,000 other sessions: among all items in the small shops, among the
# 20 that the policy ranks best in the large one, where most of the items have hardly been tried. Prints the mean return
# over the seeds, and the mean difference with its 95 % interval over the seeds (Student's t). The exit code is 0 where
# every interval is above 0. JSON: bench/out/planning.json. Twenty minutes of one core.
set -euo pipefail
. "$(dirname "$0")/common.sh"
[ $# -gt 0 ] || set -- small-shop:preset={margin,variety,patience} shop:preset=fatigue
size=(train.steps=500 train.tokens=2048 train.valid_every=500 train.patience=0 train.valid_users=200 model.dim=32
    model.layers=1 model.heads=2 model.length=20 model.dropout=0 train.threads=1)
small=(learn.td_weight=10)
# Rewards are rare and of several sizes: their logarithm is learned, and by shelf before it is learned by item.
large=(learn.log_values=1 learn.reward_scale=20 learn.action_weight=0 model.init_std=0.002 optim.eps=1e-3
    optim.embedding_decay=0.5 optim.lr=3e-3 optim.lr_floor=0.2 acting.exclude_last=8)

rm -f "$out"/planning-*.json
for world in "$@"; do
    name=planning-${world#*=}
    case $world in
    small-shop*) log=(--policy random --episodes 8000) settings=("${small[@]}") rule=q seeds="1 2 3 4 5" ;;
    *) log=(--policy trial --episodes 20000) settings=("${large[@]}") rule=candidates:20 seeds=$(seq 10) ;;
    esac
    "$souk" simulate --quiet --world "$world" "${log[@]}" --out "$out/$name.h5" >/dev/null
    "$souk" simulate --quiet --world "$world" --all --seed 77 --json "$out/$name-rules.json" >/dev/null
    for seed in ${SEEDS:-$seeds}; do
        for gamma in 0 0.95; do
            run=$out/$name-$gamma-$seed
            "$souk" train --quiet --force --data "$out/$name.h5" --out "$run" "${size[@]}" "${settings[@]}" \
                learn.objective=cross_entropy+double_q learn.gamma=$gamma "train.seed=$seed" >/dev/null
            "$souk" simulate --quiet --world "$world" --checkpoint "$run" --acting $rule --seed 77 --json "$run.json" \
                >/dev/null
        done
    done
done
python3 bench/planning.py "$out" "$@"
