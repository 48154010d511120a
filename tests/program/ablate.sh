#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# souk ablate: its arms are runs of souk train, judged as souk eval judges; killed at any moment it goes on,
# and ends with the same figures.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/shop.sh"
make_shop >"$work/log" 2>&1 || { fail "no shop to train on" "$(cat "$work/log")"; finish; }

settings=(model.dim=16 model.length=20 train.tokens=256 train.valid_users=50 train.patience=0
    train.steps=24 train.save_every=4)
ablation=("$SOUK" ablate data.path="$work/shop.h5" "${settings[@]}")
arms=(cross_entropy cross_entropy+{aux_random,aux_length,sarsa,double_q})
# ablate FOLDER SETTING...
ablate() { "${ablation[@]}" train.out="$1" "${@:2}"; }
# number FILE PATTERN: the number in the line after the first that matches.
number() { grep -m 1 -A 1 -F -- "$2" "$1" | tail -n 1 | grep -oE '[0-9][0-9.e-]*'; }

check "trains five arms under three seeds" \
    eval 'ablate "$work/whole" train.threads=1 >"$work/table" 2>"$work/progress"'
check "of every arm and seed there is a run" \
    eval '[ "$(cd "$work/whole" && ls -d *-seed-*)" = "$(printf "%s\n" "${arms[@]/%/-seed-1}" \
        "${arms[@]/%/-seed-2}" "${arms[@]/%/-seed-3}" | sort)" ]'
check "its progress numbers them" grep -qF '[15/15] cross_entropy+double_q, seed 3' "$work/progress"
train "$work/alone" "${settings[@]}" train.seed=2 learn.objective=cross_entropy+sarsa
check "an arm is what souk train makes of its settings, bit for bit" \
    same_tensors "$work/alone" "$work/whole/cross_entropy+sarsa-seed-2"
"$SOUK" eval --checkpoint "$work/whole/cross_entropy-seed-1" --data "$work/shop.h5" --quiet \
    --json "$work/eval.json" >"$work/out"
check "its NDCG@10 is that of souk eval" \
    [ "$(number "$work/whole/ablation.json" '"NDCG@10": [')" = "$(number "$work/eval.json" '"NDCG@10": {')" ]

verdict='(beats|is beaten by|cannot be told apart from)'
for beside in "${arms[@]:0:4}"; do
    check "says how double_q stands beside $beside" \
        grep -qE "^  cross_entropy\+double_q $verdict ${beside/+/\\+}\$" "$work/table"
done
check "answers the question" grep -qE 'double_q: (yes|not shown) \(it beats [012] of 2 controls, and '"$verdict no RL" "$work/table"
check "the JSON has ten comparisons of all events and of views" \
    [ "$(grep -cE "\"verdict\": \"$verdict\"" "$work/whole/ablation.json")" -ge 20 ]
check "says that events whose target was seen before are left out, where seen items are no candidates" \
    eval '! grep -q "are left out" "$work/table" &&
        ablate "$work/whole" --exclude-seen train.quiet=1 >"$work/unseen" &&
        grep -q "are left out" "$work/unseen" && ablate "$work/whole"'
check "says of too few users that they are too few" grep -q 'too few to compare' "$work/table"
check "writes a plot's data and script" \
    eval '[ -s "$work/whole/ablation.dat" ] && grep -q ablation.dat "$work/whole/ablation.gp"'
check "no line of the table is wider than 100" eval '! grep -E "^.{101}" "$work/table"'

# Killed at moments drawn from a seed.
RANDOM=5
kills=0
for _ in $(seq 6); do
    "${ablation[@]}" train.out="$work/killed" train.threads=2 >"$work/log" 2>&1 &
    sleep "0.$(printf '%03d' $((RANDOM % 400)))"
    kill -KILL $! 2>/dev/null
    wait $! 2>/dev/null
    [ $? = 137 ] && kills=$((kills + 1))
