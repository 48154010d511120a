#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""RecBole's SASRec on a log of `user item item ...` lines: the last item of a user is test, the one
before it validation. Each of five settings trains until NDCG@10 on validation has not risen for ten
epochs, or for --seconds; the best on validation is ranked on test among all items but those of the
history, as souk eval ranks. Prints a table and writes JSON.

    recbole_sasrec.py LOG [--out FOLDER] [--seconds 600] [--length 50] [--settings N]
"""
import argparse
import json
import lzma
import math
import os
import resource
import sys
import time
import types

# RecBole imports ray for its search of settings, which is not used here.
ray = types.ModuleType("ray")
ray.tune = types.ModuleType("ray.tune")
sys.modules.update({"ray": ray, "ray.tune": ray.tune})

import numpy as np  # noqa: E402
import torch  # noqa: E402
from recbole.config import Config  # noqa: E402
from recbole.data import create_dataset, data_preparation  # noqa: E402
from recbole.model.sequential_recommender import SASRec  # noqa: E402
from recbole.utils import get_trainer, init_seed  # noqa: E402

# Names of NumPy 1, which RecBole 1.2.1 uses.
np.float_, np.complex_, np.unicode_ = np.float64, np.complex128, np.str_

# RecBole's own defaults first, then what is usually searched on small sparse logs.
SETTINGS = [
    {},
    {"hidden_dropout_prob": 0.2, "attn_dropout_prob": 0.2},
    {"hidden_size": 128, "inner_size": 512},
    {"learning_rate": 0.003},
    {"n_layers": 1, "train_batch_size": 512},
]


class OutOfTime(Exception):
    pass


def read_log(path):
    opener = lzma.open if path.endswith(".xz") else open
    with opener(path, "rt") as f:
        return [line.split() for line in f]


def write_atomic(users, folder, name):
    """The log in RecBole's format; the time is the place in the history."""
    os.makedirs(os.path.join(folder, name), exist_ok=True)
    with open(os.path.join(folder, name, name + ".inter"), "w") as f:
        f.write("user_id:token\titem_id:token\ttimestamp:float\n")
        for user, *items in users:
            for place, item in enumerate(items):
                f.write("%s\t%s\t%d\n" % (user, item, place))


def config_of(a, name, setting):
    return Config(
        model="SASRec",
        dataset=name,
        config_dict={
            "data_path": a.out,
            "checkpoint_dir": os.path.join(a.out, "saved"),
            "use_gpu": False,
            "seed": 1,
            "state": "ERROR",
            "show_progress": False,
            "USER_ID_FIELD": "user_id",
            "ITEM_ID_FIELD": "item_id",
            "TIME_FIELD": "timestamp",
            "load_col": {"inter": ["user_id", "item_id", "timestamp"]},
            "MAX_ITEM_LIST_LENGTH": a.length,
            "train_neg_sample_args": None,
            "loss_type": "CE",
            "eval_args": {
                "split": {"LS": "valid_and_test"},
                "order": "TO",
                "group_by": "user",
                "mode": "full",
            },
            "metrics": ["NDCG"],
            "topk": [10],
            "valid_metric": "NDCG@10",
            **setting,
        },
    )


def train(a, config, train_data, valid_data):
    """-> (the trainer, the best NDCG@10 on validation, seconds, epochs)"""
    init_seed(config["seed"], config["reproducibility"])
    model = SASRec(config, train_data.dataset)
    trainer = get_trainer(config["MODEL_TYPE"], config["model"])(config, model)
    start = time.monotonic()
    epochs = 0

    def each(epoch, score):
        nonlocal epochs
        epochs = epoch + 1
        print("  epoch %d: %.4f, %.0f s" % (epoch, score, time.monotonic() - start), flush=True)
        if time.monotonic() - start > a.seconds:
            raise OutOfTime

    try:
        trainer.fit(train_data, valid_data, saved=True, show_progress=False, callback_fn=each)
    except OutOfTime:
        print("  stopped by the clock")
    return trainer, float(trainer.best_valid_score), time.monotonic() - start, epochs


@torch.no_grad()
def rank(trainer, dataset, users):
    """The saved model's measures on the last item of each user, items of the history left out."""
    saved = torch.load(trainer.saved_model_file, weights_only=False)
    trainer.model.load_state_dict(saved["state_dict"])
    model = trainer.model.eval()
    length = model.max_seq_length
    number = dataset.field2token_id["item_id"]
    sums = {"NDCG@10": 0.0, "HR@20": 0.0, "MRR@20": 0.0}
    users = [[number[i] for i in items] for _, *items in users if len(items) >= 3]
    for at in range(0, len(users), 512):
        part = users[at : at + 512]
        seq = torch.zeros(len(part), length, dtype=torch.long)
        for row, items in enumerate(part):
            seq[row, : min(len(items) - 1, length)] = torch.tensor(items[:-1][-length:])
        score = model.full_sort_predict(
            {model.ITEM_SEQ: seq, model.ITEM_SEQ_LEN: (seq > 0).sum(1)}
        )
        score[:, 0] = -math.inf
        target = torch.tensor([items[-1] for items in part])
        own = score.gather(1, target[:, None])
        for row, items in enumerate(part):
            score[row, items[:-1]] = -math.inf
        for r in (score > own).sum(1).tolist():
            sums["NDCG@10"] += 1 / math.log2(r + 2) if r < 10 else 0
            sums["HR@20"] += r < 20
            sums["MRR@20"] += 1 / (r + 1) if r < 20 else 0
    return {m: s / len(users) for m, s in sums.items()}


def main():
    p = argparse.ArgumentParser(description=__doc__)
    p.add_argument("log")
    p.add_argument("--out", default="bench/out/recbole")
    p.add_argument("--seconds", type=float, default=600, help="of each training")
    p.add_argument("--length", type=int, default=50, help="events of a history")
    p.add_argument("--settings", type=int, default=len(SETTINGS), help="the first so many")
    a = p.parse_args()
    users = read_log(a.log)
    name = os.path.basename(a.log).split(".")[0]
    write_atomic(users, a.out, name)
    rows = []
    for setting in SETTINGS[: a.settings]:
        print(setting or "RecBole's defaults", flush=True)
        config = config_of(a, name, setting)
        init_seed(config["seed"], config["reproducibility"])
        dataset = create_dataset(config)
        train_data, valid_data, _ = data_preparation(config, dataset)
        trainer, valid, seconds, epochs = train(a, config, train_data, valid_data)
        row = {"setting": setting, "valid": valid, "seconds": seconds, "epochs": epochs}
        rows.append({**row, "test": rank(trainer, dataset, users)})
        print("  test", rows[-1]["test"], flush=True)
    best = max(rows, key=lambda row: row["valid"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    report = {"log": name, "length": a.length, "rows": rows, "best": best, "peak_bytes": peak}
    with open(os.path.join(a.out, name + ".json"), "w") as f:
        json.dump(report, f, indent=1)
    print("best on validation:", best)
    print("peak %.0f MiB, all settings %.0f s" % (peak / 2**20, sum(r["seconds"] for r in rows)))


if __name__ == "__main__":
    main()
