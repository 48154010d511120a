#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The sections of bench/README.md on results/*.json, written from these files alone.

    bench/report.py                 writes it into bench/README.md
    bench/report.py --check         exit code 1 when it is not what the files say
    bench/report.py --join-cpu OUT  joins what bench/cpu.sh left in OUT to one result first
"""
import datetime
import glob
import json
import os
import re
import shutil
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
README = os.path.join(HERE, "README.md")
MARK = "<!-- written by report.py: %s %s -->\n"


def table(head, rows, right):
    """A Markdown table; columns from `right` on are numbers."""
    lines = [
        "| %s |" % " | ".join(head),
        "|%s|" % "|".join("---" if i < right else "--:" for i in range(len(head))),
    ]
    return "\n".join(lines + ["| %s |" % " | ".join(r) for r in rows]) + "\n"


def cases(phases):
    rows = []
    for name, phase in phases.items():
        bad = [
            "%s %s%s" % (c["name"], c["verdict"], ": " + c["detail"] if c.get("detail") else "")
            for c in phase["cases"]
            if c["verdict"] != "passed"
        ]
        passed = sum(c["verdict"] == "passed" for c in phase["cases"])
        rows.append(
            [
                name,
                phase["verdict"],
                "%d of %d" % (passed, len(phase["cases"])),
                "; ".join(bad).replace("|", "/"),
            ]
        )
    return table(["phase", "verdict", "passed", "not passed"], rows, 4)


def steps(figures):
    rows = []
    for name, row in figures.items():
        shape = "%s: dim %d, %d layers, %d heads, %d items" % (
            name,
            row["dim"],
            row["layers"],
            row["heads"],
            row["items"],
        )
        for who, rate in row.items():
            if isinstance(rate, float):
                ratio = "" if who == "souk" or not row["souk"] else "%.2f" % (row["souk"] / rate)
                rows.append([shape if who == "souk" else "", who, "%.2f M" % (rate / 1e6), ratio])
    return table(["step", "", "tokens/s", "souk's ratio"], rows, 2)


def ops(report):
    rows = [
        [
            r["op"],
            r["shape"],
            r["dtype"],
            "%.1f" % (1e6 * r["median"]),
            "%.1f" % (1e6 * r["floor"]),
            "%.0f" % (r["bytes"] / r["median"] / 1e9),
            "%.3g" % (r["flops"] / r["median"] / 1e12),
            "%.0f %%" % (100 * r["floor"] / r["median"]),
            r["why"],
        ]
        for r in report["ops"]
        if not r["op"].startswith("ceiling")
    ]
    ceilings = report["ceilings"]
    text = (
        "Ceilings of the same run: a copy moves %.0f GB/s, a large product makes %.3g TFLOP/s "
        "in f32 and %.3g in bf16.\n\n"
        % (ceilings["copy"] / 1e9, ceilings["gemm_f32"] / 1e12, ceilings["gemm_bf16"] / 1e12)
    )
    return text + table(
        [
            "op",
            "shape",
            "dtype",
            "µs",
            "floor µs",
            "GB/s",
            "TFLOP/s",
            "of the floor's rate",
            "what the rest is lost to",
        ],
        rows,
        3,
    ).replace("--:|\n", "---|\n", 1)


def op_row(report, op, part):
    return next((r for r in report.get("ops", []) if r["op"] == op and part in r["shape"]), None)


def goal_table(wanted):
    """Rows (what, have or None, goal, format, whether more is better) -> a table that says what was
    missed."""
    rows = []
    for text, have, goal, form, more in wanted:
        met = have is not None and (have >= goal if more else have <= goal)
        rows.append(
            [
                text,
                (">= " if more else "<= ") + form % goal,
                "not measured" if have is None else form % have,
                ""
                if have is None
                else "met"
                if met
                else "missed by %.0f %%" % (100 * abs(have / goal - 1)),
            ]
        )
    return table(["goal", "wanted", "have", ""], rows, 1)


def cpu_goals(r):
    """What souk wants to reach on two cores, beside its peers in one run."""
    td = []
    for row in r["td"]["rows"].values():
        fastest = min((v for n, v in row.items() if n != "souk"), key=lambda v: v["seconds"])
        td.append(
            (
                fastest["seconds"] / row["souk"]["seconds"],
                100 * row["souk"]["peak_bytes"] / row["PyTorch"]["peak_bytes"],
            )
        )
    stream = max(x["events_per_second"] for x in r["stream"] if x["layout"] == "plain")
    peer = max(r["stream_peer"][0].values()) if r["stream_peer"] else None
    ingest = r["ingest"]
    return goal_table(
        [
            (
                "training step beside the fastest PyTorch, full windows, dim 256",
                r["train"]["full_windows"]["speed_over_fastest"],
                1.5,
                "%.2f x",
                True,
            ),
            (
                "training step beside the fastest PyTorch, real history lengths",
                r["train"]["real_lengths"]["speed_over_fastest"],
                2,
                "%.2f x",
                True,
            ),
            (
                "TD targets over %d items beside the fastest PyTorch, the least of three"
                % r["td"]["items"],
                min(t for t, _ in td),
                3,
                "%.2f x",
                True,
            ),
            (
                "memory of these, of PyTorch's with all scores at once, at most",
                max(m for _, m in td),
                5,
                "%.1f %%",
                False,
            ),
            (
                "stream of batches beside h5py and a DataLoader",
                peer and stream / peer,
                10,
                "%.0f x",
                True,
            ),
            (
                "ingest beside pandas",
                ingest["pandas_seconds"] and ingest["pandas_seconds"] / ingest["ingest_seconds"],
                5,
                "%.2f x",
                True,
            ),
        ]
    )


def cpu_name(r):
    """What the files of a processor's result are called."""
    return "cpu-" + re.sub(r"[^a-z0-9]+", "-", r["train"]["processor"].lower()).strip("-")


