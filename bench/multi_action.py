#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of bench/multi_action.sh from its JSON files: NDCG@10 of each kind of event, and
of all events weighted by reward, by scorer."""
import glob
import json
import os
import sys

for path in sorted(glob.glob(os.path.join(sys.argv[1], "*-cross_entropy*.json"))):
    report = json.load(open(path))
    print(
        "\n%s  (%d items, %d events)"
        % (os.path.basename(path)[:-5], report["items"], report["events"])
    )
    groups = [g for g in report["groups"] if g["events"] and not g["name"].startswith("target ")]
    print("  %-16s" % "NDCG@10" + "".join("%20s" % g["name"] for g in groups))
    print("  %-16s" % "events" + "".join("%20d" % g["events"] for g in groups))
    for i, scorer in enumerate(groups[0]["scorers"]):
        values = [g["scorers"][i]["NDCG@10"]["value"] for g in groups]
        print(
            "  %-16s" % scorer["name"]
            + "".join("%20s" % ("%.4f" % v if v is not None else "-") for v in values)
        )