done
echo "# killed $kills times"
check "was killed while it ran" test $kills -gt 2
check "goes on to the end" eval 'ablate "$work/killed" train.threads=2 >"$work/again" 2>&1'
check "ends with the figures of the one left alone" cmp "$work/whole/ablation.json" "$work/killed/ablation.json"
check "and with its weights" same_tensors "$work/whole" "$work/killed"

sed -i '/"optim.eps"/d' "$work"/whole/*/arm.json
touch "$work/before"
check "what is complete is not trained again, also where its record is older than a setting" eval 'ablate "$work/whole" >"$work/again" 2>&1 &&
    [ -z "$(find "$work/whole" -name "*.safetensors" -newer "$work/before")" ] &&
    [ "$(grep -c "complete already" "$work/again")" = 15 ]'
check "another agent finds the other arms trained" eval 'ablate "$work/whole" \
        learn.objective=cross_entropy+cql >"$work/again" 2>&1 &&
    [ "$(grep -c "complete already" "$work/again")" = 12 ] &&
    [ "$(find "$work/whole" -name last.safetensors -newer "$work/before" | wc -l)" = 3 ]'
touch "$work/before"
check "--force trains anew" eval 'ablate "$work/whole" --force >"$work/again" 2>&1 &&
    [ "$(find "$work/whole" -name last.safetensors -newer "$work/before" | wc -l)" = 15 ]'
"${ablation[@]}" train.out="$work/stopped" train.steps=100000 train.save_every=1 >"$work/log" 2>&1 &
until [ -e "$work/stopped/cross_entropy-seed-1/last.safetensors" ] || ! kill -0 $!; do sleep 0.01; done
kill -TERM $!
wait $!
check "a signal ends it, not complete" \
    eval "[ $? = 1 ] && grep -q 'interrupted in .*goes on from there' '$work/log'"

quiet() { ablate "$@" train.quiet=1; }
refuses "other settings are refused by name" 2 'train.steps = "24", want "25"' quiet "$work/whole" train.steps=25
"$SOUK" generate --events 5000 --users 200 --items 90 --seed 4 --out "$work/other.csv" >"$work/out" 2>&1
"$SOUK" ingest --force --plain-keys "$work/other.csv" "$work/other.h5" >"$work/out" 2>&1
refuses "other data is refused" 2 'trained on other data' quiet "$work/whole" data.path="$work/other.h5"
cut -c 1-40 "$work/whole/cross_entropy-seed-1/arm.json" | head -n 5 >"$work/damaged"
mkdir -p "$work/broken/cross_entropy-seed-1" && cp "$work/damaged" "$work/broken/cross_entropy-seed-1/arm.json"
refuses "a damaged record is refused" 1 'arm.json' quiet "$work/broken"
mkdir -p "$work/foreign" && cp -r "$work/alone" "$work/foreign/cross_entropy-seed-1"
refuses "a run that is no arm is left alone" 2 "is no arm's" quiet "$work/foreign"
refuses "one seed is refused" 2 'seeds = "1".*2 to' quiet "$work/none" --seeds 1
refuses "no data is refused" 2 'data.path' "$SOUK" ablate
refuses "data and a world are refused" 2 'exclude each other' quiet "$work/none" --world small-shop
refuses "no agent is refused" 2 'want an agent' quiet "$work/none" learn.objective=cross_entropy+aux_random
refuses "an unknown agent is refused" 2 'genius' quiet "$work/none" learn.objective=genius

check "an ablation in a world shows returns beside the optimum" \
    eval '"$SOUK" ablate --world small-shop --rounds 2 --seeds 2 train.out="$work/world" model.dim=8 \
        model.layers=1 model.length=32 train.tokens=512 world.episodes=50 world.steps=10 \
        world.measured=50 train.quiet=1 learn.objective=double_q >"$work/returns" &&
        grep -q "the optimum" "$work/returns" && grep -qE "^  double_q $verdict cross_entropy" "$work/returns"'
finish
