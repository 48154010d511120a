# SPDX-License-Identifier: Apache-2.0
"""Runs of souk that are not made again: the record beside a result says which program, command and
input files made it, how long that took and how much memory."""
import hashlib
import json
import os
import sys

from measured import measured


def _hash(path):
    digest = hashlib.sha256()
    with open(path, "rb") as f:
        for block in iter(lambda: f.read(1 << 20), b""):
            digest.update(block)
    return digest.hexdigest()


def write_json(path, value):
    with open(path + ".part", "w") as f:
        json.dump(value, f, indent=1)
    os.replace(path + ".part", path)


def read_json(path):
    with open(path) as f:
        return json.load(f)


class Runs:
    def __init__(self, program):
        self.program = program
        self.program_hash = _hash(program)

    def once(self, record, arguments, inputs):
        """Runs souk with the arguments unless `record` says that this program has done so with the
        same inputs. -> what measured() says"""
        made = {
            "program": self.program_hash,
            "arguments": arguments,
            "inputs": {path: _hash(path) for path in inputs},
        }
        if os.path.exists(record):
            have = read_json(record)
            if all(have.get(key) == value for key, value in made.items()):
                return have
        print("$ souk " + " ".join(arguments), file=sys.stderr, flush=True)
        made.update(measured([self.program, *arguments]))
        write_json(record, made)
        return made


def ingest(runs, log, inputs, folder):
    """-> the behaviour file"""
    file = os.path.join(folder, "log.h5")
    arguments = ["ingest", "--force", "--quiet", "--plain-keys"]
    if log.map:
        arguments += ["--map", "datasets/%s.ini" % log.map]
    runs.once(os.path.join(folder, "ingest.json"), [*arguments, *inputs, file], inputs)
    return file


def train(runs, file, folder, seed, settings):
    """Trains with the settings and the seed; the run is FOLDER/run-SEED. -> the record of once()"""
    os.makedirs(folder, exist_ok=True)
    model = os.path.join(folder, "run-%d" % seed)
    arguments = ["train", "--force", "data.path=" + file, "train.out=" + model]
    arguments += ["train.seed=%d" % seed, *settings]
    return runs.once(os.path.join(folder, "train-%d.json" % seed), arguments, [file])


def rank(runs, log, file, folder, seeds):
    """Ranks the test split by the runs of all seeds at once, so that the bars are made once.
    -> {"eval": souk's report, "events": the file of all places, "ranking": the record of once()}"""
    report, events = (os.path.join(folder, name) for name in ("eval.json", "events.tsv"))
    arguments = ["eval", "--quiet", "--data", file, "--json", report, "--events", events]
    run = os.path.join(folder, "run")
    many = ["--checkpoint", run, "--seeds", str(seeds)]
    arguments += many if seeds > 1 else ["--checkpoint", run + "-1"]
    weights = ["%s-%d/best.safetensors" % (run, seed) for seed in range(1, seeds + 1)]
    if log.sessions:
        arguments.append("--include-seen")
    ranked = runs.once(os.path.join(folder, "eval-record.json"), arguments, [file, *weights])
    return {"eval": read_json(report), "events": events, "ranking": ranked}
