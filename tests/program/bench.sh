#!/bin/bash
# souk bench: ops and steps are timed and reported, reports compared, wrong usage refused.
. "$(dirname "$0")/../tap.sh"
. "$root/tests/program/shop.sh"

check "ops are timed" sh -c "'$SOUK' bench --quick --quiet --op td --json '$work/a.json' >'$work/a.out'"
check "beside the ceilings" grep -q '^ceilings: copy [1-9]' "$work/a.out"
check "the table has the op" grep -q '^td targets .* f32 ' "$work/a.out"
check "the report has its schema" grep -q '"schema": "souk-bench-1"' "$work/a.json"
check "and what a row needs" sh -c "grep -q '\"median\"' '$work/a.json' && grep -q '\"floor\"' '$work/a.json' && grep -q '\"why\"' '$work/a.json'"
sed 's/"median": [0-9.e-]*/"median": 2.0/' "$work/a.json" >"$work/b.json"
sed 's/"median": [0-9.e-]*/"median": 4.0/' "$work/a.json" >"$work/c.json"
check "two reports are compared" sh -c "'$SOUK' bench --compare '$work/c.json' '$work/b.json' | grep -q '^td targets .* 2.00$'"
check "a row that one lacks is missing" sh -c "sed 's/\"td targets\"/\"other\"/' '$work/b.json' >'$work/d.json' && '$SOUK' bench --compare '$work/c.json' '$work/d.json' | grep -q '^td targets .* missing$'"
refuses "what is no report is refused" 1 'd2.json: ' sh -c "echo '{}' >'$work/d2.json'; '$SOUK' bench --compare '$work/a.json' '$work/d2.json'"
refuses "one report is too few" 2 'takes two files' "$SOUK" bench --compare "$work/a.json"
refuses "steps need data" 2 'data.path=FILE is missing' "$SOUK" bench --steps 2

check "a shop ingests" make_shop
check "steps are timed" sh -c "'$SOUK' bench --steps 3 --warmup 1 --quiet --json '$work/s.json' data.path='$work/shop.h5' model.dim=16 model.length=20 train.tokens=256 >'$work/s.out'"
check "tokens, data and memory are told" sh -c "grep -q 'tokens/s, waited for data' '$work/s.out' && grep -q '^memory: parameters' '$work/s.out'"
check "the report has the steps" grep -q '"encoder_parameters": [1-9]' "$work/s.json"
finish
