#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From a bare Debian 12 to a policy that earns more: installs the packages that are missing, builds
# souk, and takes a log the whole way.
#
#   ./quickstart.sh                  a simulated shop, whose log has what it showed: imitation, a
#                                    policy that is improved by what things earn, two rounds of
#                                    acting and learning, and what each of them earns
#   ./quickstart.sh LOG [MAP.ini]    your log; MAP.ini names its columns (datasets/README.md):
#                                    ingest, train, eval, recommend
#
# Everything it makes is under quickstart-out/. After the build the first takes three minutes on two
# cores; the second trains for at most TRAIN_SECONDS (600).
set -euo pipefail
if [ $# -gt 2 ] || [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
    sed -n '3,14s/^# \{0,1\}//p' "$0"
    [ $# -le 2 ]
    exit
fi
log=${1:+$(realpath -- "$1")} map=${2:+$(realpath -- "$2")}
[ -z "$log" ] || [ -r "$log" ] || { echo "quickstart: cannot read $log" >&2 && exit 1; }

cd "$(dirname "$0")"
. cmake/packages.sh
out=quickstart-out
souk=$out/build/souk
mkdir -p $out

step() { printf '\n== %s\n' "$*"; }
# run ARGUMENT...: shows the souk command that you could have typed, and runs it.
run() { printf '\n$ souk %s\n' "$*" && $souk "$@"; }

build() {
    step "packages and build"
    # shellcheck disable=SC2086 # names are words
    install_packages $build_packages $plot_packages
    if ! { cmake --preset cpu -B $out/build -DBUILD_TESTING=OFF && cmake --build $out/build; } \
        >$out/build.log 2>&1; then
        tail -n 40 $out/build.log
        echo "quickstart: souk does not build; all of the output is in $out/build.log" >&2
        exit 1
    fi
    $souk --version
}

# ---- Your log ------------------------------------------------------------------------------------

your_log() {
    step "the log becomes a behaviour file"
    run ingest --force ${map:+--map "$map"} "$log" $out/shop.h5
    run info $out/shop.h5
    step "training: souk chooses the settings by the size of the log"
    run train --force --data $out/shop.h5 --out $out/model train.seconds="${TRAIN_SECONDS:-600}"
    step "how good is it, beside simple scorers"
    run eval --checkpoint $out/model --data $out/shop.h5 --json $out/eval.json
    step "what it recommends"
    run recommend --checkpoint $out/model --data $out/shop.h5 --row 0
}

# ---- A simulated shop ----------------------------------------------------------------------------

shop=shop:items=300
# What a shown item earns is learned beside what shoppers take: rewards are rare and differ by
# factors, so their logarithm is learned, without what comes after the item (gamma 0). An item of the
# last eight is not shown again, as the log hardly ever says what that earns. A small model and a
# fixed number of steps, as bench/acting.sh has them, so that this takes minutes.
learn=(learn.objective=cross_entropy+sarsa learn.gamma=0 learn.log_values=1 learn.reward_scale=20
    learn.action_weight=0 acting.exclude_last=8 model.dim=32 model.layers=1 model.heads=2
    model.length=12 model.dropout=0 model.init_std=0.002 optim.eps=1e-3 optim.embedding_decay=0.5
    optim.lr_floor=0.2 train.tokens=2048)
once=(optim.lr=3e-3 train.steps=500 train.valid_every=500 train.patience=0)
rounds=(optim.lr=1e-3 --rounds 3 world.episodes=8000 world.steps=300 world.measured=4000
    world.temperature=0.1 world.cooling=0.5)

# sessions NAME ARGUMENT...: what policies earn in 20,000 sessions that nothing has learned from.
sessions() { run simulate --world $shop --seed 99 --episodes 20000 "${@:2}" | tee "$out/$1.txt"; }
# each_session NAME ARGUMENT...: likewise of one policy, and what each session earned.
each_session() { sessions "$@" --returns "$out/$1.returns"; }
# judged NAME ARGUMENT...: what the shop's own log, of sessions that came later, says of a policy.
judged() { run ope --data $out/later.h5 --split all --log bandit "${@:2}" | tee "$out/$1-ope.txt"; }

simulated_shop() {
    step "a shop shows items by their popularity; its log has what it showed, and how likely that was"
    run simulate --world $shop --policy popularity --episodes 30000 --out $out/shop.h5
    run simulate --world $shop --policy popularity --episodes 10000 --first 30000 --out $out/later.h5
    run info $out/shop.h5
    step "one training: a policy that imitates what shoppers took, and Q, what a shown item earns"
    run train --force --data $out/shop.h5 --out $out/model "${once[@]}" "${learn[@]}"
    step "what the log says that each would earn, before anything is shown to anyone"
    judged random --policy uniform
    judged imitation --checkpoint $out/model --epsilon 0 --acting policy
    judged improved --checkpoint $out/model --epsilon 0
    step "two rounds of acting and learning: the shop shows what the model wants, and the model learns"
    run train --force --world $shop --out $out/acted train.from=$out/model "${rounds[@]}" \
        "${learn[@]}"
    step "what each earns in the shop"
    sessions rules --all
    each_session shelf --policy shelf
    each_session imitation --checkpoint $out/model --acting policy
    each_session improved --checkpoint $out/model
    each_session acted --checkpoint $out/acted
    step "the story"
    story
}

# earned NAME [RULE]: return and half of its interval, of a rule of the shop or of a model.
earned() { awk -v name="${2:-$out}" 'index($1, name) == 1 { print $2, $3 }' "$out/$1.txt"; }
# said NAME ESTIMATOR: value and interval of an item.
said() { sed -n "s/^  $2  *//p" "$out/$1-ope.txt" | awk '{ print $1, $2, $4 }'; }
# line TEXT RETURN HALF VALUE LOW HIGH: a row of the table.
line() {
    local value="${4:+$(printf '%.4f  (%.4f .. %.4f)' "$4" "$5" "$6")}"
    printf '%-44s %.4f +- %.4f    %s\n' "$1" "$2" "$3" "${value:--}"
}

# shellcheck disable=SC2046 # the figures are words
table() {
    printf '%-44s %-16s    %s\n' "" "a session, true" "an item in the log's situations, by its log"
    line "random items" $(earned rules random) $(said random DR)
    line "by popularity: how the shop worked" $(earned rules popularity) $(said random "the log")
    line "shelf: the best rule that does not learn" $(earned rules shelf)
    line "imitation of what shoppers took" $(earned imitation) $(said imitation DR)
    line "improved by what things earn" $(earned improved) $(said improved DR)
    line "after two rounds of acting and learning" $(earned acted)
}

# compared NAME OTHER: how much more a policy earns than another, in the same sessions.
compared() {
    paste "$out/$1.returns" "$out/$2.returns" | awk '{
        more = $1 - $2; sum += more; squares += more * more; base += $2
    } END {
        half = 1.96 * sqrt((squares - sum * sum / NR) / (NR - 1) * NR)
        printf "%+.1f %% +- %.1f", 100 * sum / base, 100 * half / base
    }'
}

story() {
    table | tee $out/story.txt
    cat <<EOF

The shop showed items by their popularity, and wrote down how likely each was to be shown. From that log souk learned
two things at once: what shoppers take, and what a shown item earns. Imitation of what they took earns far more than the
shop did. The improved policy mixes it with what things earn, as far as that can be trusted: $(compared improved imitation),
session by session (95 %). The column on the right needs no session but the shop's own: it is what the log alone says of
each policy, with intervals; where two of these overlap, this log is too short to tell the two apart.
Then the model acted, and learned from what came of it: $(compared acted improved) beside the improved policy, and
$(compared acted shelf) beside the rule that shows the best item of the shelf last looked at. An interval with 0 in it
may be chance. The picture $out/acted/rounds.svg has all rules and rounds; bench/README.md has longer trainings.
EOF
}

build
if [ -n "$log" ]; then your_log; else simulated_shop; fi
printf '\nall of it is in %s\n' "$out"
