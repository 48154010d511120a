#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Does a policy that learned by bidding win as much as the bidders that know the market?
#
#   bench/bidder.sh [SECTION.KEY=VALUE...]     with other settings of the training
#
# 500 auctions under a budget among 7 rivals: at the second price, at the generalised second price with three
# slots, and with a limit on the cost of a click that corrects the sum of values won. A choice is one of 9
# multiples of the linear bid, held for 20 auctions. The policy begins at random and learns by acting
# (souk train --world); then all play the same 2000 episodes, on which it was never measured. RLB is the dynamic
# program over what the market did before the agent came. Exit code 0 when the learned policy is above every
# other bidder, or within its interval, in each. Also its bid curves: bench/out/bids-MARKET/*.svg. Three minutes
# on two cores. JSON: bench/out/bidder-MARKET.json, bench/out/bidder-MARKET-learned.json
set -euo pipefail
. "$(dirname "$0")/common.sh"
settings=(learn.objective=double_q learn.gamma=1 learn.polyak=0.02 learn.action_weight=0 model.dim=32
    model.layers=1 model.heads=2 model.length=4 model.dropout=0 optim.lr=3e-3 optim.lr_floor=0.01
    optim.weight_decay=0 train.tokens=2048 world.episodes=2000 world.measured=500 world.steps=300
    world.epsilon=0.5 world.cooling=0.2)
# What the limit takes is paid at the end: rewards of several steps carry it back.
declare -A more=([second_price]="" [three_slots]="" [click_limit]="learn.n_step=5 model.length=8 world.cooling=0.1")
declare -A market=([second_price]="" [three_slots]=",slots=3" [click_limit]=",limit=10000")
order=(second_price three_slots click_limit)
for name in "${order[@]}"; do
    world=auction:period=20,levels=9${market[$name]}
    # shellcheck disable=SC2086 # settings are words
    run train --world "$world" --rounds 10 --force "train.out=$out/bidder-$name" "${settings[@]}" ${more[$name]} "$@"
    play=(--world "$world" --episodes 2000 --seed 99 --quiet --plot "$out/bids-$name")
    run simulate "${play[@]}" --all --json "$out/bidder-$name.json"
    run simulate "${play[@]}" --checkpoint "$out/bidder-$name" --data "$out/bidder-$name/round-0.h5" --show \
        --json "$out/bidder-$name-learned.json"
done
python3 - "$out" "${order[@]}" <<'PYTHON'
import json, sys

out, markets, reached = sys.argv[1], sys.argv[2:], True
print("\n%-14s %18s   %s" % ("market", "learned", "others"))
for market in markets:
    row = lambda kind: json.load(open("%s/bidder-%s%s.json" % (out, market, kind)))["policies"]
    others = sorted(row(""), key=lambda r: -r["return"])
    (learned,) = row("-learned")
    reached &= learned["return"] + learned["half_interval_95"] >= others[0]["return"]
    print("%-14s %9.2f +- %5.2f   %s" % (market, learned["return"], learned["half_interval_95"],
                                        ", ".join("%s %.2f" % (r["policy"], r["return"]) for r in others)))
print("as good as the best bidder in every market: %s" % ("yes" if reached else "no"))
sys.exit(not reached)
PYTHON
