#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# souk serve: answers, refusals, the log, reload and the end of the server.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/shop.sh"
. "$(dirname "$0")/server.sh"

# code_of ARGUMENT...: the code of an answer.
code_of() { curl -sS --max-time 60 -o "$work/body" -w '%{http_code}' "$@"; }
says() { [ "$(code_of "${@:3}")" = "$1" ] && grep -qE -- "$2" "$work/body"; }

check "makes a shop" make_shop
check "trains" train "$work/run" train.steps=30
check "and once more" train "$work/next" train.steps=31
mapfile -t item < <(awk -F, 'NR > 1 && NR < 6 { print $2 }' "$work/log.csv")
user=$(a_user)

refuses "without a model there is no server" 2 'want --checkpoint' "$SOUK" serve
refuses "shares add up to 1" 2 'add up to 0.9, want 1' \
    "$SOUK" serve --checkpoint "$work/run:0.5" --checkpoint "$work/next:0.4"
refuses "two models have two names" 2 'two models are called "a"' \
    "$SOUK" serve --checkpoint "a=$work/run" --checkpoint "a=$work/next"
refuses "a folder that is no run is refused" 1 "none: No such file" "$SOUK" serve --checkpoint "away=$work/none"
refuses "so is an address that is none" 2 'is no address' "$SOUK" serve --checkpoint "$work/run" --bind nowhere

check "serves" serve --checkpoint "$work/run" --log "$work/shown.jsonl" --max-body 20000 --max-history 50 --max-k 20 --max-effects 30
refuses "a log has one server" 1 'is the log of another server' \
    "$SOUK" serve --checkpoint "$work/run" --log "$work/shown.jsonl" --port 0

# The server's items and scores are those of souk recommend.
same() {
    "$SOUK" recommend --checkpoint "$work/run" --history "${item[0]}:view,${item[1]}:cart" --k 5 --json |
        grep -oE '"(item|score)": [^,}]*' | tr -d ' ' | sed -E 's/(:-?[0-9]+\.[0-9]{4})[0-9]*/\1/' >"$work/want"
    ask '{"k": 5, "history": ["'"${item[0]}"'", {"item": "'"${item[1]}"'", "action": "cart"}]}' |
        grep -oE '"(item|score)":[^,}]*' | sed -E 's/(:-?[0-9]+\.[0-9]{4})[0-9]*/\1/' >"$work/got"
    [ "$(wc -l <"$work/got")" = 10 ] && cmp "$work/want" "$work/got"
}
check "answers as souk recommend does" same
check "several requests are answered in their order" eval \
    'ask "{\"requests\": [{\"id\": \"a\", \"history\": [\"${item[0]}\"]}, {\"id\": \"b\", \"history\": [\"${item[1]}\"], \"k\": 2}]}" |
    grep -qE "^\{\"results\":\[\{\"id\":\"a\",.*\{\"id\":\"b\","'
check "a request that is wrong has an error, and the others have answers" eval \
    'ask "{\"requests\": [{\"history\": [\"${item[0]}\"]}, {\"history\": [{\"item\": \"${item[0]}\", \"action\": \"vew\"}]}]}" |
    grep -qE "\"items\":\[.*\"error\":\{.*want one of view, cart"'
check "unknown items are counted" eval 'ask "{\"history\": [\"${item[0]}\", \"never-seen\"]}" | grep -q "\"unknown_items\":1"'
check "only what is allowed is recommended" eval \
    '[ "$(ask "{\"history\": [\"${item[0]}\"], \"allow\": [\"${item[2]}\", \"${item[3]}\"]}" | grep -o "\"item\":" | wc -l)" -le 2 ]'
check "what is blocked is not" eval \
    '! ask "{\"history\": [\"${item[0]}\"], \"k\": 20, \"block\": [\"${item[2]}\"]}" | grep -q "\"item\":\"${item[2]}\","'

check "a body that is not JSON is refused" says 400 'not JSON: line 1' -d '{"history": ' "$url/v1/recommend"
check "so is one with an unknown field" says 400 'no field \\"histroy\\"' -d '{"histroy": []}' "$url/v1/recommend"
check "and one with an unknown field in its history" says 400 'no field \\"acton\\" in an event of the history, want item, action, time' \
    -d '{"history": ["x", {"item": "x", "acton": "cart"}]}' "$url/v1/recommend"
