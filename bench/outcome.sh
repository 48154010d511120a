#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What does an outcome head cost the policy, and does it say the truth? In a shop of 300 items, from a log of its
# policy `popularity`, by two seeds and four weights of the head's loss.
#
#   bench/outcome.sh
#
# Prints a line for each model: the return of its policy in 10,000 other sessions; then what the head says of the
# items that `popularity` shows in 5,000 other sessions, and of random items in the same states, beside the truth,
# which the shop knows: the mean expected reward of both, the correlation, the slope of the truth on what the model
# says (1: calibrated), and the mean probability of a look and of leaving. Twelve minutes on one core.
set -euo pipefail
. "$(dirname "$0")/common.sh"
size=(train.steps=500 train.tokens=2048 model.dim=32 model.layers=1 model.heads=2 model.length=12 train.threads=1
    optim.lr=3e-3)
world=shop:items=300
log=$out/outcome-log.h5
build=${BUILD:-build}
[ -n "${SOUK:-}" ] || ninja -C "$build" bench_outcome >"$out/build.log"

# show FILE ARM: one line of figures.
show() {
    python3 - "$1" "$2" <<'END'
import json
import sys

a = json.load(open(sys.argv[1]))[sys.argv[2]]
pair = lambda name: "%.4f for %.4f" % (a[name]["model"], a[name]["truth"])
print(
    "    %-7s reward %s, correlation %.3f, slope %.3f, looks %s, leaves %s"
    % (sys.argv[2], pair("reward"), a["correlation"], a["slope"], pair("taken"), pair("leave"))
)
print("            tenths", " ".join("%.3f/%.3f" % (g["model"], g["truth"]) for g in a["tenths"]))
END
}

"$souk" simulate --quiet --world $world --policy popularity --episodes 30000 --out "$log" >/dev/null
for seed in 1 2; do
    for weight in 0 0.1 0.3 1; do
        run=$out/outcome-$weight-$seed
        "$souk" train --quiet --force --data "$log" --out "$run" "${size[@]}" train.seed=$seed learn.outcome=$weight
        "$souk" simulate --quiet --threads 1 --world $world --data "$log" --checkpoint "$run" --exclude-last 8 \
            --seed 77 | tail -1 | awk "{ print \"weight $weight, seed $seed: return \" \$2 \" +- \" \$3 }"
        [ $weight = 0 ] && continue
        "$build/bench/bench_outcome" $world popularity 5000 78 "$run" "$log" "$run.json"
        show "$run.json" shown
        show "$run.json" random
    done
done
