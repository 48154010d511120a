# SPDX-License-Identifier: Apache-2.0
"""From a shop's log to recommendations: python shop.py LOG.csv FOLDER

Each part, from one # %% to the next, may be run as a cell of a notebook."""

# %% A log becomes a behaviour file: cleaned, sorted, split by time.
import pathlib
import sys

import numpy as np

import souk

log, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
folder.mkdir(parents=True, exist_ok=True)
shop = folder / "shop.h5"

made = souk.ingest(log, shop, plain_keys=True, force=True, message=print)
print(f"{made.rows} rows: {made.users} users, {made.items} items, {made.events} events")

# %% A model learns from it. The callback sees each step, and may stop the training.
losses = []


def note(progress):
    if progress.loss is not None:
        losses.append(progress.loss)
    return progress.seconds > 120  # enough for an example


settings = {
    "learn.objective": "cross_entropy+double_q",
    "model": {"dim": 32, "length": 20},  # a small model, for a small example
    "train": {"steps": 60, "tokens": 1024},
}
training = souk.train(shop, folder / "run", settings, force=True, callback=note)
print(f"{training.steps} steps, NDCG@10 {training.validation:.4f}")
print(f"loss {np.mean(losses[:10]):.3f} at first, {np.mean(losses[-10:]):.3f} at last")

# %% It recommends items after histories of item keys.
with souk.Model(folder / "run", shop) as model:
    first, second = model.items[:2]
    best = model.recommend([[first], [first, second]], k=5)
    for keys, scores in zip(best.keys, best.score):
        print(", ".join(f"{key} ({score:.2f})" for key, score in zip(keys, scores)))

    # Histories as arrays are faster, where there are many: here those of a thousand shoppers.
    rng = np.random.default_rng(1)
    lengths = rng.integers(1, 20, 1000)
    offsets = np.concatenate([[0], np.cumsum(lengths)])
    items = rng.integers(0, len(model.items), offsets[-1])
    many = model.recommend(souk.Histories(items, offsets), k=5, block=[first])
    assert many.items.shape == (1000, 5) and model.find(first) not in many.items
    print("most often recommended:", model.items[np.bincount(many.items.ravel()).argmax()])
