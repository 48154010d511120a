#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# How good: trains on Amazon Beauty (leave-one-out) and ranks the whole catalogue for every user.
#
#   bench/quality.sh [DATA]      folder with sasrec-sequences/beauty_s3rec.txt.xz, or that file
#                                (default: $SOUK_DATA)
#   bench/quality.sh DATA SECTION.KEY=VALUE...    with other settings
#
# Published NDCG@10 on this file and split (full ranking): SASRec 0.0318, S3-Rec 0.0327, ICLRec 0.0403.
# The last line gives souk's; the exit code is 0 when that is at least 0.040. JSON: bench/out/quality.json
set -euo pipefail
data=$(realpath -- "${1:-${SOUK_DATA:?usage: bench/quality.sh DATA}}")
[ $# -eq 0 ] || shift
. "$(dirname "$0")/common.sh"
[ -d "$data" ] && data=$data/sasrec-sequences/beauty_s3rec.txt.xz
[ -r "$data" ] || { echo "quality: cannot read $data" >&2 && exit 1; }

run ingest --force --plain-keys --map datasets/sequences.ini --split leave-one-out "$data" $out/beauty.h5
run train --force --config bench/quality.ini data.path=$out/beauty.h5 train.out=$out/quality-run "$@"
run eval --checkpoint $out/quality-run --data $out/beauty.h5 --json $out/quality.json
python3 - $out/quality.json <<'PYTHON'
import json, sys

scorers = json.load(open(sys.argv[1]))["groups"][0]["scorers"]
ndcg = {s["name"]: s["NDCG@10"]["value"] for s in scorers}
model = max(v for s, v in zip(scorers, ndcg.values()) if not s["baseline"])
print("\nNDCG@10 " + "  ".join("%s %.4f" % item for item in ndcg.items()))
print("souk %.4f, wanted 0.040: %s" % (model, "reached" if model >= 0.040 else "not reached"))
sys.exit(model < 0.040)
PYTHON
