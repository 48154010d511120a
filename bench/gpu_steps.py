# SPDX-License-Identifier: Apache-2.0
"""Whole training steps of souk on a GPU beside the same model in PyTorch, for bench/gpu-
acceptance.sh."""
import json
import os
import random
import statistics
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
WARMUP, STEPS, GROUP = 20, 100, 10
# name: model, items, events of a history (full windows) or None (a shop's lengths), tokens of a
# batch
SETTINGS = {
    "full windows": ({"dim": 256, "layers": 4, "heads": 4}, 20000, 128, 32768),
    "real lengths": ({"dim": 256, "layers": 4, "heads": 4}, 20000, None, 32768),
    "long histories": ({"dim": 512, "layers": 8, "heads": 8}, 20000, 512, 32768),
}
LENGTH = 50  # the longest window of real lengths
COMPILED = ["--compile"]
PACKED = ["--packing", "varlen", "--head", "padded"]
VARLEN = [*COMPILED, *PACKED]
TWINS = {
    "full windows": {"compiled": COMPILED, "eager": []},
    "real lengths": {"compiled, packed": VARLEN, "compiled, padded": COMPILED, "eager, padded": []},
    "long histories": {"compiled": COMPILED, "compiled, packed": VARLEN},
}
# Large models by themselves: what share of the GPU's product rate a training step reaches.
MODELS = {"100 M": "100m", "300 M": "300m", "1.2 B": "1b"}  # by souk bench's name


