#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The measurements of bench/td.sh; run that."""
import argparse
import json
import os
import statistics
import subprocess
import sys

import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "golden"))
import safetensors_io  # noqa: E402 the path to it is set above

BACKUPS = ("q_learning", "double_q", "expected_sarsa")
PEERS = {"PyTorch": 0, "PyTorch, 256 tokens at a time": 256}
LENGTH = 64


def make_inputs(path, tokens, items, dim):
    rng = np.random.default_rng(1)
    normal = lambda *shape: rng.standard_normal(shape, dtype=np.float32)
    t = {
        "online_u": normal(tokens, dim),
        "items": normal(items, dim) * np.float32(dim**-0.5),
        "bias": normal(items),
        "reward": normal(tokens),
    }
    for name in ("online_u", "items", "bias"):
        t[name.replace("online", "target") if name == "online_u" else "target_" + name] = t[
            name
        ] + np.float32(0.1) * normal(*t[name].shape)
    t["end"] = (rng.random(tokens) < 0.05).astype(np.uint8)
    t["cu_seqlens"] = np.append(np.arange(0, tokens, LENGTH), tokens).astype(np.int32)
    safetensors_io.save(path, t, {})


def call(*command):
    run = subprocess.run([str(c) for c in command], capture_output=True, text=True)
    if run.returncode:
        sys.exit("%s\n%s: exit code %d" % (run.stderr[-2000:], command[0], run.returncode))
    return run.stdout


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--program", required=True)
    p.add_argument("--out", required=True)
    for name, value in (
        ("tokens", 4096),
        ("items", 100000),
        ("dim", 64),
        ("threads", 2),
        ("rounds", 3),
        ("repeats", 3),
    ):
        p.add_argument("--" + name, type=int, default=value)
    a = p.parse_args()
    inputs, result = os.path.join(a.out, "td-in.safetensors"), os.path.join(
        a.out, "td-out.safetensors"
    )
    make_inputs(inputs, a.tokens, a.items, a.dim)
    names = ["souk", *PEERS]
    seconds = {b: {n: [] for n in names} for b in BACKUPS}
    peak = {b: dict.fromkeys(names, 0) for b in BACKUPS}
    for _ in range(a.rounds):
        held = int(call(a.program, inputs, result, a.threads, a.repeats))
        souk, _ = safetensors_io.load(result)
        for b in BACKUPS:
            seconds[b]["souk"] += souk["seconds." + b].tolist()
            peak[b]["souk"] = held
            for name, chunk in PEERS.items():
                y = os.path.join(a.out, "td-peer.npy")
                report = json.loads(
                    call(
                        sys.executable,
                        os.path.join(HERE, "peers", "td.py"),
                        inputs,
                        a.threads,
                        a.repeats,
                        b,
                        chunk,
                        y,
                    )
                )
                seconds[b][name] += report["seconds"]
                peak[b][name] = max(peak[b][name], report["peak_bytes"])
                want, got = np.load(y).astype(np.float64), souk["y." + b].astype(np.float64)
                error = np.linalg.norm(got - want) / np.linalg.norm(want)
                if not error <= 1e-5:
                    sys.exit("%s: souk and %s differ by %.1e (relative L2)" % (b, name, error))
    print(
        "TD targets of %d tokens over %d items, dim %d, fp32, %d threads, %s; "
        "the same targets to 1e-5" % (a.tokens, a.items, a.dim, a.threads, report["engine"])
    )
    rows = {}
    for b in BACKUPS:
        print("\n%-16s %-32s %10s %9s %12s" % (b, "", "seconds", "souk is", "peak MiB"))
        mine = statistics.median(seconds[b]["souk"])
        rows[b] = {
            n: {
                "seconds": statistics.median(seconds[b][n]),
                "souk_is": statistics.median(seconds[b][n]) / mine,
                "peak_bytes": peak[b][n],
            }
            for n in names
        }
        for n in names:
            r = rows[b][n]
            print(
                "%-16s %-32s %10.4f %8.2fx %12.1f"
                % ("", n, r["seconds"], r["souk_is"], r["peak_bytes"] / 2**20)
            )
    for path in (inputs, result, os.path.join(a.out, "td-peer.npy")):
        os.remove(path)
    with open(os.path.join(a.out, "td.json"), "w") as f:
        json.dump(
            {
                "tokens": a.tokens,
                "items": a.items,
                "dim": a.dim,
                "threads": a.threads,
                "rows": rows,
            },
            f,
            indent=1,
        )


if __name__ == "__main__":
    main()
