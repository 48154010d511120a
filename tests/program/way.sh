#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The whole way on a tiny synthetic log: generate, ingest, info, train, eval, recommend, trace.
. "$(dirname "$0")/../tap.sh"
. "$(dirname "$0")/shop.sh"

# prints PATTERN COMMAND...: exits 0 with a line that matches on standard output.
prints() {
    local pattern=$1
    shift
    "$@" >"$work/out" || return 1
    grep -qE -- "$pattern" "$work/out" || { cat "$work/out" && return 1; }
}
safetensors_names() { dd if="$1" bs=1 skip=8 count=20000 2>/dev/null | tr -d '\0' | grep -q "$2"; }

check "generates a log and ingests it" make_shop
"$SOUK" generate --events 6000 --users 200 --items 100 --seed 3 --out "$work/again.csv"
"$SOUK" generate --events 6000 --users 200 --items 100 --seed 4 --out "$work/other.csv"
check "a seed gives one log" cmp "$work/log.csv" "$work/again.csv"
check "another seed gives another" eval '! cmp -s "$work/log.csv" "$work/other.csv"'
check "a log from standard input is the same log" \
    eval '"$SOUK" ingest --force --plain-keys - "$work/piped.h5" <"$work/log.csv" &&
          diff <("$SOUK" info "$work/piped.h5" | sed 1d) <("$SOUK" info "$work/shop.h5" | sed 1d)'
check "ingest leaves a file alone that is there" \
    eval '! "$SOUK" ingest "$work/log.csv" "$work/shop.h5"'
check "info shows the actions" prints purchase "$SOUK" info "$work/shop.h5"
check "plans memory and takes none" prints '"bytes": [1-9]' \
    eval '"$SOUK" train --plan data.path="$work/shop.h5" train.out="$work/planned" && [ ! -e "$work/planned" ]'
check "plans what the size of the log decides" prints '"optim.warmup": ' \
    "$SOUK" train --plan data.path="$work/shop.h5"
check "trains" train "$work/run" train.steps=30
check "a training that ends inside its warm-up says so, also with train.quiet=1" \
    eval 'train "$work/short" train.steps=4 optim.warmup=9 2>"$work/err" &&
          grep -q "warning: .* inside its warm-up of 9 steps" "$work/err"'
check "the end says how the model stands" \
    eval 'train "$work/shown" train.steps=12 train.quiet=0 2>"$work/err" &&
          grep -q "the best simple scorer: NDCG@10 on validation" "$work/err"'
checkpoint=(--checkpoint "$work/run" --data "$work/shop.h5")
check "evaluates beside the baselines" \
    prints '[Pp]opularity' "$SOUK" eval "${checkpoint[@]}" --json "$work/eval.json"
check "writes the table as JSON" grep -qi 'ndcg' "$work/eval.json"
check "info shows the count table of a model" \
    prints '^count table: up to 64 neighbours of each of [0-9]+ items; it counts [0-9,]+ events, those of the train split' \
    "$SOUK" info "$work/run"
check "and the calibration of its last validation" \
    prints '^calibration: the scores by vectors are multiplied by [01]\.' "$SOUK" info "$work/run"
check "and its items and actions" eval 'prints "^catalogue: 100 items, in .*/run/catalogue.h5" "$SOUK" info "$work/run" &&
    prints "^actions: view, cart, favourite, purchase, review, remove$" "$SOUK" info "$work/run"'
check "and its features" eval 'prints "^  item +category +category, [0-9]+ rows" "$SOUK" info "$work/run" &&
    prints "^  event +price +number, normalised" "$SOUK" info "$work/run"'
check "and how it validated" prints '; best NDCG@10 on validation 0\.[0-9]+ \+- 0\.[0-9]+, HR@10 0\.[0-9]+$' "$SOUK" info "$work/run"
check "and its data and its version" eval 'version=$("$SOUK" --version) &&
    prints "^data: catalogue [0-9a-f]{16}, fingerprint [0-9a-f]{16}; trained by $version$" "$SOUK" info "$work/run" &&
    prints "\"fingerprint\": \"[0-9a-f]{64}\"" "$SOUK" info --json "$work/run" &&
    hash=$("$SOUK" info --json "$work/shop.h5" | grep catalogue_hash) && grep -qF "$hash" "$work/out"'
check "and how many parameters it has" prints "^$(grep -oE '"parameters": [0-9]+' "$work/run/checkpoint.json" | grep -oE '[0-9]+' | sed ':a;s/\B[0-9]\{3\}\>/,&/;ta') parameters$" "$SOUK" info "$work/run"
check "and as JSON" prints '"neighbours": 64' "$SOUK" info --json "$work/run/best.safetensors"
check "a model without candidates trains" train "$work/dense" train.steps=2 model.candidates=0
check "and info says that it has no count table" \
    prints '^count table: none' "$SOUK" info "$work/dense"
check "recommends for a user" prints . "$SOUK" recommend "${checkpoint[@]}" --user "$(a_user)"
check "traces a batch" "$SOUK" trace "${checkpoint[@]}" --batch 0 --out "$work/trace.safetensors"
check "the trace names gradients" safetensors_names "$work/trace.safetensors" 'grad'
check "and the count table" safetensors_names "$work/trace.safetensors" 'counts.popularity'
printf 'user,item,time\n1,plain,1600000000\n1,caf\351,1600000060\n1,th\351,1600000120\n1,milk,1600000180\n2,plain,1600000000\n' >"$work/bytes.csv"
check "keys may have any bytes" eval '"$SOUK" ingest --plain-keys --quiet --split leave-one-out "$work/bytes.csv" "$work/bytes.h5" &&
    "$SOUK" train data.path="$work/bytes.h5" train.out="$work/bytes" train.steps=2 train.quiet=1 &&
    "$SOUK" recommend --checkpoint "$work/bytes" --data "$work/bytes.h5" --row 0 --k 4 --include-seen --json >"$work/out"'
check "none of them is left out of JSON" eval '[ "$(grep -c "\"item\"" "$work/out")" = 4 ] && grep -q "caf.*xe9" "$work/out"'
refuses "a user the file does not have is refused" 2 'no-such-user' \
    "$SOUK" recommend "${checkpoint[@]}" --user no-such-user
refuses "a setting that does not exist is refused" 2 'optim.speed' train "$work/none" optim.speed=9
refuses "a setting out of range is refused" 2 'model.dim' train "$work/none" model.dim=0
refuses "a data file that is not there is refused" 1 'nowhere.h5' \
    train "$work/none" data.path="$work/nowhere.h5"
finish
