#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How a training step scales: tokens/s and memory, the plan beside the measured peak, against the size of
# the catalogue (10^4 .. 10^7 items), the length of histories (16 .. 4096 events), the size of the model
# (to 1.5 B parameters, planned where this machine is too small), threads and readers.
#
#   bench/scaling.sh [--largest ITEMS] [--fits PARAMETERS] [--device cpu]
#
# Table on screen, figures in bench/out/scaling.json, pictures beside it. Needs gnuplot, and a
# Python with numpy: PYTHON=PROGRAM, default bench/peers/venv, made by bench/peers/setup.sh.
set -euo pipefail
. "$(dirname "$0")/common.sh"
command -v gnuplot >/dev/null || { echo "scaling: no gnuplot; on Debian: apt-get install gnuplot-nox" >&2 && exit 1; }
if [ -z "${PYTHON:-}" ]; then
    bench/peers/setup.sh
    PYTHON=bench/peers/venv/bin/python
fi
exec "$PYTHON" bench/scaling.py --souk "$souk" --out "$out" "$@"
