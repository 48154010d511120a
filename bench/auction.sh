#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Bidding on iPinYou's campaign 2997, replayed: are the published impressions, clicks and costs met exactly?
#
#   bench/auction.sh [DATA]      folder with ipinyou-rtb/ (default: $SOUK_DATA)
#
# Exit code 0 when RLB, linear, max-eCPC and SS-MDP are all as published. The same auctions then as a world:
# returns in clicks and the bid curve of RLB. JSON: bench/out/auction.json, auction-world.json
set -euo pipefail
data=$(realpath -- "${1:-${SOUK_DATA:?usage: bench/auction.sh DATA}}")
. "$(dirname "$0")/common.sh"
ninja -C "${BUILD:-build}" bench_auction >>$out/build.log
[ -d "$data/ipinyou-rtb" ] && data=$data/ipinyou-rtb
log=$data/campaign2997_test.txt.xz info=$data/info_2997.json
for file in "$log" "$info"; do
    [ -r "$file" ] || { echo "auction: cannot read $file" >&2 && exit 1; }
done

"${BUILD:-build}/bench/bench_auction" "$log" "$info" $out/auction.json
world="auction:log=$log,info=$info,auctions=1000,share=0.03125,grid=bid,reward=click,base=10"
run simulate --quiet --world "$world" --all --episodes 157 --json $out/auction-world.json
run simulate --quiet --world "$world" --policy rlb --episodes 157 --show
