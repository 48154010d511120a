# SPDX-License-Identifier: Apache-2.0
"""From the results of souk to the tables of bench/quality.sh."""
from places import Places, difference, mean
from published import LEAST_HISTORY, PUBLISHED

SHOWN = ("NDCG@10", "HR@20", "MRR@20")
CRITERION = "NDCG@10"
COST = ("training, s", "CPU s", "peak, MiB")


def _verdict(d):
    return "above" if d["low"] > 0 else "below" if d["high"] < 0 else "within chance"


class Arm:
    """An arm of one log; arm: the records of its trainings, one a seed, and what rank() gave."""

    def __init__(self, log, arm):
        self.arm, self.seeds = arm, len(arm["train"])
        report = arm["eval"]
        group = report["groups"][0]
        pair = group["differences"][0]
        self.policy, self.simple = pair["scorer"], pair["baseline"]
        self.places = self._read(1)
        published = self._read(LEAST_HISTORY.get(log, 1)) if log in PUBLISHED else None
        self.summary = {
            "seeds": self.seeds,
            "events": group["events"],
            "users": group["users"],
            "items": report["items"],
            "include_seen": report["include_seen"],
            "policy": self._measures(self.policy, self.places),
            "simple": self._measures(self.simple, self.places),
            "simple_name": self.simple,
            "difference": difference(
                self.places.user, self.values(self.policy), self.values(self.simple)
            ),
            "train_seconds": mean(record["seconds"] for record in arm["train"]),
            "train_cpu_seconds": mean(record["cpu_seconds"] for record in arm["train"]),
            "eval_seconds": arm["ranking"]["seconds"],
            "peak_bytes": max(record["peak_bytes"] for record in arm["train"]),
        }
        self.summary["verdict"] = _verdict(self.summary["difference"])
        if published:
            self.summary["published_protocol"] = {
                "events": len(published.user),
                "policy": self._measures(self.policy, published),
                "simple": self._measures(self.simple, published),
            }

    def _columns(self, scorer):
        """The scorer's columns in the file of all places: one a seed, or one for a bar."""
        if scorer != self.policy:
            return [scorer]
        return [scorer] + ["%s seed %d" % (scorer, seed) for seed in range(2, self.seeds + 1)]

    def _read(self, least_history):
        columns = [*self._columns(self.policy), self.simple]
        return Places(self.arm["events"], columns, least_history)

    def _measures(self, scorer, places):
        columns = self._columns(scorer)
        return {m: mean(mean(places.values(c, m)) for c in columns) for m in SHOWN}

    def values(self, scorer):
        """The criterion of each event: a list for each seed, also of a bar, which has no seeds."""
        each = [self.places.values(c, CRITERION) for c in self._columns(scorer)]
        return each if len(each) == self.seeds else each * self.seeds

    def beside(self, other):
        """The difference of the policies of two arms, with the verdict."""
        d = difference(self.places.user, self.values(self.policy), other.values(other.policy))
        return {**d, "verdict": _verdict(d)}


def results_of(log, results):
    """arm -> its trainings and its ranking, to arm -> what the tables show; all other arms are
    compared with the first one."""
    arms = {name: Arm(log, arm) for name, arm in results.items()}
    first = next(iter(arms.values()))
    for arm in arms.values():
        if arm is not first:
            arm.summary["beside_first"] = arm.beside(first)
    return {name: arm.summary for name, arm in arms.items()}


def table(head, rows, right=1):
    """A Markdown table; columns from `right` on are numbers."""
    rule = "|".join("---" if i < right else "--:" for i in range(len(head)))
    lines = ["| %s |" % " | ".join(row) for row in (head, *rows)]
    return "\n".join([lines[0], "|%s|" % rule, *lines[1:]]) + "\n"


def _cells(measures, names=SHOWN):
    return ["%.4f" % measures[m] for m in names]


def _interval(d):
    return "%+.4f (%+.4f .. %+.4f)" % (d["value"], d["low"], d["high"])


def _cost(s):
    """Seconds and processor seconds of a training, its peak of memory."""
    costs = (s["train_seconds"], s["train_cpu_seconds"], s["peak_bytes"] / 2**20)
    return ["%.0f" % cost for cost in costs]


def log_table(name, arms):
    """The table of one log; arms: of results_of()."""
    first = next(iter(arms.values()))
    title = "%s: %d events of %d users, %d items, items of the history %s\n\n" % (
        name,
        first["events"],
        first["users"],
        first["items"],
        "stay candidates" if first["include_seen"] else "are no candidates",
    )
    head = ["", *SHOWN, CRITERION + " - best simple scorer (95 %)"]
    rows = [["best simple scorer: " + first["simple_name"], *_cells(first["simple"]), ""]]
    rows += [[arm, *_cells(s["policy"]), _interval(s["difference"])] for arm, s in arms.items()]
    costs = [[""] * len(COST)] + [_cost(s) for s in arms.values()]
    if len(arms) > 1:
        head.append("- " + next(iter(arms)))
        besides = [s.get("beside_first") for s in arms.values()]
        rows = [row + [_interval(d) if d else ""] for row, d in zip(rows, [None] + besides)]
    rows = [row + cost for row, cost in zip(rows, costs)]
    return title + table([*head, *COST], rows)


def published_table(results):
    """Session logs beside what is published on the same test sessions."""
    shown = ("HR@20", "MRR@20")
    rows = []
    for name, arms in results.items():
        first = next(iter(arms.values()))
        if name in PUBLISHED:
            ours = first["published_protocol"]
            rows.append([name, "souk", *_cells(ours["policy"], shown)])
            rows.append(["", first["simple_name"], *_cells(ours["simple"], shown)])
            rows += [["", who, "%.4f" % hit, "%.4f" % mrr] for who, hit, mrr in PUBLISHED[name]]
    return "Published protocol\n\n" + table(["log", "", *shown], rows, 2) if rows else ""


def summary(results):
    """One row a log, and on how many logs the policy is above, below or within chance."""
    rows = []
    count = {"above": 0, "below": 0, "within chance": 0}
    for name, arms in results.items():
        s = next(iter(arms.values()))
        count[s["verdict"]] += 1
        values = ["%.4f" % s[who][CRITERION] for who in ("policy", "simple")]
        rows.append(
            [name, *values, s["simple_name"], _interval(s["difference"]), s["verdict"], *_cost(s)]
        )
    head = ["log", "policy", "simple", "which", "difference (95 %)", "verdict", *COST]
    counts = tuple(count[v] for v in ("above", "below", "within chance"))
    words = "%s, %d log(s): above on %d, below on %d, within chance on %d\n"
    return table(head, rows) + "\n" + words % (CRITERION, len(rows), *counts)
