#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Ingest's speed and memory: bench/ingest.sh [--rows N] [FOLDER]. Generates a log of N rows (3,000,000;
# --rows 100000000 is the big one) and ingests it, as CSV and as JSON lines; needs 280 bytes of disk a row in
# FOLDER. Table on screen, figures in bench/out/ingest.json. The same log goes through
# bench/peers/ingest_pandas.py as well (up to 10,000,000 rows: pandas holds the log in memory) where there is
# pandas: PYTHON=PROGRAM, default bench/peers/venv, made by bench/peers/setup.sh. All by turns, five times: the
# medians count. What a run leaves to be written is written before the next one starts; souk's runs include the
# wait for their own file to be on the disk. BUILD=FOLDER: the build, made where there is none; THREADS=N.
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
log=$folder/bench-ingest.csv lines=$folder/bench-ingest.jsonl file=$folder/bench-ingest.h5 out=$root/bench/out
# ingest FORMAT LOG: seconds, and the report as it was before.
ingest() {
    sync
    "$build/souk" ingest --quiet --force --map "$root/datasets/synthetic.ini" --set input.format="$1" \
        ${THREADS:+--threads "$THREADS"} --json "$folder/report.json" "$2" "$file" || return
    value "$folder/report.json" seconds
}

started=$(seconds)
"$build/souk" generate --events "$rows" --out "$log" --quiet
generated=$(calc "$(seconds) - $started")
awk -F , 'NR == 1 { split($0, name); next }
    { printf "{\"%s\": %s, \"%s\": %s, \"%s\": \"%s\", \"%s\": \"%s\", \"%s\": %s, \"%s\": %s}\n",
      name[1], $1, name[2], $2, name[3], $3, name[4], $4, name[5], $5, name[6], $6 == "" ? "null" : $6 }' \
    "$log" >"$lines"

rounds=5 note=
if [ "$rows" -gt 10000000 ]; then
    rounds=1 note="no peer above 10,000,000 rows"
elif ! "$python" -c 'import pandas' 2>/dev/null; then
    note="no pandas: no peer (bench/peers/setup.sh makes one)"
fi
ours=() from_lines=() theirs=()
for ((i = 0; i < rounds; i++)); do
    one=$(ingest csv "$log")
    ours+=("$one")
    peak=$(value "$folder/report.json" peak_bytes) events=$(value "$folder/report.json" events)
    one=$(ingest jsonl "$lines")
    from_lines+=("$one")
    [ "$(value "$folder/report.json" events)" = "$events" ] || { echo "JSON lines gave other events" >&2; exit 1; }
    [ -z "$note" ] || continue
    sync
    theirs+=("$("$python" "$root/bench/peers/ingest_pandas.py" "$log" "$folder/bench-ingest-peer.h5" "$folder/report.json")")
done
took=$(median "${ours[@]}") took_lines=$(median "${from_lines[@]}") peer=null
[ -n "$note" ] || peer=$(median "${theirs[@]}")
rm -f "$log" "$lines" "$file" "$file.key" "$folder/report.json" "$folder/bench-ingest-peer.h5"

per() { calc "$rows / $1 / 1000000"; }
printf '%-24s %15s\n' "rows" "$rows" "generate, M rows/s" "$(per "$generated")" \
    "ingest, M rows/s" "$(per "$took")" "ingest, peak MiB" "$((peak / 1048576))" \
    "JSON lines, M rows/s" "$(per "$took_lines")" "of CSV's rows/s" "$(calc "$took / $took_lines")"
if [ "$peer" = null ]; then echo "$note"; else
    printf '%-24s %15s\n' "pandas, M rows/s" "$(per "$peer")" "souk is" "$(calc "$peer / $took")x"
fi
cat >"$out/ingest.json" <<JSON
{"rows": $rows, "generate_seconds": $generated, "ingest_seconds": $took, "ingest_peak_bytes": $peak,
 "json_lines_seconds": $took_lines, "pandas_seconds": $peer}
JSON
