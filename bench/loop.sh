#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Does the closed loop beat what a shop can do without learning? A catalogue of 100,000 items, hidden interests.
#
#   bench/loop.sh [KEY=VALUE...]        over bench/loop.ini; but for world.name and acting.exclude_last
#
# Round 0 learns from two million episodes of the shop's policy `trial`; in each of ten more rounds the policy acts,
# and all rounds so far are learned from. Then the policy and those that come with the shop play the same 100,000
# episodes, which it was not trained on. Exit code 0 when its return is above that of each policy that sees what it
# sees, with 95 % intervals that do not touch. Table and plot of the rounds: bench/out/loop/rounds.{json,svg}; the
# last table: bench/out/loop-{learned,policies}.json. Forty minutes on two cores.
set -euo pipefail
. "$(dirname "$0")/common.sh"
setting() { sed -n "s/^$1 = //p" bench/loop.ini; }
run=$out/loop
play=(--quiet --world "$(setting name)" --episodes "${EPISODES:-100000}" --seed 99)

rm -f $out/loop-*.json
"$souk" train --force --config bench/loop.ini "train.out=$run" "$@"
"$souk" simulate "${play[@]}" --all --json $out/loop-policies.json
"$souk" simulate "${play[@]}" --checkpoint $run --data $run/round-0.h5 --json $out/loop-learned.json
python3 - $out <<'PYTHON'
import json, sys

def rows(name):
    return json.load(open("%s/loop-%s.json" % (sys.argv[1], name)))["policies"]

(learned,) = rows("learned")
oracles = {p["name"] for p in json.load(open(sys.argv[1] + "/loop/rounds.json"))["policies"] if p["oracle"]}
best = max((row for row in rows("policies") if row["policy"] not in oracles), key=lambda row: row["return"])
low, high = learned["return"] - learned["half_interval_95"], best["return"] + best["half_interval_95"]
for name, row in (("learned", learned), (best["policy"], best)):
    print("%-12s %.5f +- %.5f" % (name, row["return"], row["half_interval_95"]))
print("learned / %s: %.4f; intervals apart: %s" % (best["policy"], learned["return"] / best["return"], "yes" if low > high else "no"))
sys.exit(not low > high)
PYTHON
