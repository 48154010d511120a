# SPDX-License-Identifier: Apache-2.0
"""The places of all targets, as souk eval --events writes them, to measures and differences."""
import functools
import math

# The 0.975 quantile of Student's t for few degrees of freedom; 0 has no meaning.
T = (0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)


def t_quantile(freedom):
    """The 0.975 quantile; from 10 degrees of freedom on by an expansion with four right digits
    (Abramowitz & Stegun 26.7.5)."""
    if freedom < len(T):
        return T[freedom]
    z = 1.959964
    return (
        z
        + (z**3 + z) / (4 * freedom)
        + (5 * z**5 + 16 * z**3 + 3 * z) / (96 * freedom**2)
        + (3 * z**7 + 19 * z**5 + 17 * z**3 - 15 * z) / (384 * freedom**3)
    )


@functools.lru_cache(maxsize=1 << 16)
def _measure(gain, cut, above, ties):
    """The expectation over a random order of the ties."""
    ranks = range(above, min(above + ties + 1, cut))
    gains = {
        "HR": lambda r: 1,
        "NDCG": lambda r: 1 / math.log2(r + 2),
        "MRR": lambda r: 1 / (r + 1),
    }
    return sum(map(gains[gain], ranks)) / (ties + 1)


class Places:
    """Of one evaluation: the user of each event, and each scorer's places."""

    def __init__(self, path, scorers, least_history=1):
        """Of the scorers, and of the events that have so many events before them."""
        with open(path) as f:
            head = f.readline().rstrip("\n").split("\t")
            at = {name: head.index(name + " above") for name in scorers}
            self.user = []
            self.place = {name: [] for name in scorers}
            for line in f:
                cells = line.split("\t")
                if int(cells[1]) < least_history:
                    continue
                self.user.append(int(cells[0]))
                for name, column in at.items():
                    self.place[name].append((int(cells[column]), int(cells[column + 1])))

    def values(self, scorer, measure):
        """The measure, as "NDCG@10", of each event."""
        gain, cut = measure.split("@")
        cut = int(cut)
        return [
            0.0 if above >= cut else _measure(gain, cut, above, ties)
            for above, ties in self.place[scorer]
        ]


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def difference(user, ones, others):
    """The mean over events of `ones` - `others`: a list for each seed, each with a value for each
    event; user: the user of each event. -> {"value", "low", "high"}

    D is the mean over seeds and events, D_s that of one seed. Its 95 % interval has two parts:

        users   of U users, with y_u the sum over the n_u events of user u of the mean over seeds:
                t(U-1) times the root of U/(U-1) sum_u (y_u - D n_u)^2 / (sum_u n_u)^2
        seeds   t(S-1) sd(D_s) / sqrt(S); unknown, and left out, with one seed

    The squares of both half widths add, as users and seeds vary independently."""
    each = [[a - b for a, b in zip(one, other)] for one, other in zip(ones, others)]
    by_seed = [mean(d) for d in each]
    value = mean(by_seed)
    sums = {}
    for i, u in enumerate(user):
        row = sums.setdefault(u, [0.0, 0])
        row[0] += mean(d[i] for d in each)
        row[1] += 1
    users = len(sums)
    if users < 2:
        return {"value": value, "low": -math.inf, "high": math.inf}
    spread = sum((y - value * n) ** 2 for y, n in sums.values())
    half = t_quantile(users - 1) * math.sqrt(users / (users - 1) * spread) / len(user)
    if len(each) > 1:
        variance = sum((d - value) ** 2 for d in by_seed) / (len(each) - 1)
        half = math.hypot(half, t_quantile(len(each) - 1) * math.sqrt(variance / len(each)))
    return {"value": value, "low": value - half, "high": value + half}
