# SPDX-License-Identifier: Apache-2.0
"""The same work in pandas and h5py: parse, drop duplicates and bots, number users and items,
pseudonyms, order, episodes, splits by time, impute and normalise prices, write the columns of a
behaviour file.

    ingest_pandas.py LOG.csv OUT.h5 REPORT.json    -> the seconds it took

REPORT is souk's of the same log: events, users, items and splits must come out equal.
"""
import hashlib
import json
import sys
import time

import h5py
import numpy as np
import pandas as pd

REWARD = {"view": 0.2, "cart": 0.5, "purchase": 1.0, "review": 0.2}
PER_MINUTE, PER_DAY, GAP = 120, 5000, 1800


def bots(user, stamp):
    """Users with more than `limit` events within `span` seconds; rows ordered by user and time."""
    found = []
    for limit, span in ((PER_MINUTE, 60), (PER_DAY, 86400)):
        late, early = slice(limit, None), slice(None, -limit)
        found.append(user[late][(user[late] == user[early]) & (stamp[late] - stamp[early] < span)])
    return np.unique(np.concatenate(found))


def ingest(path, out):
    log = pd.read_csv(path).drop_duplicates()
    log = log.sort_values(["user_id", "timestamp"], kind="stable")
    log = log[
        ~np.isin(log["user_id"], bots(log["user_id"].to_numpy(), log["timestamp"].to_numpy()))
    ]
    stamp = log["timestamp"].to_numpy()
    user, users = pd.factorize(log["user_id"])
    item, items = pd.factorize(log["item_id"])
    offset = np.concatenate([[0], np.cumsum(np.bincount(user, minlength=len(users)))])
    first = np.r_[True, user[1:] != user[:-1]]
    end = np.r_[first[1:], True] | np.r_[np.diff(stamp) > GAP, True]

    t0, t1 = np.quantile(stamp, [0.8, 0.9], method="inverted_cdf")
    cut = [
        offset[:-1] + np.bincount(user, stamp < t, len(users)).astype(np.int64) for t in (t0, t1)
    ]
    splits = {
        "train": (offset[:-1], cut[0]),
        "valid": (cut[0], cut[1]),
        "test": (cut[1], offset[1:]),
    }

    price = log["price"]
    train = stamp < t0
    logs = np.log(price.fillna(price[train].median()).to_numpy())
    item_price = pd.Series(logs).groupby(item).last().to_numpy()
    category = log.groupby(item)["category"].last()
    with h5py.File(out, "w") as f:
        f["/events/item"], f["/events/time"] = item.astype(np.int32), stamp * 1000
        f["/events/action"] = pd.factorize(log["action"])[0].astype(np.uint8)
        f["/events/reward"] = log["action"].map(REWARD).to_numpy(np.float32)
        f["/events/end"] = np.where(end, 2, 0).astype(np.uint8)
        f["/events/price"] = ((logs - logs[train].mean()) / logs[train].std()).astype(np.float32)
        f["/events/price_missing"] = price.isna().to_numpy(np.float32)
        f["/users/offset"] = offset
        f["/users/key"] = np.array(
            [
                int.from_bytes(
                    hashlib.blake2b(str(u).encode(), digest_size=8, key=b"k" * 32).digest(),
                    "little",
                )
                for u in users
            ],
            np.uint64,
        )
        f["/items/key"] = items.astype(str).to_numpy().astype("S")
        f["/items/price"] = ((item_price - item_price.mean()) / item_price.std()).astype(np.float32)
        f["/items/category"] = pd.factorize(category)[0].astype(np.int32)
        for name, (a, b) in splits.items():
            f["/splits/" + name] = np.stack([a, b], 1)
    return {
        "events": len(log),
        "users": len(users),
        "items": len(items),
        "splits": {n: int((b - a).sum()) for n, (a, b) in splits.items()},
    }


def main():
    path, out, report = sys.argv[1:]
    started = time.perf_counter()
    mine = ingest(path, out)
    seconds = time.perf_counter() - started
    with open(report) as f:
        souk = json.load(f)
    for name, value in mine.items():
        if souk[name] != value:
            sys.exit("pandas has %s = %s, souk %s: not the same work" % (name, value, souk[name]))
    print("%.3f" % seconds)


if __name__ == "__main__":
    main()
