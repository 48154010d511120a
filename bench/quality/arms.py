# SPDX-License-Identifier: Apache-2.0
"""The arms of bench/quality.sh --arms: the defaults, each part of the recipe changed alone, and a
larger encoder. An arm is a name and the settings that differ from the defaults."""

ARMS = {
    "souk": [],
    "no counted half": ["model.candidates=0"],
    "no spectral start": ["model.spectral=0"],
    "dropout 0": ["model.dropout=0"],
    "dropout 0.5": ["model.dropout=0.5"],
    "one layer": ["model.layers=1"],
    "dim 128": ["model.dim=128"],
    "wider and deeper": [
        "model.dim=128",
        "model.layers=4",
        "model.heads=4",
        "model.dropout=0.5",
    ],
    "batches of 1024 events": ["train.tokens=1024"],
    "no loss on the kind of the next event": ["learn.action_weight=0"],
    "no weight decay": ["optim.weight_decay=0"],
}
