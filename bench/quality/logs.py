# SPDX-License-Identifier: Apache-2.0
"""The logs of bench/quality.sh: which files of the data folder they are, and how they become
behaviour files. The maps are those of datasets/."""
import lzma
import os
from dataclasses import dataclass


@dataclass(frozen=True)
class Log:
    map: str  # of datasets/; empty: columns are recognised by their names
    inputs: tuple  # files below the data folder, or anywhere
    # The inputs are the train and the test sessions of a published split, in which items of the
    # history stay candidates. For other logs souk eval decides that by its rule.
    sessions: bool = False


def _of(folder, *names):
    return tuple("%s/%s.xz" % (folder, name) for name in names)


LOGS = {
    "beauty": Log("sequences", _of("sasrec-sequences", "beauty_s3rec.txt")),
    "sports": Log("sequences", _of("sasrec-sequences", "sports_s3rec.txt")),
    "games": Log("pairs", _of("sasrec-sequences", "games_sasrec.txt")),
    "retailrocket": Log("retailrocket-dros", _of("retailrocket-2015-08", "events.csv")),
    "jd": Log("jd-micro-appliances", _of("jd-micro-appliances", "events.csv")),
    "rees46": Log("rees46", _of("rees46-2019-10-01-sample", "events.csv")),
    "taobao": Log("taobao", _of("taobao-userbehavior-sample", "time_slice.csv")),
    "taobao-users": Log("taobao", _of("taobao-userbehavior-sample", "users114.csv")),
    "tafeng": Log("tafeng-baskets", _of("tafeng-baskets", "baskets.txt")),
    "diginetica": Log(
        "sessions",
        _of("session-benchmarks", "diginetica_train_sessions.txt", "diginetica_test_sessions.txt"),
        sessions=True,
    ),
    "yoochoose64": Log(
        "sessions",
        _of(
            "session-benchmarks", "yoochoose64_train_sessions.txt", "yoochoose64_test_sessions.txt"
        ),
        sessions=True,
    ),
    "retailrocket-sessions": Log(
        "sessions",
        _of(
            "session-benchmarks",
            "retailrocket_train_sessions.txt",
            "retailrocket_test_prefix_target.txt",
        ),
        sessions=True,
    ),
}


def _whole_sessions(lines):
    """A file of prefixes with their targets lists the longest of a session first and then the
    others. Only the longest stays, because every event of it is scored."""
    kept = []
    before = ""
    for line in lines:
        if not before.startswith(line + " "):
            kept.append(line)
        before = line
    return kept


def inputs(log, data, folder):
    """The files that souk ingest reads. A published split has no validation: the last tenth of its
    train sessions, which are in order of time, becomes one."""
    paths = [os.path.join(data, name) for name in log.inputs]
    if not log.sessions:
        return paths
    train, test = (lzma.open(path, "rt").read().splitlines() for path in paths)
    first = len(train) - len(train) // 10
    parts = {"train": train[:first], "valid": train[first:], "test": test}
    if "prefix" in log.inputs[1]:
        parts["test"] = _whole_sessions(test)
    written = []
    for name, lines in parts.items():
        written.append(os.path.join(folder, "sessions-%s.txt" % name))
        with open(written[-1], "w") as f:
            f.write("\n".join(lines) + "\n")
    return written
