#!/bin/bash
# Is reinforcement learning right where the optimum is known?
#
#   bench/worlds.sh [AGENT...]    default: q_learning double_q sarsa expected_sarsa
#
# Each agent learns the small shop by acting and training in turn, with five seeds; its greedy policy's
# loss is measured against value iteration. The exit code is 0 when every agent's mean over the seeds is at
# least 0.99 of the optimum. JSON: bench/out/worlds-AGENT-SEED/rounds.json. Half an hour on two cores.
set -euo pipefail
. "$(dirname "$0")/common.sh"
[ $# -gt 0 ] || set -- q_learning double_q sarsa expected_sarsa
for agent in "$@"; do
    more=()
    case $agent in
    sarsa) more=(world.window=2) ;; # on-policy: older rounds speak of other policies
    expected_sarsa) more=(learn.temperature=0.1) ;;
    esac
    for seed in 1 2 3 4 5; do
        run train --force --config bench/worlds.ini "learn.objective=$agent" "train.seed=$seed" \
            "train.out=$out/worlds-$agent-$seed" "${more[@]}"
    done
done
python3 - "$out" "$@" <<'PYTHON'
import json, sys

worst = 1.0
print("\n%-16s %9s   %s" % ("agent", "mean", "share of the optimum, by seed"))
for agent in sys.argv[2:]:
    tables = [json.load(open("%s/worlds-%s-%d/rounds.json" % (sys.argv[1], agent, s))) for s in range(1, 6)]
    share = [1 - t["rounds"][-1]["lost_of_the_optimum"]["mean"] / t["optimum"] for t in tables]
    mean = sum(share) / len(share)
    worst = min(worst, mean)
    print("%-16s %9.4f   %s" % (agent, mean, "  ".join("%.4f" % x for x in share)))
print("wanted 0.99: %s" % ("reached" if worst >= 0.99 else "not reached"))
sys.exit(worst < 0.99)
PYTHON
