# SPDX-License-Identifier: Apache-2.0
"""What the benches in Python share: running souk and reading what it says of a run."""
import json
import os

import numpy as np
from measured import child

THREADS, WARMUP, STEPS = 2, 2, 5
GIB = 2.0**30


def usual(data, length, shape):
    return {
        "data.path": data,
        "train.tokens": 4096,
        "model.length": length,
        "train.threads": THREADS,
        "model.dropout": 0,
        "model.candidates": 0,  # the peers have no counted half
        "learn.action_weight": 0,
        "learn.objective": "cross_entropy",
        **{"model." + k: v for k, v in shape.items()},
    }


def assigned(settings):
    return ["%s=%s" % s for s in settings.items()]


class Souk:
    def __init__(self, program, out):
        self.program, self.out = program, out
        self.run = os.path.join(out, "train-run")

    def ingest(self, log, name, *options):
        path = os.path.join(self.out, name)
        child([self.program, "ingest", "--force", "--quiet", "--plain-keys", *options, log, path])
        return path

    def train(self, data, length, steps, shape, warmup=WARMUP, **more):
        """-> (tokens/s of each timed step, peak bytes); `more` settings replace the usual ones"""
        settings = {
            "train.out": self.run,
            "train.steps": steps + warmup,
            "train.valid_every": 10**9,
            "train.valid_users": 1,
            "train.patience": 0,
            **usual(data, length, shape),
            **more,
        }
        _, peak = child([self.program, "train", "--force", *assigned(settings)])
        with open(os.path.join(self.run, "metrics.jsonl")) as f:
            lines = [r for r in map(json.loads, f) if "tokens" in r]
        return [r["tokens"] / r["seconds"] for r in lines[warmup:]], peak

    def steps_on(self, device, data, length, steps, shape, **more):
        """-> (tokens/s, bytes of the arenas and scratch on the device)"""
        report = os.path.join(self.out, "steps.json")
        child(
            [
                self.program,
                "bench",
                "--device",
                device,
                "--quiet",
                "--steps",
                str(steps),
                "--warmup",
                "1",
                "--json",
                report,
                *assigned({**usual(data, length, shape), **more}),
            ]
        )
        with open(report) as f:
            told = json.load(f)["steps"]
        return told["tokens_per_s"], sum(told["memory"].values())


def write_log(path, users, events, items):
    """A log in which every item occurs and every user has `events` events; `users` x `events`
    rows."""
    rng = np.random.default_rng(1)
    item = np.concatenate([np.arange(items), rng.integers(0, items, users * events - items)])
    rng.shuffle(item)
    user, place = np.divmod(np.arange(users * events), events)
    with open(path, "w") as f:
        f.write("user_id,item_id,action,timestamp\n")
        np.savetxt(f, np.stack([user, item, 1600000000 + 3600 * place], 1), fmt="%d,%d,view,%d")
