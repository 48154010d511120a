#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Three real logs with several kinds of events go the whole way: ingest, train (cross-entropy, then
# cross-entropy and Double DQN jointly), eval, recommend. The last table shows views and purchases apart.
#
#   bench/multi_action.sh [DATA]     folder of the data sets (default: $SOUK_DATA)
#
# SECONDS_EACH=120 limits each training. JSON per log and objective: bench/out/<log>-<objective>.json
set -euo pipefail
data=$(realpath -- "${1:-${SOUK_DATA:?usage: bench/multi_action.sh DATA}}")
. "$(dirname "$0")/common.sh"

# one LOG MAPPING
one() {
    local name=$1 map=$2 file=$out/$1.h5 objective
    run ingest --force --plain-keys --map "datasets/$map.ini" "$data/$name/events.csv.xz" "$file"
    for objective in cross_entropy cross_entropy+double_q; do
        local folder=$out/$name-$objective
        run train --force --config bench/multi_action.ini data.path="$file" train.out="$folder" \
            train.seconds="${SECONDS_EACH:-120}" learn.objective=$objective
        run eval --checkpoint "$folder" --data "$file" --json "$folder.json"
        run recommend --checkpoint "$folder" --data "$file" --row 0
    done
}

one retailrocket-2015-08 retailrocket-dros
one rees46-2019-10-01-sample rees46
one jd-micro-appliances jd-micro-appliances
python3 bench/multi_action.py $out
