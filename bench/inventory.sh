#!/bin/bash
# Does a learned policy beat the best base-stock policy on perishable stock, and how near is it to the optimum?
#
#   bench/inventory.sh [SECTION.KEY=VALUE...]     with other settings of the training
#
# De Moor et al. 2022, life 2, lead 1, oldest units first; costs in tens, so that values are of the size that
# networks learn. Three seeds. Each is trained by acting (souk train --world); the bar is the best of all
# base-stock levels on the very episodes that the policy is measured on. Exit code 0 when every seed is above
# it. Then the learned order table. JSON of each: bench/out/inventory-SEED/rounds.json
set -euo pipefail
. "$(dirname "$0")/common.sh"
costs=order_cost=0.3,shortage_cost=0.5,wastage_cost=0.7,holding_cost=0.1,horizon=50
world=inventory:issue=oldest,start=any,$costs
settings=(learn.objective=double_q learn.gamma=0.9 learn.copy_every=100 model.dim=32 model.layers=1
    model.heads=2 model.length=4 model.dropout=0 optim.lr=3e-3 world.episodes=2000 world.measured=4000
    world.steps=400 world.epsilon=0.3)

# Every level plays the same episodes, one after another.
rm -f $out/inventory-level-*.json
for level in 3 4 5 6 7 8 9 10; do
    "$souk" simulate --quiet --world "$world,base_stock=$level" --policy base_stock --policy optimal \
        --episodes 20000 --json $out/inventory-level-$level.json >/dev/null
done
for seed in 1 2 3; do
    run train --world "$world" --rounds 8 --force train.out=$out/inventory-$seed train.seed=$seed \
        "${settings[@]}" "$@"
    run simulate --quiet --world "$world" --checkpoint $out/inventory-$seed --data $out/inventory-$seed/round-0.h5 \
        --episodes 20000 --show --json $out/inventory-learned-$seed.json
done
python3 - $out <<'PYTHON'
import glob, json, sys

def returns(path):
    table = json.load(open(path))
    return {row["policy"]: row["return"] for row in table["policies"]}, table["optimum"]

levels = {}
for path in glob.glob(sys.argv[1] + "/inventory-level-*.json"):
    row, optimum = returns(path)
    levels[int(path.split("-")[-1].split(".")[0])] = row["base_stock"]
best = max(levels, key=levels.get)
print("\noptimum %.4f, best base-stock %d: %.4f" % (optimum, best, levels[best]))
above = True
for seed in (1, 2, 3):
    (value,) = returns(sys.argv[1] + "/inventory-learned-%d.json" % seed)[0].values()
    above &= value > levels[best]
    print("learned, seed %d: %.4f, %.2f %% of the optimum's cost" % (seed, value, 100 * value / optimum))
print("above the best base-stock with every seed: " + ("yes" if above else "no"))
sys.exit(not above)
PYTHON
