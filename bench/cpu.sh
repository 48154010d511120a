#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# What is timed on a processor, in one command: training steps, TD targets, the stream and ingest beside
# their peers, every op beside its floor, and the scaling curves. Half an hour on two cores with nothing
# else to do.
#
#   bench/cpu.sh
#
# The result is bench/results/cpu-<processor>.json, of which bench/report.py writes bench/README.md's section;
# pictures in bench/pictures/. Needs gnuplot, and bench/peers/venv, made by bench/peers/setup.sh.
set -euo pipefail
case " $* " in *" --help "* | *" -h "*) sed -n '3,/^set/{/^set/d;s/^# \{0,1\}//p}' "$0" && exit ;; esac
. "$(dirname "$0")/common.sh"
bench/peers/setup.sh
bench/train.sh
bench/td.sh
bench/stream.sh 20000000
bench/ingest.sh
"$souk" bench --quiet --json $out/ops.json
bench/scaling.sh
exec python3 bench/report.py --join-cpu $out
