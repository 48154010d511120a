#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Does reinforcement learning do more than an auxiliary loss would, on a real log?
#
#   bench/ablate.sh [DATA] [ARGUMENT...]     folder of the data sets (default: $SOUK_DATA); arguments of
#                                            souk ablate, as learn.objective=cross_entropy+cql, --seeds 3
#
# LOG=retailrocket-2015-08 MAP=retailrocket-dros takes another log of DATA, with datasets/MAP.ini. Five arms under
# five seeds, the same number of steps each: ten minutes on two cores; a killed bench goes on where it was.
# JSON: bench/out/ablate-LOG/ablation.json, and a plot beside it.
set -euo pipefail
data=$(realpath -- "${1:-${SOUK_DATA:?usage: bench/ablate.sh DATA}}")
[ $# -eq 0 ] || shift
. "$(dirname "$0")/common.sh"
log=${LOG:-rees46-2019-10-01-sample} map=${MAP:-rees46}
run ingest --force --plain-keys --map "datasets/$map.ini" "$data/$log/events.csv.xz" "$out/ablate-$log.h5"
run ablate --seeds 5 --include-seen --config bench/ablate.ini data.path="$out/ablate-$log.h5" train.out="$out/ablate-$log" "$@"
