#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Is reinforcement learning right where the optimum is known?
#
#   bench/worlds.sh [small-shop | inventory] [AGENT...]
#   SEEDS="1 2 3" bench/worlds.sh ...
#
# Each agent (default: every one that learns by temporal differences) learns the world by acting and training in
# turn, with five seeds; its greedy policy's loss is measured against value iteration. The small shop, or perishable
# stock (De Moor et al. 2022, life 2, lead 1, oldest units first; costs in tens, so that values are of the size that
# networks learn). The exit code is 0 when every agent's mean over the seeds is at least 0.99 of the optimum; where
# the optimum is a cost, what is lost is a share of that. JSON: bench/out/WORLD-AGENT-SEED/rounds.json, and
# bench/out/WORLD.json. A run takes two minutes of a core, in the inventory one, of which there are as many at once as
# processors: all of the small shop over an hour on two, all of the inventory forty minutes. Agents that follow a
# policy's gradient alone (reinforce, vtrace, ppo, sa2c) are taken by name.
set -euo pipefail
. "$(dirname "$0")/common.sh"
world=small-shop
case ${1:-} in small-shop | inventory) world=$1 && shift ;; esac
[ $# -gt 0 ] || set -- q_learning double_q n_step sarsa sarsa_lambda expected_sarsa retrace soft_q cql sqn snqn \
    bcq iql crr

# What an agent needs beside bench/WORLD.ini.
settings_of() {
    case $world-$1 in
    # Two losses on one encoder, and differences of values that are small beside the values: more rounds are heard, and
    # more choices of any kind.
    inventory-sqn) echo learn.td_weight=20 world.window=8 world.epsilon=0.5 ;;
    inventory-bcq) echo learn.td_weight=20 learn.allowed=0.001 world.window=8 world.epsilon=0.5 ;;
    inventory-retrace) echo learn.td_weight=100 learn.temperature=0.05 learn.lambda=0.3 world.window=8 ;;
    # That what is unlogged earns nothing is far too good where all values are costs: hardly any weight.
    inventory-snqn) echo learn.td_weight=20 learn.negatives=0.0001 world.window=8 ;;
    # A milder expectile, as V comes down to its costs by what lies below it.
    inventory-iql) echo learn.td_weight=100 learn.critic_weight=100 learn.expectile=0.8 learn.weight_max=5 \
        acting.rule=q world.window=8 world.epsilon=0.5 ;;
    # Q acts: the policy that follows it stays with what the log has most of.
    inventory-crr) echo learn.td_weight=100 learn.temperature=0.3 learn.weight_max=5 acting.rule=q ;;
    # With two rounds and hardly any exploring, what other orders cost is forgotten.
    inventory-n_step) echo learn.objective=double_q learn.n_step=2 world.cooling=0.1 ;;
    # On-policy: older rounds speak of other policies.
    *-sarsa) echo world.window=2 ;;
    *-sarsa_lambda) echo world.window=2 learn.lambda=0.3 ;;
    *-n_step) echo learn.objective=double_q learn.n_step=2 world.window=2 world.cooling=0.03 ;;
    # Policies over Q are to be nearly greedy.
    *-expected_sarsa | *-soft_q) echo learn.temperature=0.1 ;;
    # Two losses on one small encoder: the one that acts weighs more.
    *-sqn) echo learn.td_weight=20 ;;
    *-retrace) echo learn.td_weight=20 learn.temperature=0.1 learn.lambda=0.5 ;;
    # What holds values down where the log is thin is to be weak, as the world can be asked.
    *-cql) echo learn.alpha=0.02 ;;
    *-snqn | *-sa2c) echo learn.td_weight=20 learn.negatives=0.002 ;;
    *-bcq) echo learn.td_weight=20 learn.allowed=0.001 ;;
    # An expectile near the maximum.
    *-iql) echo learn.td_weight=20 learn.critic_weight=20 learn.expectile=0.98 learn.temperature=0.1 learn.weight_max=5 acting.rule=q ;;
    *-crr) echo learn.td_weight=20 learn.temperature=0.1 learn.weight_max=5 ;;
    # The policy itself acts.
    *-reinforce | *-vtrace) echo world.temperature=1 world.cooling=1 world.window=1 learn.entropy=0.02 optim.lr=1e-3 ;;
    *-ppo) echo world.temperature=1 world.cooling=1 world.window=1 learn.entropy=0.005 ;;
    esac
}
export -f settings_of
export souk out world

train() {
    # shellcheck disable=SC2046 # settings are words
    "$souk" train --force --config "bench/$world.ini" "learn.objective=$1" $(settings_of "$1") "train.seed=$2" \
        train.threads=1 train.quiet=1 "train.out=$out/$world-$1-$2" && echo "$1, seed $2: done"
}
export -f train

seeds=${SEEDS:-1 2 3 4 5}
for agent in "$@"; do
    for seed in $seeds; do echo "$agent $seed"; done
done | xargs -P "$(nproc)" -L 1 bash -c 'train "$0" "$1"'

python3 - "$out" "$world" "$seeds" "$@" <<'PYTHON'
import json, sys

out, world, seeds, agents = sys.argv[1], sys.argv[2], sys.argv[3].split(), sys.argv[4:]
rows = {}
print("\n%-16s %9s   %s" % ("agent", "mean", "share of the optimum, by seed"))
for agent in agents:
    tables = [json.load(open("%s/%s-%s-%s/rounds.json" % (out, world, agent, s))) for s in seeds]
    share = [1 - t["rounds"][-1]["lost_of_the_optimum"]["mean"] / abs(t["optimum"]) for t in tables]
    rows[agent] = {"mean": sum(share) / len(share), "seeds": share}
    print("%-16s %9.4f   %s" % (agent, rows[agent]["mean"], "  ".join("%.4f" % x for x in share)))
json.dump({"world": world, "agents": rows}, open("%s/%s.json" % (out, world), "w"), indent=1)
reached = all(row["mean"] >= 0.99 for row in rows.values())
print("wanted 0.99: %s" % ("reached" if reached else "not reached"))
sys.exit(not reached)
PYTHON
