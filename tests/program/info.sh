#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# souk info: the figures of a small log, on screen and as JSON.
. "$(dirname "$0")/../tap.sh"

cat >"$work/log.csv" <<'END'
user,item,action,time
anna,tea,view,1000
anna,tea,purchase,1060
bert,cup,view,2000
bert,tea,view,2010
bert,cup,view,2020
END
# screen PATTERN: `souk info` prints a line that matches.
screen() { "$SOUK" info "$work/shop.h5" >"$work/screen" && grep -qE -- "$1" "$work/screen"; }
json() { "$SOUK" info --json --top 1 "$work/shop.h5" >"$work/json" && grep -qE -- "$1" "$work/json"; }

check "a small log ingests" "$SOUK" ingest "$work/log.csv" "$work/shop.h5" --plain-keys --quiet
check "the counts stand in the first line" screen '5 events of 2 users on 2 items'
check "each action has its share" screen 'purchase +1 +20.00%'
check "histories have their lengths" screen 'history length: mean 2.5; 0% 2,'
check "the most frequent item is named" screen '^  tea +3 +60.00%'
check "columns tell how they are stored" screen '/events/time +int64 +40 bytes +contiguous'
check "JSON has the same counts" json '"events": 5,'
check "JSON names the top item" json '"key": "tea"'
check "the file has the data that were written" \
    eval '"$SOUK" info --verify "$work/shop.h5" | grep -q "^verified: 9 checksums, the fingerprint and the hash"'
refuses "a file that is not there is one line" 1 'no.h5: cannot open: No such file' \
    "$SOUK" info "$work/no.h5"
refuses "a file of another kind is one line" 1 'log.csv: not a readable HDF5 file' \
    "$SOUK" info "$work/log.csv"
mkdir "$work/empty"
refuses "a folder without a model is one line" 1 'empty: no best.safetensors or last.safetensors' \
    "$SOUK" info "$work/empty"
cp "$work/log.csv" "$work/log.safetensors"
refuses "a file that is no model is one line" 1 'log.safetensors: ' "$SOUK" info "$work/log.safetensors"
check "no file is wrong usage" [ "$("$SOUK" info >/dev/null 2>&1; echo $?)" = 2 ]
finish