check "and a list of requests with a field beside it" says 400 'no field \\"k\\" in a body with' \
    -d '{"requests": [{"history": ["x"]}], "k": 3}' "$url/v1/recommend"
check "a field that the message cuts within a letter has an answer too" says 400 'no field' \
    -d '{"a'"$(printf 'é%.0s' $(seq 40))"'": 1}' "$url/v1/recommend"
check "a history of no events" says 400 'at least one event' -d '{"history": []}' "$url/v1/recommend"
check "one that is too long" says 400 'has 51 events, want at most 50' \
    -d '{"history": ['"$(printf '"x",%.0s' $(seq 50))"'"x"]}' "$url/v1/recommend"
check "a k that is too large" says 400 'from 1 to 20' -d '{"history": ["x"], "k": 21}' "$url/v1/recommend"
check "times of some events" says 400 'want all or none' \
    -d '{"history": [{"item": "x", "time": 1}, "y"]}' "$url/v1/recommend"
head -c 30000 /dev/zero | tr '\0' ' ' >"$work/large"
check "a body that is too large" says 413 'too large' --data-binary @"$work/large" "$url/v1/recommend"
check "one whose length is not said ends the connection" eval \
    '! curl -sS --max-time 60 -H "Transfer-Encoding: chunked" --data-binary @"$work/large" "$url/v1/recommend"'
check "a path that does not exist" says 404 'no such path' "$url/v2"
check "another method" says 405 'another method' "$url/v1/recommend"
check "garbage does not end the server" eval 'head -c 4000 /dev/urandom >"/dev/tcp/127.0.0.1/${url##*:}"
    says 200 ok "$url/health/live"'
# ---- Why ----

python=$(command -v python3)
history='"history": ["'"${item[0]}"'", {"item": "'"${item[1]}"'", "action": "cart"}, "'"${item[2]}"'"]'
explain() { curl -sS --max-time 60 -d "$1" "$url/v1/explain"; }
cat >"$work/why.py" <<'END'
import json, math, sys
answer = json.load(open(sys.argv[1]))
lists = {line["id"]: line["recommendations"] for line in map(json.loads, open(sys.argv[2]))}
wanted = lists["all"]
assert [i["item"] for i in answer["items"]] == [r["item"] for r in wanted] and len(wanted) == 3
for have, want in zip(answer["items"], wanted):
    why, same = have["why"], want["why"]
    assert abs(have["score"] - want["score"]) < 1e-4 and "propensity" not in have
    assert len(why["events"]) == 3 and why["evidence"] == same["evidence"], (why, same)
    for a, b in zip(why["events"], same["events"]):
        assert a["event"] == b["event"] and a["item"] == b["item"] and a["action"] == b["action"]
        assert abs(a["score"] - b["score"]) < 1e-4
    parts = why["taste"]["probability"] + (why["counts"]["probability"] if why["counts"] else 0)
    assert abs(parts / math.exp(why["log_probability"]) - 1) < 1e-5
END
says_why() {
    echo '{"id": "all", '"$history"'}' >"$work/h.jsonl"
    "$SOUK" recommend --checkpoint "$work/run" --histories "$work/h.jsonl" --k 3 --explain --quiet >"$work/want.jsonl" &&
        explain '{'"$history"', "k": 3}' >"$work/why.json" && "$python" "$work/why.py" "$work/why.json" "$work/want.jsonl"
}
[ -z "$python" ] || check "reasons are those of souk recommend" says_why
check "given items are explained, by so many events" eval 'explain "{$history, \"items\": [\"${item[3]}\", \"${item[0]}\"], \"events\": 1}" >"$work/body" &&
    [ "$(grep -oE "\"why\":" "$work/body" | wc -l)" = 2 ] && grep -qE "^.*\"item\":\"${item[3]}\",\"score\".*\"item\":\"${item[0]}\",\"score\"" "$work/body" &&
    [ "$(grep -o "\"events\":\[{\"event\":2,[^]]*\]" "$work/body" | wc -l)" = 2 ]'
check "an item that is unknown cannot be explained" says 400 'does not know all' -d '{'"$history"', "items": ["x"]}' "$url/v1/explain"
check "nor no items" says 400 'has 0 keys, want 1 to 20' -d '{'"$history"', "items": []}' "$url/v1/explain"
check "nor more items than are allowed" says 400 'has 21 keys' \
    -d '{'"$history"', "items": ['"$(printf '"'"${item[0]}"'",%.0s' $(seq 20))"'"'"${item[0]}"'"]}' "$url/v1/explain"