def write_log(path, users, items, length):
    """A log of `users`: each of length + 2 events (leave-one-out takes two), or of a shop's
    lengths (skewed, 11 events on average). Every item occurs -> the lengths of the windows that
    training makes."""
    rng = random.Random(1)
    windows, rows = [], 0
    with open(path, "w") as f:
        f.write("user_id,item_id,action,timestamp\n")
        for user in range(users):
            count = length or 2 + min(int(rng.expovariate(1 / 9)), 398)
            for place in range(count + 2):
                item = rows if rows < items else rng.randrange(items)
                f.write("%d,%d,view,%d\n" % (user, item, 1600000000 + 3600 * place))
                rows += 1
            most = length or LENGTH
            windows += [most] * (count // most) + ([count % most] if count % most >= 2 else [])
    return windows


def souk_settings(data, run, shape, length, tokens):
    return [
        "%s=%s" % s
        for s in {
            "data.path": data,
            "train.out": run,
            "train.device": "cuda",
            "train.precision": "bf16",
            "train.tokens": tokens,
            "model.length": length,
            "train.steps": WARMUP + STEPS,
            "train.epochs": 1000,
            "train.valid_every": 10**9,
            "train.valid_users": 1,
            "train.patience": 0,
            "train.readers": 4,
            "model.dropout": 0,
            "model.candidates": 0,  # the twin has no counted half
            "learn.action_weight": 0,
            "learn.objective": "cross_entropy",
            "train.quiet": 1,
            **{"model." + k: v for k, v in shape.items()},
        }.items()
    ]


def souk_rate(p, souk, out, name, settings):
    """-> tokens/s, the median over groups of timed steps, as the twin's; None when it failed."""
    if not p.try_run("souk, " + name, [souk, "train", "--force", *settings], 60)[0] or p.dry_run:
        return None
    with open(os.path.join(out, "steps-run", "metrics.jsonl")) as f:
        lines = [r for r in map(json.loads, f) if "tokens" in r][WARMUP:]
    groups = [lines[i : i + GROUP] for i in range(0, len(lines), GROUP)]
    return statistics.median(
        sum(r["tokens"] for r in g) / sum(r["seconds"] for r in g) for g in groups
    )


def same_loss(p, souk, out, name, data, settings):
    """Whether the twin has souk's loss on a batch of the setting, on the GPU in f32, and where it
    is timed packed, so too; in bf16 then, as PyTorch's packed attention wants."""
    run, trace = os.path.join(out, "check-run"), os.path.join(out, "check-trace.safetensors")
    first = [
        souk,
        "train",
        "--force",
        *settings,
        "train.out=" + run,
        "train.precision=f32",
        "train.tokens=4096",
        "train.steps=1",
    ]
    laid_open = [
        souk,
        "trace",
        "--device",
        "cuda",
        "--checkpoint",
        run,
        "--data",
        data,
        "--batch",
        "0",
        "--out",
        trace,
    ]
    held = [
        sys.executable,
        os.path.join(HERE, "peers", "twin.py"),
        "check",
        trace,
        "--device",
        "cuda",
    ]
    commands = {"a step": first, "its trace": laid_open, "the same loss in PyTorch": held}
    if VARLEN in TWINS[name].values():
        commands["the same loss in PyTorch, packed"] = [*held, *PACKED, "--precision", "bf16"]
    return all(
        p.try_run("%s, %s" % (what, name), command, 60)[0] for what, command in commands.items()
    )


def waited(p, souk, out, name, settings):
    """-> the share of the time in which the host waited for batches, in steps of its own; None when
    it failed."""
    report = os.path.join(out, "waited.json")
    command = [
        souk,
        "bench",
        "--device",
        "cuda",
        "--steps",
        str(STEPS),
        "--warmup",
        str(WARMUP),
        "--quiet",
        "--json",
        report,
        *settings,
    ]
    if not p.try_run("waiting for data, " + name, command, 30)[0] or p.dry_run:
        return None
    with open(report) as f:
        return json.load(f)["steps"]["waited"]


def twin_command(options, shape, items, length, tokens, windows, warmup, steps, group):
    shape_options = [o for k, v in shape.items() for o in ("--" + k, str(v))]
    batch = (
        ["--windows", windows, "--batch", str(tokens // 10)]
        if windows
        else ["--batch", str(tokens // length)]
    )
    if "varlen" in options:
        batch += [
            "--tokens",
            str(tokens),
            "--ends",
            str(tokens // 4 if windows else tokens // length),
        ]
    return [
        sys.executable,
        os.path.join(HERE, "peers", "twin.py"),
        "time",
        "--device",
        "cuda",
        "--precision",
        "bf16",
        "--warmup",
        str(warmup),
        "--steps",
        str(steps),
        "--group",
        str(group),
        "--items",
        str(items),
        "--length",
        str(length),
        *shape_options,
        *batch,
        *options,
    ]


def twin_rate(p, label, options, shape, items, length, tokens, windows):
    """-> what the twin says of itself; None when it failed."""
    command = twin_command(options, shape, items, length, tokens, windows, WARMUP, STEPS, GROUP)
    ok, output = p.try_run(label, command, 60)
    return json.loads(output.splitlines()[-1]) if ok and not p.dry_run else None


def log_of(out, name):
    """The setting's log is written where it is missing -> paths of log, behaviour file, windows (or
    None)."""
    _, items, history, tokens = SETTINGS[name]
    stem = os.path.join(out, "steps-" + name.replace(" ", "-"))
    log, windows = stem + ".csv", None if history else stem + ".windows"
    if not os.path.exists(log):
        lengths = write_log(log + ".new", 20 * tokens // (history or 10), items, history)
        if windows:
            with open(windows, "w") as f:
                f.writelines("%d\n" % n for n in lengths)
        os.replace(log + ".new", log)
    return log, stem + ".h5", windows


def start_compiling(out):
    """PyTorch's compiler keeps what it made: each twin runs a few steps beside the phases that
    time nothing, so that the timed run finds its kernels there -> processes."""
    started = []
    for name, (shape, items, history, tokens) in SETTINGS.items():
        windows = log_of(out, name)[2]
        for options in TWINS[name].values():
            if "--compile" not in options:
                continue
            command = twin_command(
                options, shape, items, history or LENGTH, tokens, windows, 2, 2, 2
            )
            started.append(
                subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            )
    return started


def wait_for(processes):
    for process in processes:
        try:
            process.wait(timeout=60)
        except subprocess.TimeoutExpired:
            process.kill()


def beside_pytorch(p, souk, out):
    for name, (shape, items, history, tokens) in SETTINGS.items():
        length = history or LENGTH
        log, data, windows = (
            ("steps.csv", "steps.h5", None if history else "steps.windows")
            if p.dry_run
            else log_of(out, name)
        )
        ingest = [
            souk,
            "ingest",
            "--force",
            "--quiet",
            "--plain-keys",
            "--split",
            "leave-one-out",
            log,
            data,
        ]
        if not p.try_run("ingest, " + name, ingest, 60)[0]:
            continue
        settings = souk_settings(data, os.path.join(out, "steps-run"), shape, length, tokens)
        row = p.figures.setdefault("steps", {}).setdefault(
            name, {"tokens": tokens, "items": items, "length": length, **shape}
        )
        if not same_loss(p, souk, out, name, data, settings):
            continue
        row["waited"] = {"share": waited(p, souk, out, name, settings)}
        row["souk"] = souk_rate(p, souk, out, name, settings)
        for label, options in TWINS[name].items():
            result = twin_rate(
                p, "PyTorch, %s, %s" % (name, label), options, shape, items, length, tokens, windows
            )
            if result:
                row[result["engine"] + ", " + label] = result["tokens_per_s"]
            p.keep(p)


def show_ops(report):
    ceilings = report["ceilings"]
    print(
        "\nops beside a copy's %.0f GB/s and a product's %.0f TFLOP/s in bf16"
        % (ceilings["copy"] / 1e9, ceilings["gemm_bf16"] / 1e12)
    )
    for row in report["ops"]:
        print(
            "  %-24s %-36s %-5s %10.1f us %8.0f GB/s %8.1f TFLOP/s %4.0f%% of the floor's rate"
            % (
                row["op"],
                row["shape"],
                row["dtype"],
                1e6 * row["median"],
                row["bytes"] / row["median"] / 1e9,
                row["flops"] / row["median"] / 1e12,
                100 * row["floor"] / row["median"],
            )
        )


def show_models(models):
    for name, report in models.items():
        s = report["steps"]
        rate = s["flops"] / s["median"]
        print(
            "  %-8s %7.1f M parameters: %8.0f tokens/s, %.0f TFLOP/s of the model, "
            "%.1f%% of a product's %.0f; waited for data %.2f%%"
            % (
                name,
                s["parameters"] / 1e6,
                s["tokens"] / s["median"],
                rate / 1e12,
                100 * rate / report["ceiling"],
                report["ceiling"] / 1e12,
                100 * s["waited"],
            )
        )


def show(figures):
    for name, row in figures.get("steps", {}).items():
        print(
            "\n%s: dim %d, %d layers, %d heads, %d items, %d tokens a step, bf16; "
            "tokens are real ones"
            % (name, row["dim"], row["layers"], row["heads"], row["items"], row["tokens"])
        )
        for who, rate in row.items():
            if isinstance(rate, float):
                ratio = (
                    ""
                    if who == "souk" or not row["souk"]
                    else "   souk is %.2fx" % (row["souk"] / rate)
                )
                print("  %-44s %12.0f tokens/s%s" % (who, rate, ratio))
    if "ops" in figures:
        show_ops(figures["ops"])
    if "models" in figures:
        m = next(iter(figures["models"].values()))
        print(
            "\nlarge models, %d items, histories of %d, %d tokens a step"
            % (m["steps"]["items"], m["model"]["length"], m["model"]["tokens"])
        )
        show_models(figures["models"])
