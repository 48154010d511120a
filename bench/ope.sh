#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# Off-policy evaluation on real logs with true propensities: what would showing items uniformly have
# earned on the Open Bandit sample, told from the uniform log and from that of Bernoulli Thompson sampling?
#
#   bench/ope.sh [DATA]      folder with open-bandit-men/{random,bts}_men.csv.xz (default: $SOUK_DATA)
#
# Reference (the Open Bandit Pipeline's estimators on these files): random IPS 0.004600, ESS 10,000; bts IPS
# 0.003009, SNIPS 0.003189, ESS 655.7, mean weight 0.9433. The exit code is 0 when all of them come out, and
# when a log whose propensities were cut down to 1e-6 is refused. JSON: bench/out/ope-<log>.json
set -euo pipefail
data=$(realpath -- "${1:-${SOUK_DATA:?usage: bench/ope.sh DATA}}")
. "$(dirname "$0")/common.sh"

for log in random bts; do
    file=$data/open-bandit-men/${log}_men.csv.xz
    [ -r "$file" ] || { echo "ope: cannot read $file" >&2 && exit 1; }
    "$souk" ingest --force --plain-keys --map datasets/open-bandit.ini "$file" $out/ope-$log.h5 >/dev/null 2>&1
    run ope --data $out/ope-$log.h5 --policy uniform --json $out/ope-$log.json
done

# A log that hardly overlaps: of its first impressions one had a chance of 1e-6.
xzcat "$data/open-bandit-men/bts_men.csv.xz" |
    awk -F, -v OFS=, 'NR == 500 { $6 = "0.000001" } { print }' >$out/ope-broken.csv
"$souk" ingest --force --plain-keys --map datasets/open-bandit.ini $out/ope-broken.csv $out/ope-broken.h5 >/dev/null 2>&1
rm -f $out/ope-broken.csv
code=0
run ope --data $out/ope-broken.h5 --policy uniform || code=$?
echo "exit code $code, wanted 3"

python3 - $out $code <<'PYTHON'
import json, sys

out, code = sys.argv[1], int(sys.argv[2])
want = {
    "random": {"IPS": 0.004600, "SNIPS": 0.004600, "effective_sample_size": 10000.0, "mean": 1.0},
    "bts": {"IPS": 0.003009, "SNIPS": 0.003189, "effective_sample_size": 655.7, "mean": 0.9433},
}
print("\n%-8s %-22s %12s %12s" % ("log", "", "souk", "reference"))
good = code == 3
for log, values in want.items():
    report = json.load(open("%s/ope-%s.json" % (out, log)))
    have = {e["name"]: e["value"] for e in report["estimators"]}
    have.update(report["weights"])
    for name, value in values.items():
        print("%-8s %-22s %12.6g %12.6g" % (log, name, have[name], value))
        # the reference has four digits, six places at most
        good &= abs(have[name] - value) <= max(5.1e-5 * value, 5.1e-7)
print("all as in the reference" if good else "NOT as in the reference")
sys.exit(not good)
PYTHON