check "events have a limit" says 400 'from 0 to 30' -d '{'"$history"', "events": 31}' "$url/v1/explain"
check "a list of requests is no explanation" says 400 'no field \\"requests\\"' -d '{"requests": []}' "$url/v1/explain"
check "what explains does not recommend" says 400 'no field \\"items\\" in a request, want id, .*, category, cap' -d '{'"$history"', "items": []}' "$url/v1/recommend"

check "similar items have two lists" eval 'says 200 "^\{\"model\":\"run\",.*\"item\":\"${item[0]}\",\"vectors\":\[\{.*\"times\":[1-9].*\"counts\":\[\{" "$url/v1/items/${item[0]}/similar?k=4" &&
    [ "$(grep -o "\"cosine\":" "$work/body" | wc -l)" = 4 ] && [ "$(grep -o "\"before\":" "$work/body" | wc -l)" = 4 ] &&
    [ "$(grep -o "\"item\":\"${item[0]}\"" "$work/body" | wc -l)" = 1 ]'
check "the key in the path may have escapes" says 200 '"cosine"' "$url/v1/items/%3${item[0]:0:1}${item[0]:1}/similar"
check "an item that there is not is not found" says 404 'knows no item \\"x/y\\"' "$url/v1/items/x%2Fy/similar"
check "a model that there is not is refused" says 400 'no model \\"none\\"' "$url/v1/items/${item[0]}/similar?model=none"
check "so is a k that is no number" says 400 'want a whole number, 1 to 20' "$url/v1/items/${item[0]}/similar?k=many"
check "and another method" says 405 'another method' -d '{}' "$url/v1/items/${item[0]}/similar"
check "metrics count explanations" eval 'says 200 "^souk_explain_seconds_count [1-9]" "$url/metrics" &&
    grep -qE "^souk_requests_total\{route=\"/v1/items/\{key\}/similar\",code=\"2xx\"\} 2" "$work/body"'
# Recommendations go on while explanations wait in a long queue of their own.
beside() {
    local clients=() i
    for i in $(seq 12); do explain '{'"$history"', "k": 20}' >"$work/beside.$i" & clients+=($!); done
    for i in $(seq 20); do ask '{'"$history"', "k": 3}' | grep -q '"items":\[{' || return 1; done
    wait "${clients[@]}"
    [ "$(cat "$work"/beside.* | grep -o '"why":' | wc -l)" = 240 ]
}
check "explanations and recommendations go on side by side" beside

check "the page needs nothing from elsewhere" eval \
    'says 200 "<title>souk" "$url/" && ! grep -qE "(src|href)=|https?:" "$work/body"'
check "the description is JSON" says 200 '"openapi": "3.1.0"' "$url/openapi.json"

# The log: three items for a user, nothing for nobody, and what happened.
lines() { wc -l <"$work/shown.jsonl"; }
# shellcheck disable=SC2034 # eval
before=$(lines)
check "what a user is shown is logged" eval \
    'ask "{\"id\": \"r9\", \"user\": \"$user\", \"k\": 3, \"history\": [\"${item[0]}\"]}" >"$work/body" && [ "$(lines)" = $((before + 3)) ] &&
    tail -n 3 "$work/shown.jsonl" | grep -c "\"user\":\"$user\".*\"action\":\"impression\",\"propensity\":1.0.*\"request\":\"r9\"" | grep -qx 3'
check "what nobody is shown is not" eval 'ask "{\"history\": [\"${item[0]}\"]}" >"$work/body" && [ "$(lines)" = $((before + 3)) ]'
check "events are logged" says 200 '"events":1' \
    -d '{"events": [{"user": "'"$user"'", "item": "'"${item[0]}"'", "action": "purchase"}]}' "$url/v1/events"
