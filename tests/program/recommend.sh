#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A model that needs nothing but its own folder: souk recommend without the log it was trained on.
# shellcheck disable=SC2034 # what eval reads
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/shop.sh"

check "makes a shop" make_shop
check "trains" train "$work/run" train.steps=30
# The folder at another place, and no log beside it.
mkdir "$work/away" && cp "$work/run"/best.safetensors "$work/run"/catalogue.h5 "$work/away"

items=$(awk -F, 'NR > 1 && NR < 6 { print $2 }' "$work/log.csv" | paste -sd ,)
one=${items%%,*}
away=("$SOUK" recommend --checkpoint "$work/away")
log=("$SOUK" recommend --checkpoint "$work/run" --data "$work/shop.h5")

# same HISTORY: with the log and without it the program prints the same bytes.
same() {
    "${log[@]}" --history "$1" --json >"$work/with" && "${away[@]}" --history "$1" --json >"$work/without" &&
        cmp "$work/with" "$work/without" && grep -q '"score"' "$work/with"
}
check "the folder alone recommends as with the log" same "$items"
check "with actions" same "$one:view,$one:purchase"
check "with times" same "$one:view@2024-06-01T12:00:00,$one:cart@2024-06-02 08:30:00"
check "after an unknown item too" same "$one,never-seen:cart,$one"
check "other times, other scores" eval '"${away[@]}" --json --history "$one@1717243200,$one@1717329600" >"$work/far" &&
    "${away[@]}" --json --history "$one@1717243200,$one@1717243201" >"$work/near" && ! cmp -s "$work/far" "$work/near"'

warns() { "${away[@]}" --history "$1" 2>"$work/err" >"$work/out" && grep -qF -- "$2" "$work/err" && [ "$(wc -l <"$work/err")" = 1 ]; }
check "one unknown item is named" warns "never-seen" 'warning: 1 event is of items that the model does not know, the first "never-seen"'
check "several are counted" warns "$one,never-seen:cart,nor-this" 'warning: 2 events are of items that the model does not know, the first "never-seen"'
check "where all are known nothing is said" eval '"${away[@]}" --history "$items" 2>"$work/err" >"$work/out" && [ ! -s "$work/err" ]'

refuses "an unknown action lists the known ones" 2 'no action "vew" \(did you mean "view"\?\), want one of view, cart, favourite, purchase, review, remove' \
    "${away[@]}" --history "$one:vew"
refuses "a time that is none is refused" 2 '"noon" is no time' "${away[@]}" --history "$one@noon"
refuses "a user needs the log" 2 'want it as --data' "${away[@]}" --user "$(a_user)"
refuses "and so does a row" 2 'want it as --data' "${away[@]}" --row 0

mkdir "$work/old" && cp "$work/run/best.safetensors" "$work/old"
refuses "a run of an earlier version says that it wants the log" 2 'old/best.safetensors has no catalogue.h5 beside it.*want the data' \
    "$SOUK" recommend --checkpoint "$work/old" --history "$items"
check "info says so too" eval '"$SOUK" info "$work/old" | grep -q "^catalogue: not kept, as the model is of an earlier version"'
check "and it works with the log" eval '"$SOUK" recommend --checkpoint "$work/old" --data "$work/shop.h5" --history "$items" --json >"$work/without" &&
    "${log[@]}" --history "$items" --json | cmp - "$work/without"'
check "a training that is resumed adds the catalogue" eval 'cp -r "$work/run" "$work/resumed" && rm "$work/resumed/catalogue.h5" &&
    train "$work/resumed" train.steps=30 --resume && cmp "$work/run/catalogue.h5" "$work/resumed/catalogue.h5"'
check "makes another shop" eval '"$SOUK" generate --events 2000 --users 90 --items 40 --seed 9 --out "$work/fewer.csv" &&
    "$SOUK" ingest --plain-keys --quiet "$work/fewer.csv" "$work/fewer.h5"'
