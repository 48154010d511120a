#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The table of bench/planning.sh from its JSON files."""
import glob
import json
import math
import os
import sys

from quality.places import t_quantile


def returns(path):
    with open(path) as f:
        return {p["policy"]: p["return"] for p in json.load(f)["policies"]}


def learned(out, name, gamma):
    """-> the return of each seed"""
    paths = glob.glob(os.path.join(out, "planning-%s-%s-[0-9]*.json" % (name, gamma)))
    seeds = sorted(int(p[:-5].rsplit("-", 1)[1]) for p in paths)
    path = os.path.join(out, "planning-%s-%s-%d.json")
    return [next(iter(returns(path % (name, gamma, s)).values())) for s in seeds]


def interval(differences):
    n = len(differences)
    mean = sum(differences) / n
    if n < 2:
        return mean, math.nan
    deviation = math.sqrt(sum((d - mean) ** 2 for d in differences) / (n - 1))
    return mean, t_quantile(n - 1) * deviation / math.sqrt(n)


def row(out, world):
    name = world.split("=", 1)[1]
    rules = returns(os.path.join(out, "planning-%s-rules.json" % name))
    now, later = (learned(out, name, gamma) for gamma in ("0", "0.95"))
    gain, half = interval([b - a for a, b in zip(now, later)])
    return {"world": world, "rules": rules, "gamma 0": now, "gamma 0.95": later, "gain": gain,
            "half_interval_95": half}


def main():
    out, worlds = sys.argv[1], sys.argv[2:]
    rows = [row(out, world) for world in worlds]
    with open(os.path.join(out, "planning.json"), "w") as f:
        json.dump(rows, f, indent=1)
    print("%-28s %9s %11s %22s" % ("", "gamma 0", "gamma 0.95", "difference"))
    for r in rows:
        means = [sum(r[g]) / len(r[g]) for g in ("gamma 0", "gamma 0.95")]
        print("%-28s %9.4f %11.4f %+12.4f +- %.4f" % (
            r["world"], *means, r["gain"], r["half_interval_95"]))
        print("    " + ", ".join("%s %.4f" % x for x in r["rules"].items()))
    return not all(r["gain"] - r["half_interval_95"] > 0 for r in rows)


sys.exit(main())
