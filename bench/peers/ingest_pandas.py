"""The same work in pandas: parse, drop duplicates, number users and items, order, write columns.
Prints the seconds it took. Bots, splits, features and the report are left out: they favour pandas."""
import sys
import time

import numpy
import pandas

started = time.perf_counter()
log = pandas.read_csv(sys.argv[1]).drop_duplicates()
user, users = pandas.factorize(log["user_id"])
item, items = pandas.factorize(log["item_id"])
action, actions = pandas.factorize(log["action"])
stamp = log["timestamp"].to_numpy() * 1000
order = numpy.lexsort((stamp, user))
numpy.savez(
    sys.argv[2],
    item=item[order].astype("int32"),
    action=action[order].astype("uint8"),
    time=stamp[order],
    price=log["price"].fillna(log["price"].median()).to_numpy("float32")[order],
    offset=numpy.concatenate([[0], numpy.cumsum(numpy.bincount(user, minlength=len(users)))]),
    users=users.to_numpy(),
    items=items.to_numpy(),
)
print(f"{time.perf_counter() - started:.3f}")
