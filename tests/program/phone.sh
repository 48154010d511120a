#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# The example of datasets/README.md: the values that an agent learns are those worked out by hand.
. "$(dirname "$0")/../tap.sh"

# values HISTORY ITEM Q...: each item has that Q after the history, within a hundredth.
values() {
    local history=$1
    shift
    "$SOUK" recommend --checkpoint "$work/run" --data "$work/phone.h5" --include-seen \
        --history "$history" >"$work/table" || return 1
    cat "$work/table"
    while [ $# -gt 0 ]; do
        awk -v item="$1" -v q="$2" \
            '$2 == item { found = 1; exit !($NF - q < 0.01 && q - $NF < 0.01) } END { if (!found) exit 1 }' \
            "$work/table" || return 1
        shift 2
    done
}

check "the log is ingested" "$SOUK" ingest --plain-keys --map "$root/datasets/phone.ini" \
    "$root/datasets/phone.csv" "$work/phone.h5"
check "and learned" "$SOUK" train --config "$root/datasets/phone-train.ini" \
    "data.path=$work/phone.h5" "train.out=$work/run" train.quiet=1
check "without a phone, the phone is worth 0.86" \
    values entrance:view phone 0.86 book 0.4 accessory 0.1 entrance 0
check "with one, the accessory is worth 0.8" \
    values entrance:view,phone:purchase accessory 0.8 book 0.4 phone 0 entrance 0
finish
