#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What bench/growth.sh does, which says what it asks."""
import argparse
import collections
import csv
import datetime
import json
import lzma
import math
import os

from measured import child, measured

# One pass over the log, with one validation at its end; nothing else is chosen.
GROWN = ["train.epochs=1", "train.patience=0", "train.anneal=0", "train.valid_every=1000000"]
MODELS = ("first", "anew", "grown")  # in the order of eval's A, B, C


def days_of(log, folder):
    """Writes the events of each day (UTC) to a file of its own -> their paths, oldest first."""
    os.makedirs(folder, exist_ok=True)
    with lzma.open(log, "rt", newline="") as f:
        header, *rows = csv.reader(f)
    at = header.index("time")
    days = collections.defaultdict(list)
    for row in rows:
        moment = datetime.datetime.fromtimestamp(int(row[at]), datetime.timezone.utc)
        days[moment.date().isoformat()].append(row)
    paths = []
    for day in sorted(days):
        paths.append(os.path.join(folder, day + ".csv"))
        with open(paths[-1], "w", newline="") as f:
            csv.writer(f).writerows([header] + days[day])
    return paths


class Growth:
    def __init__(self, souk, out):
        self.souk, self.out = souk, out

    def path(self, name):
        return os.path.join(self.out, "growth-" + name)

    def run(self, *arguments):
        return measured([self.souk, *arguments], {"OMP_NUM_THREADS": "1"})["cpu_seconds"]

    def ingest(self, days, catalogue=None):
        """The last day is the test split, the one before it the validation split."""
        known = ["--catalogue", catalogue] if catalogue else []
        options = ["--map", "datasets/retailrocket-dros.ini", "--split", "files", "--plain-keys"]
        report = self.path("ingest.json")
        seconds = self.run(
            "ingest", "--quiet", "--force", *options, *known, "--json", report, *days,
            self.path("log.h5"),
        )
        with open(report) as f:
            return seconds, json.load(f)

    def train(self, run, *settings):
        return self.run(
            "train", "--quiet", "--force", "--data", self.path("log.h5"), "--out", self.path(run),
            "train.threads=1", *settings,
        )

    def evaluate(self, runs):
        report = self.path("eval.json")
        models = [a for run in runs for a in ("--checkpoint", self.path(run))]
        self.run(
            "eval", "--quiet", "--data", self.path("log.h5"), "--threads", "1", "--json", report,
            *models,
        )
        with open(report) as f:
            return json.load(f)

    def day(self, days, before, after):
        """One day: the models `before` and the first are there; `after` is made from `before`."""
        ingest, intake = self.ingest(days, self.path(before))
        row = {"test_day": os.path.basename(days[-1])[:-4], "cpu_seconds": {"ingest": ingest}}
        row["cpu_seconds"]["anew"] = self.train("anew")
        row["cpu_seconds"]["grown"] = self.train(
            after, "train.from=" + self.path(before), *GROWN
        )
        report = self.evaluate(["first", "anew", after])
        group = report["groups"][0]
        value = {s["name"]: s["NDCG@10"]["value"] for s in group["scorers"]}
        for model, told in zip(MODELS, report["models"]):
            row[model] = value[told["scorer"]]
            row["unknown_targets_" + model] = told["unknown_targets"]
        row["bar"], row["best_bar"] = value[report["best_bar"]], report["best_bar"]
        pairs = {(c["model"], c["over"]): c["difference"] for c in group["comparisons"]}
        row["grown_less_anew"], row["grown_less_first"] = pairs["C", "B"], pairs["C", "A"]
        row["events"], row["items"] = report["events"], report["items"]
        row["new_items"] = intake["catalogue"]["new_items"]
        return row


def week(rows, name):
    """The mean over the events of all days, whose users are taken as independent."""
    events = sum(r["events"] for r in rows)
    value = sum(r["events"] * r[name]["value"] for r in rows) / events
    error = math.sqrt(sum((r["events"] * r[name]["error"]) ** 2 for r in rows)) / events
    return {"value": value, "low": value - 1.96 * error, "high": value + 1.96 * error}


