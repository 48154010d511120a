#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# bench/quality.sh on a tiny log and on tiny session files: its tables are what souk eval says, and what is done is
# not done again. How well souk ranks is no matter here.
. "$(dirname "$0")/../tap.sh"
if ! command -v python3 >/dev/null || ! command -v xz >/dev/null; then
    skip "no python3 or no xz on this machine"
    finish
fi
# quality OPTION...: trains four steps where it trains.
quality() { (cd "$work" && "$root/bench/quality.sh" --out out "$@" train.steps=4 train.valid_every=2 model.dim=16); }

# holds FILE EXPRESSION: of the report r, in Python.
holds() { python3 -c 'import json, math, sys; r = json.load(open(sys.argv[1])); sys.exit(not eval(sys.argv[2]))' "$@"; }

"$SOUK" generate --events 2000 --users 200 --items 50 --seed 1 --out "$work/log.csv" >/dev/null
check "a log of one's own, two seeds" eval 'quality --log shop=log.csv --seeds 2 >"$work/table" 2>"$work/did"'
check "each seed trains, and all are ranked at once" eval '[ "$(grep -c "souk train.*train.seed=[12] train.steps=4" "$work/did")" = 2 ] &&
    [ "$(grep -c "souk eval.*run --seeds 2" "$work/did")" = 1 ]'
cat >"$work/compare.py" <<'END'
import json, math, sys
def read(path): return json.load(open(sys.argv[1] + path))
told = read("/quality.json")["logs"]["shop"]["souk"]
group = read("/shop/souk/eval.json")["groups"][0]
policy = next(s for s in group["scorers"] if not s["baseline"])["NDCG@10"]["value"]
assert math.isclose(told["policy"]["NDCG@10"], policy, rel_tol=1e-7), (told, policy)
difference = group["differences"][0]["difference"]
near = {k: math.isclose(told["difference"][k], difference[k], abs_tol=1e-5) for k in ("value", "low", "high")}
assert all(near.values()), (told, difference)
assert told["peak_bytes"] > 1e6 and told["train_seconds"] > 0
END
check "the measures and the interval are those of souk eval over two seeds" python3 "$work/compare.py" "$work/out"
check "the last line counts the logs" grep -qE '^NDCG@10, 1 log\(s\): above on [01], below on [01], within chance on [01]$' "$work/table"
check "a second run does nothing, and says the same" eval 'quality --log shop=log.csv --seeds 2 >"$work/again" 2>"$work/did" &&
    cmp "$work/table" "$work/again" && ! grep -q souk "$work/did"'
check "so they are with one seed" eval 'quality --log shop=log.csv --quick >"$work/one" && python3 "$work/compare.py" "$work/out"'
check "one more seed is one more training" eval 'quality --log shop=log.csv --seeds 3 >/dev/null 2>"$work/did" &&
    [ "$(grep -c "souk train" "$work/did")" = 1 ]'

# A published split of sessions: 40 of them for training, in order of time, the last 4 of which become validation; then
# the test sessions as prefixes with their targets, the longest of a session first.
mkdir -p "$work/data/session-benchmarks"
for i in $(seq 40); do echo "$((i % 5 + 1)) $((i % 3 + 1)) $((i % 7 + 1))"; done |
    xz >"$work/data/session-benchmarks/retailrocket_train_sessions.txt.xz"
printf '1 2 3 1\n1 2 3\n2 3 4\n5 1 2\n' | xz >"$work/data/session-benchmarks/retailrocket_test_prefix_target.txt.xz"
check "session files" eval 'quality --data data --logs retailrocket-sessions --quick >"$work/table"'
check "test has each position of each session but the first" holds "$work/out/quality.json" \
    'r["logs"]["retailrocket-sessions"]["souk"]["events"] == 7 and r["logs"]["retailrocket-sessions"]["souk"]["users"] == 3'
check "items of the session stay candidates" holds "$work/out/quality.json" \
    'r["logs"]["retailrocket-sessions"]["souk"]["include_seen"]'
check "but the published protocol begins with the third event" holds "$work/out/quality.json" \
    'r["logs"]["retailrocket-sessions"]["souk"]["published_protocol"]["events"] == 4'
check "36 sessions train, 4 validate" eval '[ "$(wc -l <"$work/out/retailrocket-sessions/sessions-train.txt")" = 36 ] &&
    [ "$(wc -l <"$work/out/retailrocket-sessions/sessions-valid.txt")" = 4 ]'
check "each arm beside the first" eval 'quality --log shop=log.csv --quick --arms --arm "no clipping:optim.clip=0" >"$work/arms" &&
    grep -q "^| one layer |" "$work/arms" && grep -q "^| no clipping |" "$work/arms"'
check "an arm is measured as any other" holds "$work/out/quality.json" 'all(len(s["beside_first"]) == 4 for arm, s in r["logs"]["shop"].items() if arm != "souk")'
refuses_log() { ! quality --data data --logs bauty >/dev/null 2>"$work/err" && grep -q "no log bauty, want some of beauty" "$work/err"; }
check "a log that is not known is refused" refuses_log
finish
