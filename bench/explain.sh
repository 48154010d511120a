#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Are explanations faithful? bench/explain.sh DATA [SECONDS]
#
# DATA is a folder with the real logs of bench/quality.sh. Trains on two of them, JD's micro appliances and REES46's
# sample, for SECONDS (60) each on one thread, and asks of 1,000 users: how fast does the log probability of the first
# item of the list fall, when items are taken out of the history, with all of their events, in the order of the
# explanation, the latest first, or in any order? bench/explain.c has the definition. Prints means with 95 % intervals
# over users; figures in bench/out/explain-LOG.json.
set -euo pipefail
. "$(dirname "$0")/common.sh"
[ $# -ge 1 ] || { echo "usage: bench/explain.sh DATA [SECONDS]" >&2 && exit 2; }
data=$1 seconds=${2:-60}
build=${BUILD:-build}
ninja -C "$build" bench_explain >"$out/build.log"

# explain LOG FOLDER: ingests, trains, asks, shows.
explain() {
    local file=$out/explain-$1.h5 run=$out/explain-$1
    "$souk" ingest --force --quiet --plain-keys --map "datasets/$1.ini" "$data/$2/events.csv.xz" "$file"
    "$souk" train --force --quiet --data "$file" --out "$run" train.seconds="$seconds" train.threads=1
    "$build/bench/bench_explain" "$run" "$file" 1000 1 "$out/explain-$1.json"
    python3 - "$1" "$out/explain-$1.json" <<'END'
import json
import sys

report = json.load(open(sys.argv[2]))
show = lambda e: "%6.3f (%6.3f to %6.3f)" % (e["value"], e["low"], e["high"])
print("\n%s, %d users: fall of log p" % (sys.argv[1], report["users"]))
for rows in zip(*(report[arm] for arm in ("named", "latest", "random"))):
    named, latest, random = rows
    print("  without %d: named first %s, latest first %s, any %s" % (
        named["items"], *(show(row["fall"]) for row in rows)))
    print("      named first falls more than latest by %s, than any by %s" % (
        show(latest["named_less_this"]), show(random["named_less_this"])))
END
}
explain jd-micro-appliances jd-micro-appliances
explain rees46 rees46-2019-10-01-sample