def summary(rows):
    events = sum(r["events"] for r in rows)
    total = {m: sum(r["events"] * r[m] for r in rows) / events for m in MODELS + ("bar",)}
    cpu = {k: sum(r["cpu_seconds"][k] for r in rows) for k in ("ingest", "anew", "grown")}
    return {
        "events": events,
        "NDCG@10": total,
        "grown_less_anew": week(rows, "grown_less_anew"),
        "grown_less_first": week(rows, "grown_less_first"),
        "cpu_seconds": cpu,
        "share_of_work": cpu["grown"] / cpu["anew"],
    }


def show(rows, total):
    print("%-10s %6s %6s %5s  %7s %7s %7s %7s   %s" % (
        "test day", "events", "items", "new", "grown", "anew", "first", "bar",
        "CPU s: grown, anew"))
    for r in rows:
        print("%-10s %6d %6d %5d  %7.4f %7.4f %7.4f %7.4f   %6.1f %6.1f" % (
            r["test_day"], r["events"], r["items"], r["new_items"], r["grown"], r["anew"],
            r["first"], r["bar"], r["cpu_seconds"]["grown"], r["cpu_seconds"]["anew"]))
    mean = total["NDCG@10"]
    print("%-10s %6d %6s %5s  %7.4f %7.4f %7.4f %7.4f   %6.1f %6.1f" % (
        "all", total["events"], "", "", mean["grown"], mean["anew"], mean["first"], mean["bar"],
        total["cpu_seconds"]["grown"], total["cpu_seconds"]["anew"]))
    for other in ("anew", "first"):
        d = total["grown_less_" + other]
        print("NDCG@10, grown less %s: %+.4f (%+.4f .. %+.4f, 95 %%)" % (
            other, d["value"], d["low"], d["high"]))
    print("the grown models took %.1f %% of the processor time of those trained anew" % (
        100 * total["share_of_work"]))


GNUPLOT = """
set terminal svg size 900,360 font 'sans,12' background rgb 'white'
set output '%(svg)s'
set multiplot layout 1,2
set grid
set key above
set ylabel 'NDCG\\@10 of the next day'
set yrange [0:*]
plot '%(dat)s' using 0:2:xtic(1) with linespoints pointtype 7 title 'grown', \\
    '' using 0:3 with linespoints pointtype 6 title 'anew each day', \\
    '' using 0:4 with linespoints pointtype 4 title 'first model', \\
    '' using 0:5 with linespoints pointtype 8 title 'best simple scorer'
set ylabel 'processor seconds of a training'
plot '%(dat)s' using 0:6:xtic(1) with linespoints pointtype 7 title 'grown', \\
    '' using 0:7 with linespoints pointtype 6 title 'anew each day'
"""


def draw(out, rows):
    names = {k: os.path.join(out, "growth." + k) for k in ("svg", "dat", "gp")}
    with open(names["dat"], "w") as f:
        f.write("# day, NDCG@10 grown, anew, first, bar, CPU seconds grown, anew\n")
        for r in rows:
            cpu = r["cpu_seconds"]
            values = [r[k] for k in ("grown", "anew", "first", "bar")] + [cpu["grown"], cpu["anew"]]
            f.write(r["test_day"][5:] + "".join(" %g" % v for v in values) + "\n")
    with open(names["gp"], "w") as f:
        f.write(GNUPLOT % names)
    child(["gnuplot", names["gp"]])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--souk", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--first", type=int, default=9, help="days of the first model's train split")
    p.add_argument("--days", type=int, default=7, help="days on which models grow")
    p.add_argument("log")
    a = p.parse_args()
    g = Growth(a.souk, a.out)
    days = days_of(a.log, g.path("days"))
    if a.first + a.days + 2 > len(days):
        p.error("the log has %d days, want %d" % (len(days), a.first + a.days + 2))
    g.ingest(days[: a.first + 2])
    first = g.train("first")
    print("first model: %d days, %.1f CPU s" % (a.first, first), flush=True)
    rows, before = [], "first"
    for n in range(1, a.days + 1):
        after = "day%d" % (n % 2)
        rows.append(g.day(days[: a.first + n + 2], before, after))
        before = after
        with open(os.path.join(a.out, "growth.json"), "w") as f:
            found = {"first_cpu_seconds": first, "days": rows, "all": summary(rows)}
            json.dump(found, f, indent=1)
    show(rows, summary(rows))
    draw(a.out, rows)


if __name__ == "__main__":
    main()
