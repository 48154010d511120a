#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ingest's speed and memory: bench/ingest.sh [--rows N] [FOLDER]. Generates a log of N rows (3,000,000;
# --rows 100000000 is the big one) and ingests it; needs 160 bytes of disk a row in FOLDER. Table on
# screen, figures in bench/out/ingest.json. The same log goes through bench/peers/ingest_pandas.py as well
# (up to 10,000,000 rows: pandas holds the log in memory) where there is pandas: PYTHON=PROGRAM, default
# bench/peers/venv, made by bench/peers/setup.sh. Both by turns, five times: the medians count. What a run
# leaves to be written is written before the next one starts; souk's runs include the wait for their own file
# to be on the disk.
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build}
python=${PYTHON:-$root/bench/peers/venv/bin/python}
rows=3000000
if [ "$1" = --rows ]; then
    rows=$2
    shift 2
fi
folder=${1:-$(mktemp -d)}
mkdir -p "$root/bench/out" "$folder"
[ -n "$1" ] || trap 'rm -rf "$folder"' EXIT
cmake -S "$root" -B "$build" -G Ninja >/dev/null
ninja -C "$build" souk >/dev/null
seconds() { date +%s.%N; }
calc() { awk "BEGIN { printf \"%.3f\", $1 }"; }
value() { sed -n "s/^ *\"$2\": \([0-9.e+-]*\),\{0,1\}$/\1/p" "$1" | head -n 1; }
median() { printf '%s\n' "$@" | sort -g | sed -n "$((($# + 1) / 2))p"; }
log=$folder/bench-ingest.csv file=$folder/bench-ingest.h5 out=$root/bench/out

started=$(seconds)
"$build/souk" generate --events "$rows" --out "$log" --quiet
generated=$(calc "$(seconds) - $started")

rounds=5 note=
if [ "$rows" -gt 10000000 ]; then
    rounds=1 note="no peer above 10,000,000 rows"
elif ! "$python" -c 'import pandas' 2>/dev/null; then
    note="no pandas: no peer (bench/peers/setup.sh makes one)"
fi
ours=() theirs=()
for ((i = 0; i < rounds; i++)); do
    sync
    "$build/souk" ingest --quiet --force --map "$root/datasets/synthetic.ini" \
        --json "$folder/report.json" "$log" "$file"
    ours+=("$(value "$folder/report.json" seconds)")
    [ -z "$note" ] || continue
    sync
    theirs+=("$("$python" "$root/bench/peers/ingest_pandas.py" "$log" "$folder/bench-ingest-peer.h5" "$folder/report.json")")
done
took=$(median "${ours[@]}") peer=null
[ -n "$note" ] || peer=$(median "${theirs[@]}")
peak=$(value "$folder/report.json" peak_bytes)
rm -f "$log" "$file" "$file.key" "$folder/report.json" "$folder/bench-ingest-peer.h5"

per() { calc "$rows / $1 / 1000000"; }
printf '%-24s %15s\n' "rows" "$rows" "generate, M rows/s" "$(per "$generated")" \
    "ingest, M rows/s" "$(per "$took")" "ingest, peak MiB" "$((peak / 1048576))"
if [ "$peer" = null ]; then echo "$note"; else
    printf '%-24s %15s\n' "pandas, M rows/s" "$(per "$peer")" "souk is" "$(calc "$peer / $took")x"
fi
cat >"$out/ingest.json" <<JSON
{"rows": $rows, "generate_seconds": $generated, "ingest_seconds": $took, "ingest_peak_bytes": $peak,
 "pandas_seconds": $peer}
JSON