def cpu_section(r):
    text = (
        "### %s, %d cores\n\nThe peers are those of `peers/setup.sh`. Timed at: %s; "
        "the ops' commit is %s.\n\n**Goals.**\n\n"
        % (
            r["train"]["processor"],
            r["train"]["cores"],
            ", ".join("%s %s" % t for t in r["timed"].items()),
            r["ops"]["commit"][:12] or "unknown",
        )
    )
    text += (
        cpu_goals(r)
        + "\n**Scaling.** Tokens/s and memory of a training step in f32, the planner's beside the "
        "measured peak.\n\n"
    )
    text += "".join(
        "![%s](pictures/%s-%s.svg)\n\n" % (name, cpu_name(r), name) for name in r["scaling"]
    )
    return text + "**Ops.** " + ops(r["ops"]) + "\n"


def join_cpu(out):
    """The JSON and pictures of each bench of bench/cpu.sh -> results/cpu-<processor>.json,
    pictures/cpu-<processor>-<curve>.svg."""

    def read(name):
        with open(os.path.join(out, name)) as f:
            return f.read()

    r = {
        name: json.loads(read(name + ".json"))
        for name in ("train", "td", "stream", "ingest", "ops", "scaling")
    }
    peers = os.path.join(out, "stream-peer.json")
    r["stream_peer"] = (
        [json.loads(line) for line in read("stream-peer.json").splitlines()]
        if os.path.exists(peers)
        else []
    )
    r["time"] = r["train"]["time"]
    r["timed"] = {
        n: datetime.datetime.fromtimestamp(
            os.path.getmtime(os.path.join(out, n + ".json")), datetime.timezone.utc
        ).isoformat(timespec="minutes")
        for n in ("train", "td", "stream", "ingest", "ops", "scaling")
    }
    for curve in r["scaling"]:
        shutil.copyfile(
            os.path.join(out, "scaling-%s.svg" % curve),
            os.path.join(HERE, "pictures", "%s-%s.svg" % (cpu_name(r), curve)),
        )
    with open(os.path.join(HERE, "results", cpu_name(r) + ".json"), "w") as f:
        json.dump(r, f, indent=1)


