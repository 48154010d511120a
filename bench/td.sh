#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# TD targets of a batch over the whole catalogue, beside PyTorch on the same cores in one run: time and
# memory of Q-learning, Double DQN and expected SARSA. Both are checked to compute the same targets.
#
#   bench/td.sh [--items 100000] [--tokens 4096] [--dim 64] [--rounds 3]
#
# Table on screen, figures in bench/out/td.json. CORES=0,1 says which processors, PYTHON=PROGRAM which
# Python has PyTorch (default: bench/peers/venv, made by bench/peers/setup.sh).
set -euo pipefail
. "$(dirname "$0")/common.sh"
ninja -C "${BUILD:-build}" bench_td >>$out/build.log
if [ -z "${PYTHON:-}" ]; then
    bench/peers/setup.sh
    PYTHON=bench/peers/venv/bin/python
fi
exec taskset -c "${CORES:-0,1}" "$PYTHON" bench/td.py --program "${BUILD:-build}/bench/bench_td" --out "$out" "$@"
