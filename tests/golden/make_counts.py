#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes counts.safetensors beside this script: the loss of a policy that is the sum of two masses,
and its gradients, by PyTorch in float64. The policy is written as the dense softmax over the whole
catalogue that it is, and not as souk's ops compute it.

    /usr/bin/python3 tests/golden/make_counts.py
"""
import os

import numpy as np
import torch

import safetensors_io

HERE = os.path.dirname(os.path.abspath(__file__))
WINDOWS = [1, 2, 7, 38]  # tokens of each
ITEMS, DIM, WIDTH, FEATURES, UNITS, KEYS, DISTANCES = 61, 12, 21, 13, 24, 32, 16


def make_inputs(rng):
    """A row for each token. Events repeat items; candidates are distinct, some rows have few or
    none; some rows have no target, some one that is no candidate."""
    rows = sum(WINDOWS)

    def normal(*shape, scale=1.0):
        return (scale * rng.standard_normal(shape)).astype(np.float32)

    candidate = np.full((rows, WIDTH), -1, np.int32)
    for i in range(rows):
        count = (0, 1, WIDTH)[i % 3] if i % 5 == 0 else int(rng.integers(2, WIDTH))
        candidate[i, :count] = rng.permutation(ITEMS)[:count]
    target = rng.integers(0, ITEMS, rows).astype(np.int32)
    for i in range(rows):
        if i % 2 and candidate[i, 0] >= 0:
            target[i] = candidate[i, 0]
    target[::9] = -1
    token = np.arange(rows, dtype=np.int32)
    token[4] = 3  # the same state twice
    token[20] = -1
    return {
        "u": normal(rows, DIM),
        "id": normal(ITEMS, DIM, scale=0.5),
        "bias": normal(ITEMS, scale=0.5),
        "q": normal(rows, KEYS),
        "k": normal(rows, KEYS),
        "distance": normal(DISTANCES),
        "base": normal(rows),
        "hidden": normal(rows, UNITS),
        "beta": normal(1),
        "linear": normal(FEATURES, scale=0.3),
        "inner": normal(UNITS, FEATURES, scale=0.3),
        "outer": normal(UNITS, scale=0.3),
        "feature": normal(rows, WIDTH, FEATURES, scale=2.0),
        "mean": normal(FEATURES),
        "scale": normal(FEATURES, scale=0.5),
        "weight": normal(rows),
        "item": rng.integers(0, 15, rows).astype(np.int32),
        "cu_seqlens": np.cumsum([0] + WINDOWS).astype(np.int32),
        "token": token,
        "candidate": candidate,
        "target": target,
    }


def pointers(x):
    """[rows, WIDTH]: attention over the events of each candidate, 0 where there is none."""
    window = np.repeat(np.arange(len(WINDOWS)), WINDOWS)
    rows = []
    for i, t in enumerate(x["token"]):
        place = []
        for y in x["candidate"][i]:
            events = [
                u
                for u in range(max(0, t - DISTANCES + 1), t + 1)
                if t >= 0 and y >= 0 and window[u] == window[t] and x["item"][u] == y
            ]
            scores = [x["q"][i] @ x["k"][u] / KEYS**0.5 + x["distance"][t - u] for u in events]
            none = torch.zeros((), dtype=torch.float64)
            place.append(torch.logsumexp(torch.stack(scores), 0) if scores else none)
        rows.append(torch.stack(place))
    return torch.stack(rows)


def losses(x):
    """[rows]: weight times -log p(target), 0 without a target."""
    item = torch.tensor(x["candidate"]).long()
    present, rows = item >= 0, torch.arange(len(item))
    f = (x["feature"] - x["mean"]) * x["scale"]
    units = torch.relu(torch.einsum("ijk,hk->ijh", f, x["inner"]) + x["hidden"][:, None, :])
    dense = x["u"] @ x["id"].T
    r = x["base"][:, None] + f @ x["linear"] + units @ x["outer"] + pointers(x)
    r = r + x["beta"] * dense.gather(1, item.clamp(min=0))
    counted = torch.full(dense.shape, -torch.inf, dtype=torch.float64)
    counted = counted.index_put((rows[:, None].expand_as(item)[present], item[present]), r[present])
    logits = torch.logaddexp(dense + x["bias"], counted)
    target = torch.tensor(x["target"]).long()
    log_p = torch.log_softmax(logits, 1)[rows, target.clamp(min=0)]
    return torch.where(target < 0, 0.0, -x["weight"] * log_p)


def main():
    inputs = make_inputs(np.random.default_rng(7))
    learned = list(inputs)[: list(inputs).index("feature")]
    x = {}
    for name, a in inputs.items():
        x[name] = torch.tensor(a, dtype=torch.float64) if a.dtype == np.float32 else a
    for name in learned:
        x[name].requires_grad_()
    loss = losses(x)
    loss.sum().backward()
    out = {f"in.{name}": a for name, a in inputs.items()}
    out["loss"] = loss.detach().numpy().astype(np.float32)
    for name in learned:
        out[f"grad.{name}"] = x[name].grad.numpy().astype(np.float32)
    safetensors_io.save(os.path.join(HERE, "counts.safetensors"), out, {})


if __name__ == "__main__":
    main()
