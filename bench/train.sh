#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# A training step of souk beside the same model in PyTorch (bench/peers/twin.py), on the same cores in
# one run: tokens/s and peak memory, on full windows, on real history lengths, and with a million items.
#
#   bench/train.sh [SEQUENCES]    a log of sequences (one user a line) for the real lengths, e.g. Beauty;
#                                 default: a generated shop log
#
# The table goes to the screen and, as JSON, to bench/out/train.json. CORES=0,1 says which processors,
# ROUNDS=3 how often each is timed, PYTHON=PROGRAM which Python has PyTorch (default: bench/peers/venv, made by bench/peers/setup.sh).
set -euo pipefail
log=${1:+$(realpath -- "$1")}
. "$(dirname "$0")/common.sh"
if [ -z "${PYTHON:-}" ]; then
    bench/peers/setup.sh
    PYTHON=bench/peers/venv/bin/python
fi
exec taskset -c "${CORES:-0,1}" "$PYTHON" bench/train.py --souk "$souk" --out "$out" --rounds "${ROUNDS:-3}" ${log:+--log "$log"}
