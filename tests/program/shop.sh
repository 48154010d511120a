# shellcheck shell=bash disable=SC2154 # tap.sh sets $work, $SOUK
# SPDX-License-Identifier: Apache-2.0
# What the tests of training share, sourced after tap.sh: a tiny shop and a tiny model.

# $work/shop.h5, from the log $work/log.csv.
make_shop() {
    "$SOUK" generate --events 6000 --users 200 --items 100 --seed 3 --out "$work/log.csv" &&
        "$SOUK" ingest --force --plain-keys "$work/log.csv" "$work/shop.h5"
}

# How to train on it: "${training[@]}" train.out=FOLDER ARGUMENT... An array, so that in the background
# $! is souk itself.
# shellcheck disable=SC2154 # work: tap.sh
training=("$SOUK" train "data.path=$work/shop.h5" model.dim=16 model.length=20 train.tokens=256
    train.valid_users=50 train.patience=0 train.quiet=1 learn.objective=cross_entropy+double_q)
train() { "${training[@]}" train.out="$1" "${@:2}"; }

# same_tensors A B: both checkpoints hold the same files of tensors, byte for byte.
same_tensors() {
    local file files
    files=$(cd "$1" && find . -name '*.safetensors')
    [ -n "$files" ] && [ "$files" = "$(cd "$2" && find . -name '*.safetensors')" ] || return 1
    for file in $files; do cmp "$1/$file" "$2/$file" || return 1; done
}

# loads FOLDER: the checkpoint there serves recommendations.
loads() {
    "$SOUK" recommend --checkpoint "$1" --data "$work/shop.h5" --user "$(a_user)"
}

# The key of a user of the shop.
a_user() { awk -F, 'NR == 2 { print $1 }' "$work/log.csv"; }
