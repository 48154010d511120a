#!/bin/bash
# Is reinforcement learning right where the optimum is known?
#
#   bench/worlds.sh [AGENT...]    default: every agent that learns by temporal differences
#   SEEDS="1 2 3" bench/worlds.sh ...
#
# Each agent learns the small shop by acting and training in turn, with five seeds; its greedy policy's
# loss is measured against value iteration. The exit code is 0 when every agent's mean over the seeds is at
# least 0.99 of the optimum. JSON: bench/out/worlds-AGENT-SEED/rounds.json, and bench/out/worlds.json. A run takes
# two minutes of a core, of which there are as many at once as processors: all of them over an hour on two. Agents
# that follow a policy's gradient alone (reinforce, vtrace, ppo, sa2c) are taken by name.
set -euo pipefail
. "$(dirname "$0")/common.sh"
[ $# -gt 0 ] || set -- q_learning double_q n_step sarsa sarsa_lambda expected_sarsa retrace soft_q cql sqn snqn \
    bcq iql crr

# What an agent needs beside bench/worlds.ini.
settings_of() {
    case $1 in
    # On-policy: older rounds speak of other policies.
    sarsa) echo world.window=2 ;;
    sarsa_lambda) echo world.window=2 learn.lambda=0.3 ;;
    n_step) echo learn.objective=double_q learn.n_step=2 world.window=2 world.cooling=0.2 ;;
    # Policies over Q are to be nearly greedy.
    expected_sarsa | soft_q) echo learn.temperature=0.1 ;;
    # Two losses on one small encoder: the one that acts weighs more.
    sqn) echo learn.td_weight=20 ;;
    retrace) echo learn.td_weight=20 learn.temperature=0.1 learn.lambda=0.5 ;;
    # What holds values down where the log is thin is to be weak, as the world can be asked.
    cql) echo learn.alpha=0.02 ;;
    snqn | sa2c) echo learn.td_weight=20 learn.negatives=0.002 ;;
    bcq) echo learn.td_weight=20 learn.allowed=0.001 ;;
    # An expectile near the maximum.
    iql) echo learn.td_weight=20 learn.value_weight=20 learn.expectile=0.95 learn.temperature=0.1 learn.weight_max=5 world.head=q ;;
    crr) echo learn.td_weight=20 learn.temperature=0.1 learn.weight_max=5 ;;
    # The policy itself acts.
    reinforce | vtrace) echo world.temperature=1 world.cooling=1 world.window=1 learn.entropy=0.02 optim.lr=1e-3 ;;
    ppo) echo world.temperature=1 world.cooling=1 world.window=1 learn.entropy=0.005 ;;
    esac
}
export -f settings_of
export souk out

train() {
    # shellcheck disable=SC2046 # settings are words
    "$souk" train --force --config bench/worlds.ini "learn.objective=$1" $(settings_of "$1") "train.seed=$2" \
        train.threads=1 train.quiet=1 "train.out=$out/worlds-$1-$2" && echo "$1, seed $2: done"
}
export -f train

seeds=${SEEDS:-1 2 3 4 5}
for agent in "$@"; do
    for seed in $seeds; do echo "$agent $seed"; done
done | xargs -P "$(nproc)" -L 1 bash -c 'train "$0" "$1"'

python3 - "$out" "$seeds" "$@" <<'PYTHON'
import json, sys

out, seeds, agents = sys.argv[1], sys.argv[2].split(), sys.argv[3:]
rows = {}
print("\n%-16s %9s   %s" % ("agent", "mean", "share of the optimum, by seed"))
for agent in agents:
    tables = [json.load(open("%s/worlds-%s-%s/rounds.json" % (out, agent, s))) for s in seeds]
    share = [1 - t["rounds"][-1]["lost_of_the_optimum"]["mean"] / t["optimum"] for t in tables]
    rows[agent] = {"mean": sum(share) / len(share), "seeds": share}
    print("%-16s %9.4f   %s" % (agent, rows[agent]["mean"], "  ".join("%.4f" % x for x in share)))
json.dump({"world": "small-shop", "agents": rows}, open(out + "/worlds.json", "w"), indent=1)
reached = all(row["mean"] >= 0.99 for row in rows.values())
print("wanted 0.99: %s" % ("reached" if reached else "not reached"))
sys.exit(not reached)
PYTHON
