#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The measurements of bench/scaling.sh; run that."""
import argparse
import json
import os
import statistics

from souk_runs import GIB, Souk, assigned, child, usual, write_log

LENGTH = 128
SMALL = {"dim": 64, "layers": 2, "heads": 2}
# parameters of the encoder grow as 12 layers dim^2; the catalogue adds 20,000 dim
SIZES = [
    (64, 2, 2),
    (128, 4, 2),
    (256, 6, 4),
    (512, 8, 8),
    (768, 12, 12),
    (1024, 24, 16),
    (2048, 28, 16),
]


class Bench:
    def __init__(self, souk, out, device):
        self.souk, self.out, self.device = souk, out, device
        self.logs = {}

    def data(self, items, length):
        """A behaviour file of `items` items whose every user has `length` train events."""
        if (items, length) not in self.logs:
            users = max(-(-items // (length + 2)), 65536 // length, 8)
            log = os.path.join(self.out, "scaling.csv")
            write_log(
                log, users, length + 2, items
            )  # leave-one-out takes two of each user's events
            self.logs[items, length] = self.souk.ingest(
                log, "scaling-%d-%d.h5" % (items, length), "--split", "leave-one-out"
            )
            os.remove(log)
        return self.logs[items, length]

    def plan(self, settings):
        output, _ = child([self.souk.program, "train", "--plan", *assigned(settings)])
        return json.loads(output)

    def point(self, x, data, length, shape, tokens=4096, measure=True, **more):
        more["train.tokens"] = tokens
        plan = self.plan({**usual(data, length, shape), **more, "train.device": self.device})
        row = {
            "x": x,
            "parameters": plan["parameters"],
            "planned_bytes": plan["bytes"],
            "planned": plan,
            "tokens_per_s": None,
            "peak_bytes": None,
        }
        steps = int(max(3, min(15, 3e7 / row["parameters"])))  # short ones are many
        if measure and self.device == "cpu":
            rates, peak = self.souk.train(data, length, steps, shape, 1, **more)
            row.update(tokens_per_s=statistics.median(rates), peak_bytes=peak)
        elif measure:  # of the process the system tells the memory, of a GPU souk does
            rate, peak = self.souk.steps_on(self.device, data, length, steps, shape, **more)
            row.update(tokens_per_s=rate, peak_bytes=peak)
        rate = "%8.0f" % row["tokens_per_s"] if measure else "       -"
        peak = "%7.2f" % (row["peak_bytes"] / GIB) if measure else "      -"
        print(
            "  %10s %12.1f M %s tokens/s   planned %7.2f GiB   measured %s GiB"
            % (x, row["parameters"] / 1e6, rate, row["planned_bytes"] / GIB, peak),
            flush=True,
        )
        return row


def curves(b, largest, fits):
    print("catalogue size (dim 64, 2 layers, 1024 tokens)")
    sizes = [n for n in (10**4, 10**5, 10**6, 10**7) if n <= largest]
    yield "items", "items of the catalogue", [
        b.point(n, b.data(n, LENGTH), LENGTH, SMALL, tokens=1024) for n in sizes
    ]
    print("history length (dim 64, 2 layers, 4096 tokens, 10,000 items)")
    lengths = (16, 32, 64, 128, 256, 512, 1024, 2048, 4096)
    yield "length", "events of a history", [
        b.point(n, b.data(10**4, n), n, SMALL) for n in lengths
    ]
    print("model size (20,000 items, 1024 tokens)")
    rows = []
    for dim, layers, heads in SIZES:
        shape = {"dim": dim, "layers": layers, "heads": heads}
        data = b.data(20000, LENGTH)
        row = b.point(
            "%dx%d" % (dim, layers),
            data,
            LENGTH,
            shape,
            tokens=1024,
            measure=12 * layers * dim**2 <= fits,
        )
        row["x"] = row["parameters"]
        rows.append(row)
    yield "parameters", "parameters", rows
    print("threads (dim 64, 2 layers, 4096 tokens, 10,000 items)")
    threads = sorted({1, 2, os.cpu_count()})
    yield "threads", "threads", [
        b.point(n, b.data(10**4, LENGTH), LENGTH, SMALL, **{"train.threads": n}) for n in threads
    ]
    print("readers of the stream (the same)")
    yield "readers", "readers of the stream", [
        b.point(n, b.data(10**4, LENGTH), LENGTH, SMALL, **{"train.readers": n})
        for n in (0, 1, 2)
    ]


GNUPLOT = """
set terminal svg size 900,360 font 'sans,12' background rgb 'white'
set output '%(svg)s'
set multiplot layout 1,2
set logscale x
set grid
set key above
set xlabel '%(label)s'
set format x '%%.0s%%c'
set ylabel 'tokens/s'
%(rates)s
plot '%(dat)s' using 1:2 with linespoints pointtype 7 title 'souk'
set ylabel 'GiB'
unset yrange
set logscale y
plot '%(dat)s' using 1:3 with linespoints pointtype 6 title 'planned', \\
    '' using 1:4 with linespoints pointtype 7 title 'measured: %(measured)s'
"""


def draw(out, device, name, label, rows):
    dat = os.path.join(out, "scaling-%s.dat" % name)
    with open(dat, "w") as f:
        f.write("# %s, tokens/s, planned GiB, measured GiB\n" % label)
        for r in rows:
            cells = [
                r["x"],
                r["tokens_per_s"],
                r["planned_bytes"] / GIB,
                r["peak_bytes"] and r["peak_bytes"] / GIB,
            ]
            f.write(" ".join("NaN" if c is None else "%g" % c for c in cells) + "\n")
    told = [r["tokens_per_s"] for r in rows if r["tokens_per_s"]]
    rates = "set logscale y" if max(told) > 10 * min(told) else "set yrange [0:*]"
    script = os.path.join(out, "scaling-%s.gp" % name)
    with open(script, "w") as f:
        f.write(
            GNUPLOT
            % {
                "svg": os.path.join(out, "scaling-%s.svg" % name),
                "label": label,
                "dat": dat,
                "rates": rates,
                "measured": "the process" if device == "cpu" else "on the device",
            }
        )
    child(["gnuplot", script])


def main():
    p = argparse.ArgumentParser()
    p.add_argument("--souk", required=True)
    p.add_argument("--out", required=True)
    p.add_argument("--device", default="cpu")
    p.add_argument("--largest", type=int, default=10**7, help="items of the largest catalogue")
    p.add_argument(
        "--fits",
        type=float,
        default=6e7,
        help="encoder parameters of the largest model to measure; larger ones are planned only",
    )
    a = p.parse_args()
    result = {}
    for name, label, rows in curves(Bench(Souk(a.souk, a.out), a.out, a.device), a.largest, a.fits):
        result[name] = rows
        draw(a.out, a.device, name, label, rows)
    with open(os.path.join(a.out, "scaling.json"), "w") as f:
        json.dump(result, f, indent=1)


if __name__ == "__main__":
    main()
