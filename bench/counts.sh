#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The speed of count tables beside that of ingest: bench/counts.sh [--rows N] [--items N] [--memory BYTES]
# [FOLDER]. Generates a log of N rows (3,000,000; --rows 100000000 is the big one), ingests it, counts what
# followed what in its train split, and places the items for the start of a training; needs 160 bytes of
# disk a row in FOLDER. The goal: at least half of ingest's rows/s. Table on screen, figures in
# bench/out/counts.json.
set -e
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build}
rows=3000000 items=0 memory=0
while [ $# -ge 2 ]; do
    case $1 in
    --rows) rows=$2 ;;
    --items) items=$2 ;;
    --memory) memory=$2 ;;
    *) break ;;
    esac
    shift 2
done
folder=${1:-$(mktemp -d)}
out=$root/bench/out
mkdir -p "$out" "$folder"
[ -n "$1" ] || trap 'rm -rf "$folder"' EXIT
cmake -S "$root" -B "$build" -G Ninja >/dev/null
ninja -C "$build" souk bench_counts >/dev/null
log=$folder/bench-counts.csv file=$folder/bench-counts.h5
value() { sed -n "s/^ *\"$2\": \([0-9.e+-]*\),\{0,1\}$/\1/p" "$1" | head -n 1; }
per() { awk "BEGIN { printf \"%.3f\", $1 / $2 / 1000000 }"; }

"$build/souk" generate --events "$rows" --items "$items" --out "$log" --quiet
"$build/souk" ingest --quiet --force --map "$root/datasets/synthetic.ini" --json "$folder/report.json" \
    "$log" "$file"
"$build/bench/bench_counts" "$file" "$memory" "$out/counts.json"
ingest=$(per "$rows" "$(value "$folder/report.json" seconds)")
events=$(value "$out/counts.json" events)
counts=$(per "$events" "$(value "$out/counts.json" seconds)")
rm -f "$log" "$file" "$file.key" "$folder/report.json"
printf '%-36s %15s\n' "rows of the log" "$rows" "ingest, M rows/s" "$ingest" \
    "counted events of the train split" "$events" "items" "$(value "$out/counts.json" items)" \
    "counting, M events/s" "$counts" "of ingest's rate" "$(awk "BEGIN { printf \"%.2f\", $counts / $ingest }")" \
    "counting, peak MiB with the table" "$(($(value "$out/counts.json" peak_bytes) / 1048576))" \
    "placing the items, s" "$(value "$out/counts.json" placing_seconds)"
