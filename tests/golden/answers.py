# SPDX-License-Identifier: Apache-2.0
"""What comes of showing an item: the outcome head of host/model/README.md, section 5, and its
loss."""
import torch
import torch.nn.functional as F


def left_of(b, state):
    """1: the episode ended with the target, 0: it went on, -1: it is not known or there is none."""
    state, target, end = state.tolist(), b["target"].tolist(), b["end"].tolist()
    left = [-1] * len(end)
    for i in range(len(end)):
        last = i
        while last + 1 < len(end) and target[last + 1] >= 0 and state[last + 1] == state[i]:
            last += 1
        left[i] = -1 if target[i] < 0 or end[last] == 2 else end[last]
    return torch.tensor(left)


def loss(p, b, h, items, state):
    """The mean negative log-likelihood of the answers to the items shown in the states h; items: E,
    state: the token of each state."""
    has = b["target"] >= 0
    item, kind, left = b["target"][has], b["target_action"][has], left_of(b, state)[has]
    gates = h[has] @ p["outcome.hidden.state"].T + items[item] @ p["outcome.hidden.item"].T
    gate, up = (gates + p["outcome.hidden.bias"]).chunk(2, -1)
    logits = (gate * torch.sigmoid(gate) * up) @ p["outcome.weight"].T + p["outcome.bias"]
    kinds, ends = logits.chunk(2, -1)
    ended = ends.gather(1, kind[:, None])[:, 0][left >= 0]
    of_ends = F.binary_cross_entropy_with_logits(
        ended, left[left >= 0].to(ended.dtype), reduction="sum"
    )
    return (F.cross_entropy(kinds, kind, reduction="sum") + of_ends) / len(kind)
