# SPDX-License-Identifier: Apache-2.0
"""The stream as PyTorch users write it: a Dataset over h5py and a DataLoader that shuffles users,
the peer of bench/stream.c. Reads a behaviour file, prints JSON: events/s of each way.

    stream_h5py.py FILE SECONDS WORKERS

`h5py` reads a user's columns from the file when asked for it; `in memory` has loaded all columns
before the clock starts. Batches are of about 16,384 events, histories cut to 200, padded to the
longest. """
import json
import sys
import time

import h5py
import numpy as np
import torch
from torch.nn.utils.rnn import pad_sequence
from torch.utils.data import DataLoader, Dataset

COLUMNS = ("item", "action", "time", "reward", "end")
TOKENS, LENGTH = 16384, 200


class Histories(Dataset):
    def __init__(self, path, in_memory):
        self.path, self.file = path, None
        with h5py.File(path, "r") as f:
            self.split = f["/splits/train"][:]
            self.memory = {c: f["/events/" + c][:] for c in COLUMNS} if in_memory else None

    def __len__(self):
        return len(self.split)

    def __getitem__(self, user):
        first, end = self.split[user]
        first = max(first, end - LENGTH)
        if self.memory:
            return {c: torch.from_numpy(self.memory[c][first:end]) for c in COLUMNS}
        if self.file is None:  # each worker opens its own
            self.file = h5py.File(self.path, "r")
            self.columns = {c: self.file["/events/" + c] for c in COLUMNS}
        return {c: torch.from_numpy(self.columns[c][first:end]) for c in COLUMNS}


def collate(users):
    return {c: pad_sequence([u[c] for u in users], batch_first=True) for c in COLUMNS}, sum(
        len(u["item"]) for u in users
    )


def rate(dataset, users_per_batch, seconds, workers):
    loader = DataLoader(
        dataset,
        users_per_batch,
        shuffle=True,
        num_workers=workers,
        collate_fn=collate,
        drop_last=True,
    )
    events, start = 0, None
    for _, count in loader:
        if start is None:  # the first batch pays for the start of the workers
            start = time.perf_counter()
            continue
        events += count
        if time.perf_counter() - start > seconds:
            break
    return events / (time.perf_counter() - start)


def main():
    path, seconds, workers = sys.argv[1], float(sys.argv[2]), int(sys.argv[3])
    torch.set_num_threads(1)
    split = Histories(path, False).split
    users = max(1, int(TOKENS / np.minimum(split[:, 1] - split[:, 0], LENGTH).mean()))
    print(
        json.dumps(
            {
                name: max(rate(Histories(path, memory), users, seconds, w) for w in (0, workers))
                for name, memory in (("h5py", False), ("in memory", True))
            }
        )
    )


if __name__ == "__main__":
    main()
