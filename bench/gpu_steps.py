"""Whole training steps of souk on a GPU beside the same model in PyTorch, for bench/gpu-acceptance.sh."""
import json, os, random, statistics, sys

HERE = os.path.dirname(os.path.abspath(__file__))
WARMUP, STEPS, GROUP = 20, 100, 10
# name: model, items, events of a history (full windows) or None (a shop's lengths), tokens of a batch
SETTINGS = {
    "full windows": ({"dim": 256, "layers": 4, "heads": 4}, 20000, 128, 32768),
    "real lengths": ({"dim": 256, "layers": 4, "heads": 4}, 20000, None, 32768),
    "long histories": ({"dim": 512, "layers": 8, "heads": 8}, 20000, 512, 32768),
}
LENGTH = 50  # the longest window of real lengths
VARLEN = ["--packing", "varlen", "--head", "padded"]
TWINS = {  # of each setting, in the order of what matters should time run out
    "full windows": {"compiled": [], "compiled, CUDA graphs": ["--graphs"], "compiled, packed": VARLEN},
    "real lengths": {"compiled, packed": VARLEN, "compiled, padded": []},
    "long histories": {"compiled": [], "compiled, packed": VARLEN},
}


def write_log(path, users, items, length):
    """A log of `users`: each of length + 2 events (leave-one-out takes two), or of a shop's lengths (skewed,
    11 events on average). Every item occurs -> the lengths of the windows that training makes."""
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


def souk_rate(p, souk, out, name, data, shape, length, tokens):
    """-> tokens/s, the median over groups of timed steps, as the twin's; None when it failed."""
    run = os.path.join(out, "steps-run")
    settings = {"data.path": data, "train.out": run, "train.device": "cuda", "train.precision": "bf16", "train.tokens": tokens,
                "model.length": length, "train.steps": WARMUP + STEPS, "train.epochs": 1000, "train.valid_every": 10**9,
                "train.valid_users": 1, "train.patience": 0, "train.readers": 4, "model.dropout": 0, "learn.action_weight": 0,
                "learn.objective": "cross_entropy", "train.quiet": 1, **{"model." + k: v for k, v in shape.items()}}
    command = [souk, "train", "--force", *("%s=%s" % s for s in settings.items())]
    if not p.try_run("souk, " + name, command, 60)[0] or p.dry_run:
        return None
    with open(os.path.join(run, "metrics.jsonl")) as f:
        lines = [r for r in map(json.loads, f) if "tokens" in r][WARMUP:]
    groups = [lines[i:i + GROUP] for i in range(0, len(lines), GROUP)]
    return statistics.median(sum(r["tokens"] for r in g) / sum(r["seconds"] for r in g) for g in groups)


def twin_rate(p, label, options, shape, items, length, tokens, windows):
    """-> what the twin says of itself; None when it failed."""
    shape_options = [o for k, v in shape.items() for o in ("--" + k, str(v))]
    batch = ["--windows", windows, "--batch", str(tokens // 10)] if windows else ["--batch", str(tokens // length)]
    if "varlen" in options:
        batch += ["--tokens", str(tokens), "--ends", str(tokens // 4 if windows else tokens // length)]
    command = [sys.executable, os.path.join(HERE, "peers", "twin.py"), "time", "--device", "cuda", "--precision", "bf16", "--compile",
               "--warmup", str(WARMUP), "--steps", str(STEPS), "--group", str(GROUP), "--items", str(items), "--length", str(length),
               *shape_options, *batch, *options]
    ok, output = p.try_run(label, command, 60)
    return json.loads(output.splitlines()[-1]) if ok and not p.dry_run else None


def beside_pytorch(p, souk, out):
    for name, (shape, items, history, tokens) in SETTINGS.items():
        log, data, length = os.path.join(out, "steps.csv"), os.path.join(out, "steps.h5"), history or LENGTH
        windows = None if history else os.path.join(out, "windows.txt")
        if not p.dry_run:
            lengths = write_log(log, 20 * tokens // (history or 10), items, history)
            if windows:
                with open(windows, "w") as f:
                    f.writelines("%d\n" % n for n in lengths)
        ingest = [souk, "ingest", "--force", "--quiet", "--plain-keys", "--split", "leave-one-out", log, data]
        if not p.try_run("ingest, " + name, ingest, 60)[0]:
            continue
        rate = souk_rate(p, souk, out, name, data, shape, length, tokens)
        row = p.figures.setdefault("steps", {}).setdefault(name, {"tokens": tokens, "items": items, "length": length, **shape})
        row["souk"] = rate
        for label, options in TWINS[name].items():
            result = twin_rate(p, "PyTorch, %s, %s" % (name, label), options, shape, items, length, tokens, windows)
            if result:
                row[result["engine"] + ", " + label] = result["tokens_per_s"]
            p.keep(p)


def show(figures):
    for name, row in figures.get("steps", {}).items():
        print("\n%s: dim %d, %d layers, %d heads, %d items, %d tokens a step, bf16; tokens are real ones"
              % (name, row["dim"], row["layers"], row["heads"], row["items"], row["tokens"]))
        for who, rate in row.items():
            if isinstance(rate, float):
                ratio = "" if who == "souk" or not row["souk"] else "   souk is %.2fx" % (row["souk"] / rate)
                print("  %-44s %12.0f tokens/s%s" % (who, rate, ratio))