check "and a model of it" train "$work/fewer" data.path="$work/fewer.h5" train.steps=2
cp "$work/fewer/catalogue.h5" "$work/old"
refuses "info refuses the catalogue of another model" 2 'was trained' "$SOUK" info "$work/old"
refuses "the catalogue of another model is refused" 2 'was trained' \
    "$SOUK" recommend --checkpoint "$work/old" --history "$items"

# ---- Many histories ----

python=$(command -v python3)
run=(--checkpoint "$work/run" --data "$work/shop.h5")
# lists ARGUMENT...: into $work/lists.
lists() { "$SOUK" recommend --quiet "$@" >"$work/lists"; }
users=$("$SOUK" info --json "$work/shop.h5" | sed -n 's/^ "users": \([0-9]*\),/\1/p')

check "all users of the log have a list" eval 'lists "${run[@]}" --all --k 3 && [ "$(wc -l <"$work/lists")" = "$users" ]'
user=$(a_user)
single=$("${log[@]}" --user "$user" --k 3 --json | sed -n 's/.*"item": "\(.*\)",/\1/p' | paste -sd ' ')
check "a user's list is the one of the user alone" \
    eval '[ "$(grep -F "{\"id\": \"$user\"," "$work/lists" | grep -oE "\"item\": \"[^\"]*\"" | cut -d \" -f 4 | paste -sd " ")" = "$single" ]'
check "CSV has the same lists" eval 'lists "${run[@]}" --all --k 3 --format csv &&
    [ "$(head -n 1 "$work/lists")" = id,rank,item,score,probability,q ] && [ "$(wc -l <"$work/lists")" = $((3 * users + 1)) ] &&
    [ "$(grep "^$user," "$work/lists" | cut -d , -f 3 | paste -sd " ")" = "$single" ]'
awk -F, 'NR > 1 { print $1 }' "$work/log.csv" | sort -u | grep -v "^$user$" | head -n 4 >"$work/some"
echo "$user" >>"$work/some"
check "users come in the order of their file, which may be compressed" eval 'gzip -kf "$work/some" &&
    lists "${run[@]}" --users "$work/some.gz" --format csv --k 1 && [ "$(sed 1d "$work/lists" | cut -d , -f 1)" = "$(cat "$work/some")" ]'
check "the last of them is as before" eval '[ "$(tail -n 1 "$work/lists" | cut -d , -f 3)" = "${single%% *}" ]'
echo nobody >>"$work/some"
refuses "a user whom the log does not have is named with the line" 2 'some, line 6: .* no user "nobody"' \
    "$SOUK" recommend --quiet "${run[@]}" --users "$work/some" --out "$work/none"
check "and nothing is written" eval '! ls "$work"/none* 2>/dev/null'

two=$(cut -d , -f 2 <<<"$items")
cat >"$work/h.jsonl" <<END
{"id": "anna, \"the first\"", "history": ["$one", "$two"]}

{"id": 7, "history": [{"item": "$one", "time": "2024-06-01T12:00:00"}, {"item": "$two", "action": "cart", "time": 1717329600}]}
{"history": ["$one", "never-seen"]}
END
histories=("$SOUK" recommend --quiet --checkpoint "$work/away" --histories "$work/h.jsonl" --k 2)
check "histories need no log" eval '"${histories[@]}" >"$work/lists" 2>"$work/err" && [ "$(wc -l <"$work/lists")" = 3 ]'
check "an id is a text, a number, or the number of the line" eval '[ "$(sed "s/, \"recomm.*//" "$work/lists" | paste -sd " ")" = \
    "{\"id\": \"anna, \\\"the first\\\"\" {\"id\": 7 {\"id\": 4" ]'
