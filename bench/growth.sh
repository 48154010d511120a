#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Is a model that grows with its catalogue, day by day, as good as one that is trained anew each day, and what does it
# cost?
#
#   bench/growth.sh DATA [--first DAYS] [--days DAYS]
#
# DATA is a folder with the real logs of bench/quality.sh, of which this bench takes RetailRocket's, one file a day.
# The first model is trained on the first 9 days (--first) and validated on the day after. On each of 7 days (--days)
# the log of one day more is read into the catalogue of the model of the day before; then a model goes on with that
# one, by one pass over the log, and another is trained anew, without settings. Both, and the first model, rank the
# events of the next day. Everything runs on one thread. Table on screen, figures in bench/out/growth.json, a picture
# beside it. Needs gnuplot, and 6 minutes.
set -euo pipefail
[ $# -ge 1 ] || { echo "usage: bench/growth.sh DATA [--first DAYS] [--days DAYS]" >&2 && exit 2; }
data=$(realpath -- "$1")
shift
. "$(dirname "$0")/common.sh"
command -v gnuplot >/dev/null || { echo "growth: no gnuplot; on Debian: apt-get install gnuplot-nox" >&2 && exit 1; }
exec python3 bench/growth.py --souk "$souk" --out "$out" "$data/retailrocket-2015-08/events.csv.xz" "$@"