def goals(figures):
    """What souk wants to reach on a GPU of this class -> rows; a figure that is not there is not
    measured."""
    report, whole, large = (
        figures.get("ops", {}),
        figures.get("steps", {}),
        figures.get("models", {}),
    )

    def ratio(setting, twin):
        row = whole.get(setting, {})
        peer = next(
            (v for k, v in row.items() if k.endswith(", " + twin) and k.startswith("PyTorch")), None
        )
        return row["souk"] / peer if peer and row.get("souk") else None

    def of_copy(op):
        row = op_row(report, op, "")
        return row and 100 * row["bytes"] / row["median"] / report["ceilings"]["copy"]

    def seconds(op, part):
        row = op_row(report, op, part)
        return row and row["median"]

    def rate(op, items):
        row = op_row(report, op, "16384 x %d items, dim 512" % items)
        return row and row["flops"] / row["median"] / 1e12

    def utilisation(name):
        model = large.get(name)
        return model and 100 * model["steps"]["flops"] / model["steps"]["median"] / model["ceiling"]

    def over_cudnn(length):
        both = [
            [
                seconds("attention %s%s" % (way, by), "windows of %d," % length)
                for way in ("forward", "backward")
            ]
            for by in (", cuDNN", "")
        ]
        return sum(both[0]) / sum(both[1]) if all(both[0] + both[1]) else None

    def scatter():
        row, took = whole.get("real lengths", {}), seconds(
            "embedding gradient", "32768 x 256 of 20000"
        )
        return 100 * took * row["souk"] / row["tokens"] if took and row.get("souk") else None

    waits = [
        row["waited"]["share"]
        for row in whole.values()
        if row.get("waited", {}).get("share") is not None
    ] + [m["steps"]["waited"] for m in large.values()]
    best, bare = seconds("catalogue best", "16384 x 100000 items, dim 512"), seconds(
        "gemm", "16384 x 100000 x 512"
    )
    return goal_table(
        [
            (
                "step beside PyTorch compiled, real lengths packed",
                ratio("real lengths", "compiled, packed"),
                1.3,
                "%.2f x",
                True,
            ),
            (
                "step beside PyTorch compiled, real lengths padded",
                ratio("real lengths", "compiled, padded"),
                2.5,
                "%.2f x",
                True,
            ),
            (
                "step beside PyTorch compiled, full windows",
                ratio("full windows", "compiled"),
                1.3,
                "%.2f x",
                True,
            ),
            (
                "step beside PyTorch compiled, long histories",
                ratio("long histories", "compiled"),
                1.3,
                "%.2f x",
                True,
            ),
            (
                "step beside PyTorch compiled, long histories packed",
                ratio("long histories", "compiled, packed"),
                1.3,
                "%.2f x",
                True,
            ),
            (
                "training step, 100 M parameters, of a large product's rate",
                utilisation("100 M"),
                45,
                "%.1f %%",
                True,
            ),
            (
                "training step, 300 M parameters, of a large product's rate",
                utilisation("300 M"),
                45,
                "%.1f %%",
                True,
            ),
            (
                "training step, 1.2 B parameters, of a large product's rate",
                utilisation("1.2 B"),
                50,
                "%.1f %%",
                True,
            ),
            *[
                (
                    "catalogue, %s, dim 512, 10^%d items" % (what, len(str(items)) - 1),
                    rate("catalogue " + op, items),
                    550,
                    "%.0f TFLOP/s",
                    True,
                )
                for what, op in (("best item", "best"), ("logsumexp", "logsumexp"))
                for items in (10**5, 10**6, 10**7)
            ],
            (
                "catalogue, best item (TD targets), in times of a bare product of its size",
                best and bare and best / bare,
                1.05,
                "%.2f x",
                False,
            ),
            *[
                (
                    "attention forward and backward, histories of %d, cuDNN's time over souk's" % n,
                    over_cudnn(n),
                    2,
                    "%.2f x",
                    True,
                )
                for n in (16, 50, 64, 128, 256)
            ],
            ("RMSNorm forward, of a copy's rate", of_copy("rmsnorm forward"), 80, "%.0f %%", True),
            (
                "RMSNorm backward, of a copy's rate",
                of_copy("rmsnorm backward"),
                80,
                "%.0f %%",
                True,
            ),
            (
                "residual sum and norm, of a copy's rate",
                of_copy("residual norm"),
                80,
                "%.0f %%",
                True,
            ),
            ("AdamW, of a copy's rate", of_copy("adamw"), 90, "%.0f %%", True),
            (
                "waiting for data, of a step, at most",
                100 * max(waits) if waits else None,
                0.5,
                "%.2f %%",
                False,
            ),
            (
                "the embedding gradient by sorting, not atomics: all of it, "
                "of a step on real lengths",
                scatter(),
                5,
                "%.1f %%",
                False,
            ),
        ]
    )


