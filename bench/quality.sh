#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Does the policy that souk learns without settings rank better than the best simple scorer, on each of a dozen
# real logs?
#
#   bench/quality.sh [OPTION]... [SECTION.KEY=VALUE]...
#
#   --data FOLDER         the folder of the raw logs (default: $SOUK_DATA); quality/logs.py names the files
#   --logs NAME,NAME      only these logs
#   --log NAME=FILE[,MAP] another log, with a map of datasets/; may be given again
#   --seeds N             trainings of each log, with the seeds 1 to N (3)
#   --quick               one training of each log
#   --arms                also the arms of quality/arms.py, each part of the recipe changed alone
#   --arm NAME:SETTING,...  another arm; may be given again
#   --out FOLDER          where files and results go (bench/out/quality)
#
# Settings after the options are added to every training. A run that was stopped goes on where it was: what the same
# program has done with the same files and arguments is not done again. JSON: FOLDER/quality.json
set -euo pipefail
[ -z "${SOUK_DATA:-}" ] || SOUK_DATA=$(realpath -- "$SOUK_DATA")
from=$PWD
. "$(dirname "$0")/common.sh"
export SOUK_DATA PYTHONPATH=bench
exec python3 bench/quality/main.py "$souk" --from "$from" "$@"
