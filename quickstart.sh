#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# From a bare Debian 12 to recommendations: installs the packages that are missing, builds souk, and
# takes a shop's log the whole way: ingest, info, train, eval, recommend.
#
#   ./quickstart.sh                  a synthetic log, generated from a seed
#   ./quickstart.sh LOG [MAP.ini]    a real one; MAP.ini names its columns (datasets/README.md)
#
# Everything it makes is under quickstart-out/. It trains for 8 epochs, at most
# TRAIN_SECONDS (180).
set -euo pipefail
if [ $# -gt 2 ] || [ "${1:-}" = --help ] || [ "${1:-}" = -h ]; then
    sed -n '3,10s/^# \{0,1\}//p' "$0"
    [ $# -le 2 ]
    exit
fi
log=${1:+$(realpath -- "$1")} map=${2:+$(realpath -- "$2")}
[ -z "$log" ] || [ -r "$log" ] || { echo "quickstart: cannot read $log" >&2 && exit 1; }

cd "$(dirname "$0")"
. cmake/packages.sh
out=quickstart-out
souk=$out/build/souk
mkdir -p $out

step() { printf '\n== %s\n' "$*"; }
# run ARGUMENT...: shows the souk command that you could have typed, and runs it.
run() { printf '\n$ souk %s\n' "$*" && $souk "$@"; }

step "packages and build"
# shellcheck disable=SC2086 # names are words
install_packages $build_packages
if ! { cmake --preset cpu -B $out/build -DBUILD_TESTING=OFF && cmake --build $out/build; } \
    >$out/build.log 2>&1; then
    tail -n 40 $out/build.log
    echo "quickstart: souk does not build; all of the output is in $out/build.log" >&2
    exit 1
fi
$souk --version

step "the log becomes a behaviour file"
if [ -z "$log" ]; then
    log=$out/log.csv
    run generate --events 500000 --users 20000 --items 5000 --seed 1 --out $log
    run ingest --force --plain-keys $log $out/shop.h5
else
    run ingest --force ${map:+--map "$map"} "$log" $out/shop.h5
fi
run info $out/shop.h5

step "training: cross-entropy and Double DQN jointly"
rm -rf $out/model
run train data.path=$out/shop.h5 train.out=$out/model learn.objective=cross_entropy+double_q \
    optim.lr=3e-3 model.dropout=0.1 train.tokens=2048 train.epochs=8 train.seconds="${TRAIN_SECONDS:-180}"

step "how good is it, beside the baselines"
run eval --checkpoint $out/model --data $out/shop.h5 --json $out/eval.json

step "what it recommends"
run recommend --checkpoint $out/model --data $out/shop.h5 --row 0
printf '\nall of it is in %s\n' "$out"