def models(figures):
    rows = [
        [
            name,
            "%.1f M" % (r["steps"]["parameters"] / 1e6),
            "%.0f" % (r["steps"]["tokens"] / r["steps"]["median"]),
            "%.0f" % (r["steps"]["flops"] / r["steps"]["median"] / 1e12),
            "%.1f %%" % (100 * r["steps"]["flops"] / r["steps"]["median"] / r["ceiling"]),
            "%.2f %%" % (100 * r["steps"]["waited"]),
        ]
        for name, r in figures.items()
    ]
    return table(
        [
            "model",
            "parameters",
            "tokens/s",
            "TFLOP/s of the model",
            "of a large product's",
            "waited for data",
        ],
        rows,
        1,
    )


def gpu_section(r):
    figures = r["phases"].get("bench", {}).get("figures", {})
    text = "### %s: %s\n\nDriver %s, CUDA %s, cuDNN %s, PyTorch %s, %s; `kernels/` %s.\n\n%s" % (
        r["gpu"]["name"],
        r["verdict"],
        r["gpu"]["driver"],
        r["cuda"],
        r["cudnn"],
        r["pytorch"],
        r["time"],
        r["kernels_tree"][:12],
        cases(r["phases"]),
    )
    text += "\n**Goals.**\n\n" + goals(figures)
    for title, make, name in (
        ("Whole steps, bf16", steps, "steps"),
        ("Ops", ops, "ops"),
        ("Large models", models, "models"),
    ):
        if name in figures:
            text += "\n**%s.** %s" % (title, "" if make is ops else "\n\n") + make(figures[name])
    return text + "\n"


def sections():
    """-> {"gpu": text, "cpu": text}, the newest result first"""
    text, results = {"gpu": "", "cpu": ""}, []
    for path in glob.glob(os.path.join(HERE, "results", "*.json")):
        with open(path) as f:
            results.append(json.load(f))
    for r in sorted(results, key=lambda r: r["time"], reverse=True):
        kind = "gpu" if "phases" in r else "cpu"
        text[kind] += gpu_section(r) if kind == "gpu" else cpu_section(r)
    return {kind: "\n" + (t or "Nothing measured yet.\n\n") for kind, t in text.items()}


def main():
    if "--join-cpu" in sys.argv[1:]:
        join_cpu(sys.argv[-1])
    with open(README) as f:
        text = f.read()
    new = text
    for kind, section in sections().items():
        before, rest = new.split(MARK % ("begin", kind))
        after = rest.split(MARK % ("end", kind))[1]
        new = before + MARK % ("begin", kind) + section + MARK % ("end", kind) + after
    if "--check" in sys.argv[1:]:
        return 0 if text == new else 1
    with open(README, "w") as f:
        f.write(new)
    return 0


if __name__ == "__main__":
    sys.exit(main())
