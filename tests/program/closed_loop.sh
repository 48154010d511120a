#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The loop over HTTP. A shop asks the server what to show, and says what was bought; souk ope tells from the server's log
# what another policy would have sold; a model that learned from the log takes over, and more is sold.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/shop.sh"
. "$(dirname "$0")/server.sh"

check "makes a shop" make_shop
check "trains" train "$work/run" train.steps=30
first=$(awk -F, 'NR == 2 { print $2 }' "$work/log.csv")

# show NAME USERS VISITS CHANCE: users NAME0, NAME1, ... are shown one item a visit, and buy it with the probability that
# CHANCE, an expression of awk in the item's key x, gives. The share of visits in which they bought is $sold.
show() {
    local visit
    : >"$work/bought"
    for visit in $(seq "$3"); do
        jq -nc --arg name "$1" --arg first "$first" --argjson users "$2" '{requests: [range($users) |
            {user: "\($name)\(.)", k: 1, include_seen: true, history: [$first]}]}' >"$work/requests"
        ask @"$work/requests" | jq -r '.results[].items[0].item' >"$work/items"
        [ "$(wc -l <"$work/items")" = "$2" ] || return 1
        awk -v name="$1" -v seed="$visit" "BEGIN { srand(seed) } { x = \$1; if (rand() < ($4)) print name NR - 1, x }" \
            "$work/items" >"$work/purchases"
        jq -Rnc '{events: [inputs | split(" ") | {user: .[0], item: .[1], action: "purchase"}]}' \
            "$work/purchases" >"$work/events"
        curl -sS --max-time 60 -d @"$work/events" "$url/v1/events" | grep -q '"events":[1-9]' || return 1
        cat "$work/purchases" >>"$work/bought"
    done
    sold=$(awk -v n="$(wc -l <"$work/bought")" -v users="$2" -v visits="$3" 'BEGIN { print n / users / visits }')
}
ingest_shown() {
    "$SOUK" ingest --quiet --force --plain-keys --set impressions.answers=later "$work/shown.jsonl" "$work/shown.h5"
}

# Whatever is shown, three of ten buy it. So every policy sells 0.3, and each estimate for a policy that draws any item is
# 0.3, but for chance: the draws of the server have no seed, and an interval of four standard errors misses 0.3 in one of
# 16,000 tests.
check "serves with exploration" serve --checkpoint "$work/run" --epsilon 0.5 --log "$work/shown.jsonl"
check "shows 500 users four items" show a 500 4 0.3
check "SIGTERM ends it" stop TERM
check "the log of the server is ingested" ingest_shown
check "every impression has its answer" eval '[ "$("$SOUK" info --json "$work/shown.h5" | jq .events)" = 2000 ]'
check "souk ope judges the policy that draws any item" "$SOUK" ope --data "$work/shown.h5" --policy uniform --catalogue 100 \
    --log bandit --json "$work/ope.json"
check "from enough of the log" eval '[ "$(jq ".weights.effective_sample_size > 500" "$work/ope.json")" = true ]'
check "and is right" eval '[ "$(jq "[.estimators[] | select(.low) | (.value - 0.3 | fabs) <= (.high - .low) and (.high - .low) < 0.12] |
    all and length >= 3" "$work/ope.json")" = true ] || { jq -c ".estimators[]" "$work/ope.json"; false; }'

# Ten of the hundred items sell well. Any item is sold in 17 of 100 visits; the model, which knows nothing of it, has its own.
likes='x % 10 == 7 ? 0.8 : 0.1'
rm "$work/shown.jsonl"
check "serves again" serve --checkpoint "$work/run" --epsilon 0.5 --log "$work/shown.jsonl"
check "shows 300 users six items" show b 300 6 "$likes"
# shellcheck disable=SC2034 # eval
before=$sold
check "the log is ingested" ingest_shown
# Q learns from what was shown and not bought too. A policy that imitates would go on with what was shown most.
# One validation, at the end: it ranks a few dozen purchases, which is too few to choose between validations.
check "a model learns from it" train "$work/learned" data.path="$work/shown.h5" train.steps=200 train.valid_every=200 \
    learn.objective=double_q
mv -f "$work/learned"/* "$work/run"
kill -HUP "$server"
check "and takes over" eval 'for i in $(seq 100); do
    grep -q "opened anew" "$work/server.err" && break; sleep 0.1; done; grep -q "opened anew" "$work/server.err"'
check "shows 300 users one item" show c 300 1 "$likes"
# Half of the choices are draws: 17 of 100 sell. The others sell 80 of 100, if the model has found the items that sell.
check "more is sold" eval 'echo "$before then $sold"; awk -v before="$before" -v after="$sold" "BEGIN { exit !(after > before + 0.15) }"'
check "ends it" stop TERM
finish