check "all of a body or none" eval 'says 400 "no action .*vew" -d "{\"events\": [{\"user\": \"u\", \"item\": \"i\", \"action\": \"view\"},
    {\"user\": \"u\", \"item\": \"i\", \"action\": \"vew\"}]}" "$url/v1/events" && [ "$(lines)" = $((before + 4)) ]'
check "souk ingest reads the log, with propensities and impressions" eval \
    '"$SOUK" ingest "$work/shown.jsonl" "$work/shown.h5" >"$work/out" 2>&1 && grep -qE "propensity +propensity" "$work/out" &&
    grep -qE "impression \(impression, reward 0\) +3" "$work/out"'
check "metrics count all that" eval 'says 200 "^souk_shown_total 3$" "$url/metrics" &&
    grep -qE "^souk_requests_total\{route=\"/v1/recommend\",code=\"4xx\"\} [1-9]" "$work/body" && grep -qx "souk_waiting 0" "$work/body"'

check "fields of events that the log does not keep are refused" eval 'for body in "{\"events\": [{\"user\": \"u\", \"item\": \"i\",
    \"action\": \"view\", \"price\": 3}]}" "{\"event\": []}"; do says 400 "no field .*\"(price|event).*, want (user, item, action, time|events)\"" -d "$body" "$url/v1/events" || return 1; done'

# What souk ingest would not read does not get into the log, where it would spoil other lines.
not_logged() {
    local long
    long=$(printf 'u%.0s' $(seq 1025))
    says 400 '\"user\\" has 0 bytes, want 1 to 1024' -d "{\"user\": \"\", \"history\": [\"${item[0]}\"]}" "$url/v1/recommend" &&
        says 400 '\"user\\" has 1025 bytes' -d "{\"user\": \"$long\", \"history\": [\"${item[0]}\"]}" "$url/v1/recommend" &&
        says 400 'events\[0\].item has 1025 bytes' -d "{\"events\": [{\"user\": \"u\", \"item\": \"$long\", \"action\": \"view\"}]}" "$url/v1/events" &&
        says 400 'events\[0\].time is no whole number of milliseconds' \
            -d '{"events": [{"user": "u", "item": "i", "action": "view", "time": 1717203589}]}' "$url/v1/events" &&
        [ "$(lines)" = $((before + 4)) ]
}
check "keys and times that ingest would not read are refused" not_logged

# Reload while requests come: none is lost, and the version changes.
version() { ask '{"history": ["'"${item[0]}"'"]}' | grep -oE '"version":"[0-9a-f]{16}"'; }
# shellcheck disable=SC2034 # eval
first=$(version)
load() {
    local i
    for i in $(seq 60); do ask '{"history": ["'"${item[0]}"'"], "k": 3}' || return 1; echo; done
}
reload() {
    local i clients=()
    for i in 1 2 3; do load >"$work/load.$i" & clients+=($!); done
    cp "$work"/next/* "$work/run"
    for i in 1 2 3 4; do kill -HUP "$server" && sleep 0.2; done
    wait "${clients[@]}"
    [ "$(cat "$work"/load.* | grep -c '"version".*"items":\[{')" = 180 ]
}
check "a reload loses no request" reload
check "and brings the new model" eval '[ -n "$first" ] && [ "$(version)" != "$first" ]'
echo none >"$work/run/best.safetensors"
kill -HUP "$server"
check "a model that does not open leaves the old one" eval 'for i in $(seq 100); do
    grep -q "the models before go on" "$work/server.err" && break; sleep 0.1; done
    grep -q "warning: the models before go on: " "$work/server.err" && ask "{\"history\": [\"${item[0]}\"]}" | grep -q "\"items\":\[{"'
cp "$work/next/best.safetensors" "$work/run"
check "SIGTERM ends it in order" eval 'stop TERM && grep -q "stopped" "$work/server.err"'

# Clients that keep their connections and ask without a pause, until the server refuses.
ends_under_load() {
    local i clients=() code=0
    rm -f "$work"/asked.*
    serve --checkpoint "$work/run" || return 1
    for i in $(seq 16); do
        curl -sS --fail --max-time 60 -d "{$history, \"k\": 3}" "$url/v1/recommend?[1-100000]" >"$work/asked.$i" 2>/dev/null &
        clients+=($!)
    done
    for i in $(seq 100); do [ -s "$work/asked.1" ] && break; sleep 0.1; done
    sleep 0.1
    stop TERM || code=$?
    kill "${clients[@]}" 2>/dev/null
    wait "${clients[@]}"
    [ "$code" = 0 ] && grep -q '"items":\[{' "$work/asked.1"
}
five_times() { for _ in 1 2 3 4 5; do "$@" || { cat "$work/server.err" && return 1; }; done; }
check "and so under load, five times" five_times ends_under_load

check "serves with a log on a full disk" serve --checkpoint "$work/run" --log /dev/full
check "what is not logged is not shown" says 503 'No space left' -d "{\"user\": \"u\", $history}" "$url/v1/recommend"
check "nor are events taken" says 503 'No space left' -d '{"events": [{"user": "u", "item": "i", "action": "view"}]}' "$url/v1/events"
check "both are counted" says 200 '^souk_log_failures_total 2$' "$url/metrics"
check "which does not end it" stop TERM

# Exploration, several models, retired items, a token.
awk -F, 'NR > 1 { print $2 }' "$work/log.csv" | sort -u | head -40 | tee "$work/run/retired.txt" >"$work/next/retired.txt"
printf ' padded\001 \n' >>"$work/run/retired.txt"
echo secret >"$work/token"
check "serves two models" serve --checkpoint "a=$work/run:0.5" --checkpoint "b=$work/next:0.5" --epsilon 1 \
    --token-file "$work/token" --log "$work/explored.jsonl"
check "and warns of a retired item that there is not" grep -qF 'warning: retired.txt: 1 keys are of no item' "$work/server.err"
check "which it names" grep -qF ', the first " padded\x01 "' "$work/server.err"
bearer=(-H "Authorization: Bearer secret")
check "without the token nothing is answered" says 401 'bearer token' -d '{"history": ["x"]}' "$url/v1/recommend"
check "nor with another one" says 401 'bearer token' -H "Authorization: Bearer secreT" "$url/v1/models"
check "health needs none" says 200 ok "$url/health/ready"
# shellcheck disable=SC2034 # eval
many='{"requests": ['$(for u in $(seq 400); do printf '{"user": "u%d", "history": ["%s"], "k": 1}%s' "$u" "${item[0]}" "$([ "$u" = 400 ] || echo ,)"; done)']}'
check "users are shared by two models" eval 'ask "$many" "${bearer[@]}" >"$work/many" &&
    a=$(grep -o "\"model\":\"a\"" "$work/many" | wc -l) && [ "$a" -gt 140 ] && [ "$a" -lt 260 ]'
check "a user keeps the model" eval 'ask "$many" "${bearer[@]}" | grep -o "\"model\":\"[ab]\"" >"$work/again" &&
    grep -o "\"model\":\"[ab]\"" "$work/many" | cmp - "$work/again"'
# With epsilon 1 every first item is drawn from the n items that may be recommended, with propensity 1/n.
check "exploration draws many items" eval '[ "$(grep -oE "\"item\":\"[^\"]*\"" "$work/many" | sort -u | wc -l)" -gt 10 ]'
check "none of which is retired" \
    eval '! grep -oE "\"item\":\"[^\"]*\"" "$work/many" | cut -d\" -f4 | sort -u | grep -qxFf "$work/run/retired.txt"'
check "with the propensity of one draw" eval '[ "$(grep -oE "\"propensity\":[^}]*" "$work/many" | sort -u | wc -l)" = 1 ]'

# Categories: each item is on one of three shelves, by its key. With epsilon 1 the first item is any of those allowed.
check "ends it again" stop TERM
awk -F, -v OFS=, 'NR > 1 { $3 = "shelf-" ($2 % 3) } { print }' "$work/log.csv" >"$work/shelves.csv"
check "makes a shop of three shelves" eval '"$SOUK" ingest --quiet --plain-keys "$work/shelves.csv" "$work/shelves.h5" &&
    train "$work/shelves" data.path="$work/shelves.h5" train.steps=2'
# shelves: of the items of answers on standard input, list by list.
shelves() {
    grep -oE '"items":\[[^]]*\]' | while read -r list; do
        grep -oE '"item":"[0-9]+"' <<<"$list" | grep -oE '[0-9]+' | awk '{ print $1 % 3 }' | paste -sd ' '
    done
}
# shellcheck disable=SC2034 # eval
one='"history": ["'"${item[0]}"'"]'
for epsilon in 0 1; do
    check "serves it with epsilon $epsilon" serve --checkpoint "$work/shelves" --epsilon "$epsilon"
    check "only of one row of a category" eval \
        'for i in $(seq 20); do ask "{$one, \"k\": 8, \"category\": {\"name\": \"category\", \"rows\": [1]}}"; echo; done >"$work/one" &&
        [ "$(shelves <"$work/one" | sort | uniq -c | awk "{ print \$1, NF }")" = "20 9" ] && [ "$(shelves <"$work/one" | tr " " "\n" | sort -u | wc -l)" = 1 ]'
    check "of two rows" eval \
        '[ "$(for i in $(seq 20); do ask "{$one, \"k\": 20, \"category\": {\"name\": \"category\", \"rows\": [1, 2]}}"; echo; done |
        shelves | tr " " "\n" | sort -u | wc -l)" = 2 ]'
    check "requests of one body keep their own rows" eval \
        '[ "$(ask "{\"requests\": [$(for r in 1 2 1 3 2; do printf "%s{%s, \"k\": 5, \"category\": {\"name\": \"category\", \"rows\": [%d]}}" \
            "${comma-}" "$one" "$r"; comma=,; done)]}" | shelves | tr -d " " | awk "{ print \$1 % 10 }" | awk "
            { s[NR] = \$1 } END { print s[1] == s[3] && s[2] == s[5] && s[1] != s[2] && s[2] != s[4] && s[1] != s[4] }")" = 1 ]'
    check "at most two items of a row" eval \
        '[ "$(for i in $(seq 30); do ask "{$one, \"k\": 6, \"cap\": {\"name\": \"category\", \"most\": 2}}"; echo; done |
        shelves | tr " " "\n" | paste -sd "     \n" | awk "{ for (s = 0; s < 3; s++) if (gsub(s, s) != 2) print }" | wc -l)" = 0 ]'
    check "and where the list has place for more" eval \
        '[ "$(for i in $(seq 30); do ask "{$one, \"k\": 20, \"cap\": {\"name\": \"category\", \"most\": 1}}"; echo; done |
        shelves | awk "NF != 3 || \$1 == \$2 || \$2 == \$3 || \$1 == \$3" | wc -l)" = 0 ]'
    [ "$epsilon" = 0 ] && stop TERM
done
check "with exploration many items of the row came first" eval \
    '[ "$(sed -E "s/.*\"items\":\[\{\"item\":\"([0-9]+)\".*/\1/" "$work/one" | sort -u | wc -l)" -gt 5 ]'
check "a category that there is not is refused" says 400 'no category \\"brand\\".*want one of category' \
    -d "{$one, \"category\": {\"name\": \"brand\", \"rows\": [1]}}" "$url/v1/recommend"
check "so is a row that it does not have" says 400 'category has no row 9, want 0 to 3' \
    -d "{$one, \"category\": {\"name\": \"category\", \"rows\": [9]}}" "$url/v1/recommend"
check "and rows that are no numbers" says 400 'rows\[1\] of \\"category\\" is no row' \
    -d "{$one, \"category\": {\"name\": \"category\", \"rows\": [1, \"2\"]}}" "$url/v1/recommend"
check "and a category without rows" says 400 'with \\"name\\", a text, and \\"rows\\"' \
    -d "{$one, \"category\": {\"name\": \"category\", \"row\": 1}}" "$url/v1/recommend"
check "and a cap of nothing" says 400 'no whole number of at least 1' \
    -d "{$one, \"cap\": {\"name\": \"category\", \"most\": 0}}" "$url/v1/recommend"
check "ends it once more" stop TERM
check "serves two models again" serve --checkpoint "a=$work/run:0.5" --checkpoint "b=$work/next:0.5" --epsilon 1 \
    --token-file "$work/token" --log "$work/explored.jsonl"

# A server that is killed has logged each answer that a client got.
killed() {
    local answers
    for i in $(seq 2000); do
        ask '{"user": "k'"$i"'", "history": ["'"${item[0]}"'"], "k": 1}' "${bearer[@]}" || break
        echo
    done >"$work/answers" 2>/dev/null &
    answers=$!
    sleep 1
    kill -9 "$server"
    wait "$server" 2>/dev/null
    server=
    wait "$answers"
    answers=$(grep -c '"items":\[{' "$work/answers")
    [ "$answers" -gt 0 ] && [ "$(grep -c '"user":"k[0-9]*"' "$work/explored.jsonl")" -ge "$answers" ]
}
check "SIGKILL loses no answer from the log" killed
finish
