#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The measurements of bench/train.sh; run that."""
import argparse
import datetime
import json
import os
import statistics
import sys

import h5py
import numpy as np

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "tests", "golden"))
import safetensors_io  # noqa: E402 the path to it is set above
from souk_runs import GIB, STEPS, THREADS, WARMUP, Souk, child, write_log  # noqa: E402

SHAPE = {"dim": 256, "layers": 4, "heads": 4}
KEEP = {"MALLOC_MMAP_THRESHOLD_": "4294967296", "MALLOC_TRIM_THRESHOLD_": "8589934592"}
TWINS = {  # name: options, environment
    "PyTorch eager": ([], {}),
    "PyTorch compiled": (["--compile"], {}),
    "PyTorch compiled, glibc told to keep freed memory": (["--compile"], KEEP),
    "PyTorch eager, chunked linear_cross_entropy": (["--head", "chunked"], {}),
}
PADDED = {
    "PyTorch padded, logits of real tokens only": ([], KEEP),
    "PyTorch padded, logits of padding too": (["--head", "padded"], KEEP),
}


def twin(options, env, *arguments):
    command = [
        sys.executable,
        os.path.join(HERE, "peers", "twin.py"),
        "time",
        "--threads",
        str(THREADS),
        "--warmup",
        str(WARMUP),
        "--steps",
        str(STEPS),
        *options,
        *map(str, arguments),
    ]
    output, _ = child(command, env)
    result = json.loads(output.splitlines()[-1])
    return result["tokens_per_s_each"], result["peak_bytes"], result["engine"]


def compare(rounds, souk, twins):
    """Interleaved rounds of souk and of every twin -> {name: tokens/s (median), peak bytes}."""
    rates, peaks, engine = {"souk": []}, {"souk": 0}, ""
    for _ in range(rounds):
        rate, peak = souk()
        rates["souk"] += rate
        peaks["souk"] = max(peaks["souk"], peak)
        for name, run in twins.items():
            rate, peak, engine = run()
            rates.setdefault(name, []).extend(rate)
            peaks[name] = max(peaks.get(name, 0), peak)
    rows = {
        n: {
            "tokens_per_s": statistics.median(r),
            "tokens_per_s_best": max(r),
            "peak_bytes": peaks[n],
        }
        for n, r in rates.items()
    }
    return rows, engine


def show(title, rows):
    """-> souk over the fastest peer (tokens/s), souk over the leanest peer (memory)"""
    print("\n%s\n  %-52s %10s %9s %10s" % (title, "", "tokens/s", "souk is", "peak"))
    souk = rows["souk"]
    for name, r in rows.items():
        print(
            "  %-52s %10.0f %8.2fx %6.2f GiB"
            % (
                name,
                r["tokens_per_s"],
                souk["tokens_per_s"] / r["tokens_per_s"],
                r["peak_bytes"] / GIB,
            )
        )
    others = [r for n, r in rows.items() if n != "souk"]
    fastest = max(others, key=lambda r: r["tokens_per_s"])
    leanest = min(others, key=lambda r: r["peak_bytes"])
    ratios = {
        "speed_over_fastest": souk["tokens_per_s"] / fastest["tokens_per_s"],
        "memory_of_fastest": souk["peak_bytes"] / fastest["peak_bytes"],
        "memory_of_leanest": souk["peak_bytes"] / leanest["peak_bytes"],
    }
    print(
        "  souk: %.2f x the fastest's tokens/s, %.2f of its memory, %.2f of the leanest's memory"
        % tuple(ratios.values())
    )
    return {"rows": rows, **ratios}


def hold_to_souk(souk, out, data, length, twins):
    """Every twin must have souk's loss on a batch of the data, or the bench ends here."""
    souk.train(data, length, 1, SHAPE, warmup=1)
    trace = os.path.join(out, "train-trace.safetensors")
    child(
        [
            souk.program,
            "trace",
            "--checkpoint",
            souk.run,
            "--data",
            data,
            "--batch",
            "0",
            "--out",
            trace,
        ]
    )
    for name, (options, env) in twins.items():
        told, _ = child(
            [sys.executable, os.path.join(HERE, "peers", "twin.py"), "check", trace, *options], env
        )
        print("same loss on the same batch, %s: %s" % (name, told), end="", flush=True)
    os.remove(trace)


