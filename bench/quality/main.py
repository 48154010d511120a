#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What bench/quality.sh runs once souk is built: see there."""
import argparse
import os
import sys

from arms import ARMS
from logs import LOGS, Log, inputs
from runs import Runs, ingest, rank, train, write_json
from tables import log_table, published_table, results_of, summary


def own_log(text):
    """NAME=FILE or NAME=FILE,MAP -> (name, log)"""
    name, equals, rest = text.partition("=")
    file, _, map_name = rest.partition(",")
    if not (name and equals and file):
        raise argparse.ArgumentTypeError("want NAME=FILE or NAME=FILE,MAP")
    return name, Log(map_name, (file,))


def own_arm(text):
    """NAME:SETTING,SETTING -> (name, settings)"""
    name, _, settings = text.partition(":")
    if not (name and "=" in settings):
        raise argparse.ArgumentTypeError("want NAME:SECTION.KEY=VALUE,...")
    return name, settings.split(",")


def arguments():
    p = argparse.ArgumentParser(prog="bench/quality.sh", description=__doc__)
    p.add_argument("program", help="souk")
    p.add_argument("--from", dest="base", default=".", help="where relative paths begin")
    p.add_argument("--data", default=os.environ.get("SOUK_DATA", ""), help="folder of the logs")
    p.add_argument("--out", help="folder of all files and of quality.json")
    p.add_argument("--logs", help="of these only, separated by commas: " + ", ".join(LOGS))
    p.add_argument("--log", action="append", type=own_log, default=[], metavar="NAME=FILE[,MAP]")
    p.add_argument("--seeds", type=int, default=3)
    p.add_argument("--quick", action="store_true", help="one seed")
    p.add_argument("--arms", action="store_true", help="also each part of the recipe alone")
    p.add_argument("--arm", action="append", type=own_arm, default=[], metavar="NAME:SETTING,...")
    p.add_argument("settings", nargs="*", metavar="SECTION.KEY=VALUE")
    a = p.parse_intermixed_args()
    at = lambda path: os.path.abspath(os.path.join(a.base, path))
    own = {name: Log(log.map, tuple(map(at, log.inputs))) for name, log in a.log}
    a.data = at(a.data) if a.data else ""
    a.out = at(a.out) if a.out else "bench/out/quality"
    names = a.logs.split(",") if a.logs else [] if own else list(LOGS)
    for name in names:
        if name not in LOGS:
            p.error("--logs: no log %s, want some of %s" % (name, ", ".join(LOGS)))
    if names and not os.path.isdir(a.data):
        p.error("--data: no folder %r, want the folder of the logs (or set SOUK_DATA)" % a.data)
    a.arms = {**(ARMS if a.arms else {"souk": []}), **dict(a.arm)}
    a.chosen = {**{name: LOGS[name] for name in names}, **own}
    a.seeds = 1 if a.quick else a.seeds
    return a


def run_log(a, runs, name, log):
    """-> arm -> what the tables show"""
    folder = os.path.join(a.out, name)
    os.makedirs(folder, exist_ok=True)
    file = ingest(runs, log, inputs(log, a.data, folder), folder)
    results = {}
    for arm, settings in a.arms.items():
        place = os.path.join(folder, arm.replace(" ", "_"))
        seeds = range(1, a.seeds + 1)
        trained = [train(runs, file, place, seed, [*a.settings, *settings]) for seed in seeds]
        results[arm] = {"train": trained, **rank(runs, log, file, place, a.seeds)}
    return results_of(name, results)


def main():
    a = arguments()
    runs = Runs(a.program)
    os.makedirs(a.out, exist_ok=True)
    results, failed = {}, []
    for name, log in a.chosen.items():
        try:
            results[name] = run_log(a, runs, name, log)
        except (OSError, SystemExit) as error:
            print("%s: %s" % (name, error), file=sys.stderr)
            failed.append(name)
            continue
        print(log_table(name, results[name]), flush=True)
    if results:
        print(published_table(results))
        print(summary(results))
    if a.settings:
        print("with " + " ".join(a.settings))
    write_json(
        os.path.join(a.out, "quality.json"),
        {"schema": "souk-quality-1", "settings": a.settings, "failed": failed, "logs": results},
    )
    if failed:
        sys.exit("failed: " + ", ".join(failed))


if __name__ == "__main__":
    main()
