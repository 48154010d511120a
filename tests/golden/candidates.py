# SPDX-License-Identifier: Apache-2.0
"""The candidates of counting and their features, as kernels/counts/candidates.h defines them, one
state at a time: the outside reference of the inputs of the policy's counted half."""
import math
from collections import Counter

import numpy as np

GAP, HISTORY, REPEATS, FEATURES, STATE_FEATURES = 20, 20, 50, 13, 8
UNITS = 232792560  # weights of pairs are multiples of 1/UNITS, of 1/g too
F32 = np.float32


def units(g, seconds):
    """The weight of a pair, in 1/UNITS."""
    n = min(seconds + 256, 1 << 24) if seconds else 1 << 16
    digit = 1 << (n.bit_length() - 4)
    return math.floor(UNITS / g * (256 / (n // digit * digit)) ** 0.125 + 0.5)


def pairs(events):
    """Of one user's events [(item, second)] -> (n1, F in 1/UNITS), each {(x, y): sum}."""
    after, total = Counter(), Counter()
    for i, (x, earlier) in enumerate(events):
        for g, (y, later) in enumerate(events[i + 1 : i + 1 + GAP], 1):
            total[x, y] += units(g, later - earlier)
            after[x, y] += g == 1
    return after, total


def table(users, items, width):
    """The count table of the histories `users`: {"counts.item": array, ...}."""
    after, total, seen = Counter(), Counter(), Counter()
    for events in users:
        n, f = pairs(events)
        after.update(n)
        total.update(f)
        seen.update(x for x, _ in events)
    twice = Counter()  # 2F + B, of which the table keeps the heaviest
    for (x, y), n in total.items():
        twice[x, y] += 2 * n
        twice[y, x] += n
    out = {"counts.item": np.full((items, width), -1, np.int32)}
    for name in ("next", "after", "before"):
        out["counts." + name] = np.zeros((items, width), F32)
    out["counts.popularity"] = np.array([seen[x] for x in range(items)], F32)
    weight = Counter()
    for (x, _), n in twice.items():
        weight[x] += n
    out["counts.weight"] = np.array([weight[x] / (2 * UNITS) for x in range(items)], F32)
    for x in range(items):
        near = sorted((-n, y) for (z, y), n in twice.items() if z == x)[:width]
        for k, y in enumerate(sorted(y for _, y in near)):
            out["counts.item"][x, k] = y
            out["counts.next"][x, k] = after[x, y]
            out["counts.after"][x, k] = total[x, y] / UNITS
            out["counts.before"][x, k] = total[y, x] / UNITS
    return out


class Without:
    """The table without a user's own events."""

    def __init__(self, t, own):
        self.t, self.seen = t, Counter(x for x, _ in own)
        self.after, self.total = pairs(own)
        self.own_weight = Counter()
        for (x, y), n in self.total.items():
            self.own_weight[x] += 2 * n
            self.own_weight[y] += n

    def popularity(self, x):
        return float(self.t["counts.popularity"][x]) - self.seen[x]

    def weight(self, x):
        left = float(F32(float(self.t["counts.weight"][x]) - self.own_weight[x] / (2 * UNITS)))
        return left if left >= 1 / 16 else 0.0

    def entries(self, x):
        """{y: (n1', F', B')} of the entries that are not absent."""
        out = {}
        left = lambda f, own: float(F32(float(f) - own / UNITS))
        for k, y in enumerate(self.t["counts.item"][x].tolist()):
            if y < 0:
                break
            f = left(self.t["counts.after"][x, k], self.total[x, y])
            b = left(self.t["counts.before"][x, k], self.total[y, x])
            f, b = (v if v >= 1 / 160 else 0.0 for v in (f, b))
            if f or b:
                out[y] = (float(self.t["counts.next"][x, k]) - self.after[x, y], f, b)
        return out


def state(counts, item, time, width):
    """One state. item, time: of its history, latest first -> (items, features, state features)"""
    recent, first = item[:REPEATS], counts.entries(item[0])
    votes, after, before = Counter(), Counter(), Counter()
    for d, x in enumerate(item[:HISTORY]):
        share = float(F32(1) / F32(1 + d))
        for y, (_, f, b) in counts.entries(x).items():
            votes[y] += 1
            after[y] += f * share
            before[y] += b * share
    prior = lambda y: F32(after[y] + 0.5 * before[y]) / F32(math.sqrt(1 + counts.popularity(y)))
    chosen = list(dict.fromkeys(recent))[: width // 4]
    voted = sorted((-float(prior(y)), y) for y in votes if y not in chosen)
    chosen += [y for _, y in voted][: width - len(chosen)]
    weight = [counts.weight(x) for x in item[:HISTORY]]

    def features(y):
        n, f, b = first.get(y, (0.0, 0.0, 0.0))
        out = np.zeros(FEATURES)
        out[0] = math.log(1 + 10 * n)
        out[1] = math.log(1 + 10 * after[y])
        out[2] = math.log(1 + 10 * before[y])
        out[3] = math.log(1 + 10 * (f + b / 2))
        out[4] = math.log(1 + votes[y])
        out[5] = math.log(1 + counts.popularity(y))
        out[6] = math.log(1e-3 + float(prior(y)))
        out[7] = math.log(1 + 20 * (f + b / 2) / weight[0]) if weight[0] else 0.0
        if y in recent:
            latest = recent.index(y)
            out[8:] = (
                1,
                math.log(1 + latest),
                math.log(recent.count(y)),
                y == item[0],
                math.log(1 + (time[0] - time[latest]) / 1000) / 5,
            )
        return out

    repeats = sum(x in recent[d + 1 :] for d, x in enumerate(recent)) / len(recent)
    of_state = (
        math.log(1 + len(item)),
        math.log(1 + weight[0]),
        counts.popularity(item[0]) == 0,
        math.log(1 + sum(w / (1 + d) for d, w in enumerate(weight))),
        repeats,
        math.log(1 + len(chosen)) / 2,
        len(item) > 1 and item[0] == item[1],
        math.log(1 + (time[0] - time[1]) / 1000) / 5 if len(item) > 1 else 0.0,
    )
    return chosen, [features(y) for y in chosen], of_state


def candidates(b, width):
    """b: arrays of a batch and of its table -> {"item", "feature", "state"}, a row for each token,
    of the state in which the event after it was chosen."""
    rows = len(b["item"])
    item = np.full((rows, width), -1, np.int64)
    feature, of_state = np.zeros((rows, width, FEATURES)), np.zeros((rows, STATE_FEATURES))
    cu, own = b["cu_seqlens"], b["own_offset"]
    of_batch = b["state"] if "state" in b else np.arange(rows)
    for w in range(len(cu) - 1):
        counts = Without(b, b["own"][own[w] : own[w + 1]].tolist())
        for i in range(cu[w], cu[w + 1]):
            t = of_batch[i]
            if t < 0:
                continue
            history = [b[name][cu[w] : t + 1][::-1].tolist() for name in ("item", "time")]
            chosen, x, of_state[i] = state(counts, *history, width)
            item[i, : len(chosen)] = chosen
            if chosen:
                feature[i, : len(chosen)] = x
    return {"item": item, "feature": feature, "state": of_state}