def full_windows(souk, out, rounds):
    log = os.path.join(out, "train-full.csv")
    write_log(log, 512, 130, 20000)  # leave-one-out takes two of each user's events
    data = souk.ingest(log, "train-full.h5", "--split", "leave-one-out")
    hold_to_souk(souk, out, data, 128, TWINS)
    twins = {
        n: lambda o=o, e=e: twin(o, e, "--items", 20000, "--batch", 32, "--length", 128)
        for n, (o, e) in TWINS.items()
    }
    rows, engine = compare(rounds, lambda: souk.train(data, 128, STEPS, SHAPE), twins)
    title = (
        "full windows: 32 x 128 tokens, dim 256, 4 layers, 4 heads, 20,000 items, fp32, "
        "%d threads, %s"
    )
    return show(title % (THREADS, engine), rows)


def real_lengths(souk, out, log):
    if log:
        data = souk.ingest(
            log,
            "train-real.h5",
            "--map",
            os.path.join(HERE, "..", "datasets", "sequences.ini"),
            "--split",
            "leave-one-out",
        )
    else:
        log = os.path.join(out, "train-real.csv")
        child(
            [
                souk.program,
                "generate",
                "--quiet",
                "--events",
                "200000",
                "--users",
                "20000",
                "--items",
                "10000",
                "--out",
                log,
            ]
        )
        data = souk.ingest(log, "train-real.h5", "--split", "leave-one-out")
    with h5py.File(data) as f:
        first, last = f["/splits/train"][:].T
        items = len(f["/items/key"])
    lengths, length = last - first, 50
    windows = np.concatenate([np.full(int((lengths // length).sum()), length), lengths % length])
    path = os.path.join(out, "train-windows.txt")
    np.savetxt(path, windows[windows >= 2], fmt="%d")
    hold_to_souk(souk, out, data, length, PADDED)
    twins = {
        n: lambda o=o, e=e: twin(
            o, e, "--items", items, "--batch", 256, "--length", length, "--windows", path
        )
        for n, (o, e) in PADDED.items()
    }
    rows, _ = compare(1, lambda: souk.train(data, length, STEPS, SHAPE), twins)
    title = (
        "real history lengths: %s, mean %.1f events, windows of at most %d, %d items; "
        "tokens are real ones"
    )
    return show(title % (os.path.basename(log), lengths.mean(), length, items), rows)


def million_items(souk, out):
    items, tokens, shape = 1000000, 4096, {"dim": 64, "layers": 4, "heads": 4}
    log = os.path.join(out, "train-million.csv")
    write_log(log, 10000, 130, items)
    data = souk.ingest(log, "train-million.h5", "--split", "leave-one-out")
    rates, peak = souk.train(data, 128, 2, shape, warmup=1)
    tensors = safetensors_io.header(os.path.join(souk.run, "last.safetensors"))
    bytes_of = lambda t: 4 * int(np.prod(t["shape"], dtype=np.int64))
    parameters = sum(
        bytes_of(t) for n, t in tensors.items() if not n.startswith(("__", "adamw.", "target."))
    )
    above = peak - 4 * parameters
    print(
        "\n1,000,000 items: 4096 tokens, dim 64, 4 layers: %.0f tokens/s, peak %.2f GiB, "
        "of it parameters, gradients and moments %.2f GiB\n"
        "  above them %.2f GiB; one [tokens, items] array of logits would be "
        "%.1f GiB, and PyTorch's F.cross_entropy holds three"
        % (
            statistics.median(rates),
            peak / GIB,
            4 * parameters / GIB,
            above / GIB,
            4 * tokens * items / GIB,
        )
    )
    return {
        "tokens_per_s": statistics.median(rates),
        "peak_bytes": peak,
        "parameter_bytes": parameters,
        "above_parameters_gradients_moments_bytes": above,
        "logits_bytes": 4 * tokens * items,
    }


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--souk", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--log")
    p.add_argument("--rounds", type=int, default=3)
    args = p.parse_args()
    souk = Souk(args.souk, args.out)
    with open("/proc/cpuinfo") as f:
        processor = next(
            (l.split(":")[1].strip() for l in f if l.startswith("model name")), "unknown"
        )
    result = {
        "time": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        "processor": processor,
        "cores": len(os.sched_getaffinity(0)),
        "full_windows": full_windows(souk, args.out, args.rounds),
        "real_lengths": real_lengths(souk, args.out, args.log),
        "million_items": million_items(souk, args.out),
    }
    with open(os.path.join(args.out, "train.json"), "w") as f:
        json.dump(result, f, indent=1)
    print("\nprocessor: %s; JSON: %s/train.json" % (processor, args.out))


if __name__ == "__main__":
    main()
