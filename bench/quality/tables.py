# SPDX-License-Identifier: Apache-2.0
"""From reports of souk eval to the tables of bench/quality.sh.

An arm that was trained under several seeds has the mean of its measures. Its difference D to the
best simple scorer is the mean of the differences D_s under each seed, with two kinds of variation:

    users   the half width is the mean of the half widths of all D_s, each clustered by user. The
            standard error of a mean is at most the mean of the standard errors, so this interval is
            too wide rather than too narrow.
    seeds   t(S-1) sd(D_s) / sqrt(S): other trainings. Nothing is known of it with one seed.

They are independent, so the squares of the half widths add."""
import math

SHOWN = ("NDCG@10", "HR@20", "MRR@20")
# The 0.975 quantile of Student's t by degrees of freedom; more than ten seeds use that of ten.
T = (0, 12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228)


def _mean(values):
    values = list(values)
    return sum(values) / len(values)


def _half_of_seeds(values):
    n = len(values)
    if n < 2:
        return 0.0
    mean = _mean(values)
    variance = sum((v - mean) ** 2 for v in values) / (n - 1)
    return T[min(n - 1, 10)] * math.sqrt(variance / n)


def _verdict(low, high):
    return "above" if low > 0 else "below" if high < 0 else "within chance"


def summarise(runs):
    """The results of train_and_eval under each seed -> what the tables show of an arm."""
    groups = [run["eval"]["groups"][0] for run in runs]
    pairs = [group["differences"][0] for group in groups]
    names = {pair["baseline"] for pair in pairs}
    if len(names) != 1:
        raise SystemExit("the best simple scorer is another under each seed: %s" % sorted(names))
    best = names.pop()

    def measures(name):
        rows = [next(s for s in g["scorers"] if s["name"] == name) for g in groups]
        return {m: _mean(row[m]["value"] for row in rows) for m in SHOWN}

    differences = [pair["difference"]["value"] for pair in pairs]
    users = _mean(
        (pair["difference"]["high"] - pair["difference"]["low"]) / 2 for pair in pairs
    )
    half = math.hypot(users, _half_of_seeds(differences))
    value = _mean(differences)
    return {
        "seeds": len(runs),
        "events": groups[0]["events"],
        "users": groups[0]["users"],
        "items": runs[0]["eval"]["items"],
        "include_seen": runs[0]["eval"]["include_seen"],
        "policy": measures(pairs[0]["scorer"]),
        "simple": measures(best),
        "simple_name": best,
        "difference": {"value": value, "low": value - half, "high": value + half},
        "verdict": _verdict(value - half, value + half),
        "train_seconds": _mean(run["train"]["seconds"] for run in runs),
        "eval_seconds": _mean(run["ranking"]["seconds"] for run in runs),
        "peak_bytes": max(run["train"]["peak_bytes"] for run in runs),
    }


def table(head, rows, right=1):
    """A Markdown table; columns from `right` on are numbers."""
    rule = "|".join("---" if i < right else "--:" for i in range(len(head)))
    lines = ["| %s |" % " | ".join(row) for row in (head, *rows)]
    return "\n".join([lines[0], "|%s|" % rule, *lines[1:]]) + "\n"


def _cells(measures):
    return ["%.4f" % measures[m] for m in SHOWN]


def _interval(d):
    return "%+.4f (%+.4f .. %+.4f)" % (d["value"], d["low"], d["high"])


def log_table(name, arms):
    """The table of one log; arms: name -> what summarise() says."""
    first = next(iter(arms.values()))
    title = "%s: %d events of %d users, %d items, items of the history %s\n\n" % (
        name,
        first["events"],
        first["users"],
        first["items"],
        "stay candidates" if first["include_seen"] else "are no candidates",
    )
    rows = [["best simple scorer: " + first["simple_name"], *_cells(first["simple"]), "", "", ""]]
    for arm, s in arms.items():
        rows.append(
            [
                arm,
                *_cells(s["policy"]),
                _interval(s["difference"]),
                "%.0f" % s["train_seconds"],
                "%.0f" % (s["peak_bytes"] / 2**20),
            ]
        )
    head = ["", *SHOWN, "NDCG@10 - best simple scorer (95 %)", "training, s", "peak, MiB"]
    return title + table(head, rows)


def published_table(results, published):
    """Session logs beside what is published on the same split."""
    rows = []
    for name, arms in results.items():
        if name not in published:
            continue
        policy = next(iter(arms.values()))
        simple = policy["simple"]
        rows.append([name, "souk", "%.4f" % policy["policy"]["HR@20"]])
        rows[-1].append("%.4f" % policy["policy"]["MRR@20"])
        rows.append(["", policy["simple_name"], "%.4f" % simple["HR@20"]])
        rows[-1].append("%.4f" % simple["MRR@20"])
        rows += [["", who, "%.4f" % hit, "%.4f" % mrr] for who, hit, mrr in published[name]]
    return table(["log", "scorer", "HR@20", "MRR@20"], rows, 2) if rows else ""


def summary(results):
    """One row a log, and in how many logs the policy is above, below or within chance."""
    rows = []
    count = {"above": 0, "below": 0, "within chance": 0}
    for name, arms in results.items():
        s = next(iter(arms.values()))
        count[s["verdict"]] += 1
        rows.append(
            [
                name,
                "%.4f" % s["policy"]["NDCG@10"],
                "%.4f" % s["simple"]["NDCG@10"],
                s["simple_name"],
                _interval(s["difference"]),
                s["verdict"],
                "%.0f" % s["train_seconds"],
                "%.0f" % (s["peak_bytes"] / 2**20),
            ]
        )
    head = ["log", "policy", "simple", "which", "difference (95 %)", "verdict", "s", "MiB"]
    words = "%d logs, NDCG@10: above on %d, below on %d, within chance on %d\n" % (
        len(rows),
        count["above"],
        count["below"],
        count["within chance"],
    )
    return table(head, rows) + "\n" + words
