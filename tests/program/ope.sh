#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Off-policy evaluation of what a world logged: what it says beforehand is what acting then earns.
. "$(dirname "$0")/../tap.sh"

# shellcheck disable=SC2154 # work: tap.sh
world=(--world "small-shop:horizon=3,discount=1" --quiet)
"$SOUK" simulate "${world[@]}" --policy random --episodes 4000 --out "$work/log.h5" >"$work/out"
"$SOUK" train "data.path=$work/log.h5" "train.out=$work/run" model.dim=8 model.length=8 train.tokens=512 \
    train.steps=150 train.patience=0 optim.lr=0.01 optim.warmup=100 model.dropout=0.2 train.quiet=1 \
    learn.objective=double_q
model=(--checkpoint "$work/run" --data "$work/log.h5" --temperature 0.3 --quiet)

# inside LOW HIGH A B: do the intervals LOW .. HIGH and A - B .. A + B meet?
inside() { awk "BEGIN { exit !($1 <= $3 + $4 && $3 - $4 <= $2) }"; }
check "estimates what a model would earn" \
    "$SOUK" ope "${model[@]}" --split all --json "$work/ope.json"
"$SOUK" ope "${model[@]}" --split all >"$work/ope"
"$SOUK" simulate "${world[@]}" "${model[@]}" --episodes 20000 --seed 2 >"$work/acted"
read -r _ _ low _ high _ < <(grep PDIS "$work/ope")
read -r _ return error _ < <(tail -n 1 "$work/acted")
check "it earns that" inside "$low" "$high" "$return" "$error"
read -r _ _ low _ low_high _ < <(grep 'the log' "$work/ope" | sed 's/the log/log/')
check "and more than the policy that was logged" inside "$low_high" 1e9 "$return" 0
read -r _ _ low _ high _ < <(grep FQE "$work/ope")
check "the fitted Q says the same" inside "$low" "$high" "$return" "$error"
read -r _ _ low _ high _ < <(grep seq-DR "$work/ope")
check "and so does the doubly robust estimator on it" inside "$low" "$high" "$return" "$error"
"$SOUK" ope "${model[@]}" --split all --channels >"$work/channels"
check "apart by what the rewards are for, which sums up to it" awk '
    $1 == "FQE" { whole = $2 }
    /^    / && NF == 2 { sum += $2; kinds++ }
    END { exit !(kinds == 6 && sum > 0.99 * whole && sum < 1.01 * whole) }' "$work/channels"
"$SOUK" ope "${model[@]}" --split all --log bandit >"$work/bandit"
check "a model has the doubly robust estimators of a bandit log" grep -q 'Switch-DR ' "$work/bandit"
check "the JSON has the effective sample size" grep -q '"effective_sample_size": [0-9]' "$work/ope.json"
"$SOUK" ope "${model[@]}" --split all --threads 1 --json "$work/again.json" >"$work/out"
check "the same for any number of threads" cmp "$work/ope.json" "$work/again.json"
refuses "a policy far from the log is refused" 3 'effective sample size' \
    "$SOUK" ope --checkpoint "$work/run" --data "$work/log.h5" --quiet --split all --temperature 0.3 \
    --min-ess 3999
"$SOUK" train --data "$work/log.h5" --out "$work/refreshed" --quiet --refresh all model.dim=8 model.length=8 \
    train.tokens=512 train.steps=3
refuses "a model that counts the test split is not judged by it" 2 'counts the events of the test split' \
    "$SOUK" ope --checkpoint "$work/refreshed" --data "$work/log.h5" --split test
check "a fit of Q that is cut short still estimates" \
    "$SOUK" ope "${model[@]}" --split all --fqe-steps 3 --json "$work/short.json"
check "and says so in its report" grep -q '"settled": false' "$work/short.json"
"$SOUK" ope "${model[@]}" --split all --fqe-steps 3 >"$work/out" 2>"$work/err"
check "and warns, also with --quiet" grep -q 'FQE, fitted Q: not converged after 3 steps' "$work/err"
check "the opening events of a world are no decisions" grep -q '"openings": 4000' "$work/ope.json"
refuses "a split without events is refused" 1 'no event to evaluate' "$SOUK" ope "${model[@]}"
finish