check "unknown items are warned of at the end" grep -q 'warning: 1 event is of items .* "never-seen"' "$work/err"
check "in CSV such an id is quoted" eval '"${histories[@]}" --format csv >"$work/csv" && sed -n 2p "$work/csv" | grep -q "^\"anna, \"\"the first\"\"\",1,"'
same_list() { # LIST LINE
    [ "$("${away[@]}" --history "$1" --k 2 --json 2>/dev/null | sed -n 's/.*"item": "\(.*\)",/\1/p' | paste -sd ' ')" = \
        "$(sed -n "$2p" "$work/lists" | grep -oE '"item": "[^"]*"' | cut -d '"' -f 4 | paste -sd ' ')" ]
}
check "their lists are those of --history" eval 'same_list "$one,$two" 1 && same_list "$one@2024-06-01T12:00:00,$two:cart@1717329600" 2 && same_list "$one,never-seen" 3'
check "they may come from standard input" eval '"$SOUK" recommend --quiet --checkpoint "$work/away" --histories - --k 2 <"$work/h.jsonl" 2>/dev/null | cmp - "$work/lists"'
check "a file gets the same" eval '"${histories[@]}" --out "$work/lists.jsonl" && cmp "$work/lists.jsonl" "$work/lists"'
if [ -n "$python" ]; then
    check "every line is JSON" "$python" -c 'import json, sys
for line in open(sys.argv[1]): assert len(json.loads(line)["recommendations"]) == 2' "$work/lists"
else
    skip "there is no python3 here"
fi

# bad LINE MESSAGE
bad() {
    printf '{"history": ["%s"]}\n%s\n' "$one" "$1" >"$work/bad.jsonl"
    refuses "a bad line is named: $2" "$3" "bad.jsonl, line 2: $2" \
        "$SOUK" recommend --quiet --checkpoint "$work/away" --histories "$work/bad.jsonl" --out "$work/bad.out"
    [ ! -e "$work/bad.out" ] || fail "and no list is written"
}
bad '{"history": [' 'no JSON' 1
bad '{"history": []}' 'its history has no events' 1
bad '{"histry": ["1"]}' 'there is no field "histry" in the line, want id, history' 1
bad '{"history": [{"item": "1", "acton": "view"}]}' 'event 0: there is no field "acton" in an event, want item, action, time' 1
bad '{"history": [{"item": "1", "action": "vew"}]}' 'event 0: .* no action "vew"' 2
bad '{"history": ["1", {"item": "1", "time": 1717329600}]}' 'event 1: .*has a time, want a time of every event' 2
bad '{"id": [1], "history": ["1"]}' '"id" is no text' 1

# ---- Which items ----

awk -F, 'NR > 1 { print $2 }' "$work/log.csv" | sort -u | head -n 20 >"$work/twenty"
keys() { sed 1d "$work/lists" | cut -d , -f 3 | sort -u; }
many=("${run[@]}" --all --format csv)
check "only allowed items" eval 'lists "${many[@]}" --include-seen --allow "$work/twenty" && keys | comm -23 - "$work/twenty" | cmp - /dev/null && [ "$(keys | wc -l)" -gt 9 ]'
check "no blocked items" eval 'lists "${many[@]}" --k 90 --block "$work/twenty" && keys | comm -12 - "$work/twenty" | cmp - /dev/null && [ "$(keys | wc -l)" -gt 9 ]'
check "keys of no item are warned of" eval 'echo nothing >>"$work/twenty" && lists "${many[@]}" --allow "$work/twenty" 2>"$work/err" && grep -q "twenty: 1 key is of no item that the model knows, the first \"nothing\"" "$work/err"'
check "a cap leaves one item of each category" eval 'lists "${many[@]}" --cap category=1 --k 9 && [ "$(sed 1d "$work/lists" | cut -d , -f 2 | sort -u | paste -sd " ")" = 1 ]'
check "a category of no item leaves none" eval 'lists "${many[@]}" --category category=0 && [ "$(wc -l <"$work/lists")" = 1 ]'
refuses "a category that the items do not have" 2 'no category "colour", want one of category' "$SOUK" recommend "${run[@]}" --row 0 --cap colour=1
refuses "a row that it does not have" 2 'category has no row 99, want 0 to' "$SOUK" recommend "${run[@]}" --row 0 --category category=1,99
refuses "a cap without a number" 2 'want NAME=NUMBER' "$SOUK" recommend "${run[@]}" --row 0 --cap category
# ---- Why ----

# A history, and the same one without its first event and without its last.
cat >"$work/why.jsonl" <<END
{"id": "all", "history": ["${items//,/\", \"}"]}
{"id": "0", "history": ["$(cut -d , -f 2- <<<"$items" | sed 's/,/", "/g')"]}
{"id": "last", "history": ["$(cut -d , -f -3 <<<"$items" | sed 's/,/", "/g')"]}
END
for item in "$one" 1000050 1000099; do echo "$item"; done >"$work/three"
explained=("$SOUK" recommend --quiet --checkpoint "$work/away" --include-seen --allow "$work/three" --k 3)
cat >"$work/why.py" <<'END'
import json, math, sys
lists = {line["id"]: line["recommendations"] for line in map(json.loads, open(sys.argv[1]))}
assert len(lists["all"]) == 3
def probability(id, item): return next(r["probability"] for r in lists[id] if r["item"] == item)
for r in lists["all"]:
    why = r["why"]
    assert [e["event"] for e in why["events"]] == [0, 1, 2, 3], why
    taste, counts = why["taste"], why["counts"]
    parts = taste["probability"] + (counts["probability"] if counts else 0)
    assert abs(parts / math.exp(why["log_probability"]) - 1) < 1e-5, (parts, r)
    for half in [taste] + ([counts] if counts else []):
        size = sum(map(abs, half["terms"].values()))
        assert abs(sum(half["terms"].values()) - half["score"]) < 1e-5 * (1 + size), half
    for event, without in ((0, "0"), (3, "last")):
        change = math.log(r["probability"] / probability(without, r["item"]))
        assert abs(why["events"][event]["score"] - change) < 1e-4, (why, change)
    items = {i["item"]: i for i in why["items"]}
    for e in why["events"]: items[e["item"]]["events"] -= 1
    assert all(i["events"] == 0 for i in items.values()) and len(items) < 4, why
    for e in why["evidence"]: assert 0 <= e["next"] <= e["times"] and e["after"] + e["before"] > 0
assert any(abs(e["score"]) > 0.01 for r in lists["all"] for e in r["why"]["events"])
END
if [ -n "$python" ]; then
    check "reasons add up, and effects are what lists without an event say" eval \
        '"${explained[@]}" --histories "$work/why.jsonl" --explain >"$work/lists" && "$python" "$work/why.py" "$work/lists"'
fi
check "without --explain the list is the same" eval '"${explained[@]}" --histories "$work/why.jsonl" >"$work/plain" &&
    ! grep -q why "$work/plain" && "${explained[@]}" --histories "$work/why.jsonl" --explain | sed "s/, \"why\": {\"log.*//" >"$work/cut" &&
    [ "$(sed "s/}.*//" "$work/plain")" = "$(cat "$work/cut")" ]'
check "one list says why in JSON too" eval '"${away[@]}" --history "$items" --explain --json | grep -c "\"why\": {" | grep -qx 10'
check "people read shares, effects and counts" eval '"${log[@]}" --row 0 --explain >"$work/out" &&
    [ "$(grep -cE "^      learned taste [0-9]+%" "$work/out")" = 10 ] &&
    grep -qE "^      [0-9.e+]+ times as likely with [0-9]+ \((view|cart|purchase|favourite|[0-9]+ events)\) as without; [0-9.e+]+ times with" "$work/out" &&
    grep -qE "^      [0-9,]+ of [0-9,]+ times right after [0-9]+" "$work/out"'
check "of a model that acts by Q the changes of Q are shown" eval '"${log[@]}" --row 0 --explain --acting q >"$work/out" &&
    grep -qE "^      Q [+-][0-9.]+ by [0-9]+ \(" "$work/out" && ! grep -q "learned taste" "$work/out"'
check "where nothing is left there is nothing to explain" eval '"${log[@]}" --row 0 --explain --category category=0 >"$work/out" && [ "$(wc -l <"$work/out")" = 1 ]'
refuses "csv has no place for reasons" 2 'no place for --explain' "$SOUK" recommend "${many[@]}" --explain

refuses "two sources of histories" 2 'want one of' "$SOUK" recommend "${run[@]}" --row 0 --all
refuses "a file of one list" 2 '--out is for many histories' "$SOUK" recommend "${run[@]}" --row 0 --out "$work/one"
finish
