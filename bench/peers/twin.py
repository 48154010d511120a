#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""souk's model in PyTorch, written for speed: the peer that bench/train.sh and
bench/gpu-acceptance.sh time souk against.

    twin.py check FILE                 the twin's cross-entropy against a souk trace or golden file
    twin.py time  [--windows F] ...    tokens/s and peak memory of a training step, as JSON

The mathematics is host/model/README.md under learn.objective = cross_entropy. It is what a PyTorch
user who cares about speed would write: batched scaled_dot_product_attention with is_causal, fused
q|k|v and gate|up products, the loss over real tokens only, AdamW with fused kernels. Histories
stand in rows of one padded [batch, time] array, the way nearly all users run; padding comes after
the events, so that causal attention needs no mask. With --packing varlen they stand end to end in
one row, and attention is PyTorch's varlen_attn, which only GPUs have. --precision bf16 is autocast
over f32 parameters, the residual stream in bf16 too.
"""
import argparse
import inspect
import json
import os
import statistics
import sys
import time

import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "tests", "golden"))
import safetensors_io  # noqa: E402 the path to it is set above


class Norm(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(dim))

    def forward(self, x):
        return F.rms_norm(x, (x.shape[-1],), self.weight.to(x.dtype), 1e-6)


def attend(q, k, v, b):
    """q, k, v [batch, heads, time, width], causal; packed in one row where b has "ends"."""
    if "ends" not in b:
        return F.scaled_dot_product_attention(q, k, v, is_causal=True)
    from torch.nn.attention.varlen import varlen_attn

    windowed = "window_size" in inspect.signature(varlen_attn).parameters
    causal = {"window_size": (-1, 0)} if windowed else {"is_causal": True}
    q, k, v = (x[0].transpose(0, 1) for x in (q, k, v))
    o = varlen_attn(
        q.to(v.dtype), k.to(v.dtype), v, b["ends"], b["ends"], b["longest"], b["longest"], **causal
    )
    return o.transpose(0, 1)[None]


def rotate(x, cos, sin):
    """x [batch, heads, time, width], half-split pairs."""
    a, b = x.chunk(2, dim=-1)
    return torch.cat((a * cos - b * sin, b * cos + a * sin), dim=-1)


class Block(nn.Module):
    def __init__(self, dim, heads, ff, layers, dropout):
        super().__init__()
        self.heads, self.dropout = heads, dropout
        self.attention_norm, self.mlp_norm = Norm(dim), Norm(dim)
        self.qkv = nn.Parameter(torch.randn(3 * dim, dim) * dim**-0.5)
        self.out = nn.Parameter(torch.randn(dim, dim) * (2 * layers * dim) ** -0.5)
        self.gate_up = nn.Parameter(torch.randn(2 * ff, dim) * dim**-0.5)
        self.down = nn.Parameter(torch.randn(dim, ff) * (2 * layers * ff) ** -0.5)

    def forward(self, x, cos, sin, b):
        batch, length, dim = x.shape
        qkv = F.linear(self.attention_norm(x), self.qkv)
        q, k, v = qkv.view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        o = attend(rotate(q, cos, sin), rotate(k, cos, sin), v, b)
        o = F.linear(o.transpose(1, 2).reshape(batch, length, dim), self.out)
        x = x + F.dropout(o, self.dropout, self.training)
        gate, up = F.linear(self.mlp_norm(x), self.gate_up).chunk(2, dim=-1)
        o = F.linear(F.silu(gate) * up, self.down)
        return x + F.dropout(o, self.dropout, self.training)


class Twin(nn.Module):
    def __init__(
        self,
        dim,
        layers,
        heads,
        ff,
        items,
        actions,
        dropout=0.0,
        head="full",
        item_categories=0,
        item_numbers=0,
        user_categories=0,
        user_numbers=0,
        event_numbers=0,
    ):
        super().__init__()
        table = lambda rows: nn.Parameter(torch.randn(rows, dim) * 0.02)
        self.dropout, self.head_kind, self.width = dropout, head, dim // heads
        self.item_id, self.action, self.gap = table(items), table(actions), table(32)
        self.item_category, self.item_number = table(item_categories), table(item_numbers)
        self.user_category, self.user_number = table(user_categories), table(user_numbers)
        self.event_number = table(event_numbers)
        self.blocks = nn.ModuleList(Block(dim, heads, ff, layers, dropout) for _ in range(layers))
        self.norm = Norm(dim)
        self.policy_weight = nn.Parameter(torch.eye(dim))
        self.policy_bias = nn.Parameter(torch.zeros(items))
        self.register_buffer("category", torch.zeros(items, 0, dtype=torch.long))
        self.register_buffer("number", torch.zeros(items, 0))

    def items(self):
        e = self.item_id
        if self.category.shape[1]:
            e = e + F.embedding_bag(self.category, self.item_category, mode="sum")
        return e + self.number @ self.item_number if self.number.shape[1] else e

    def encode(self, b, e):
        x = (
            F.embedding(b["item"], e)
            + F.embedding(b["action"], self.action)
            + F.embedding(b["gap"], self.gap)
        )
        if "user_category" in b:
            x = x + F.embedding(b["user_category"], self.user_category).sum(-2)
        if "user_number" in b:
            x = x + b["user_number"] @ self.user_number
        if "feature" in b:
            x = x + b["feature"] @ self.event_number
        x = F.dropout(x, self.dropout, self.training)
        half = torch.arange(self.width // 2, dtype=torch.float32, device=x.device)
        position = b["position"] if "position" in b else torch.arange(x.shape[1], device=x.device)
        angle = position[:, None] * 10000.0 ** (-2.0 * half / self.width)
        if torch.is_autocast_enabled(x.device.type):
            x = x.to(torch.get_autocast_dtype(x.device.type))
        cos, sin = angle.cos().to(x.dtype), angle.sin().to(x.dtype)
        for block in self.blocks:
            x = block(x, cos, sin, b)
        return self.norm(x)

    def forward(self, b):
        e = self.items()
        h = self.encode(b, e).flatten(0, 1)
        target = b["target"].flatten()
        if self.head_kind == "chunked":  # PyTorch's own loss without the stored [tokens, items]
            z = F.linear(h[b["rows"]], self.policy_weight)
            return F.linear_cross_entropy(
                z,
                e,
                target[b["rows"]],
                linear_bias=self.policy_bias,
                options=nn.LinearCrossEntropyOptions(),
            )
        if self.head_kind == "padded":  # logits of the padding too, masked in the loss
            z = F.linear(F.linear(h, self.policy_weight), e, self.policy_bias)
            return F.cross_entropy(z, target, ignore_index=-1)
        z = F.linear(F.linear(h[b["rows"]], self.policy_weight), e, self.policy_bias)
        return F.cross_entropy(z, target[b["rows"]])

    def groups(self, decay, embedding_decay):
        named = dict(self.named_parameters())
        tables = [p for n, p in named.items() if n in TABLES.values()]
        flat = [p for p in named.values() if p.dim() == 1]
        seen = {id(p) for p in tables + flat}
        return [
            {"params": [p for p in named.values() if id(p) not in seen], "weight_decay": decay},
            {"params": tables, "weight_decay": embedding_decay},
            {"params": flat, "weight_decay": 0.0},
        ]


TABLES = {
    "item.id": "item_id",
    "item.category": "item_category",
    "item.number": "item_number",
    "action.embedding": "action",
    "gap.embedding": "gap",
    "user.category": "user_category",
    "user.number": "user_number",
    "event.number": "event_number",
}


def twin_name(name):
    """The twin's attribute of a parameter of host/model/README.md."""
    if name in TABLES:
        return TABLES[name]
    if name.startswith("block."):
        _, l, rest = name.split(".", 2)
        rest = {"attention.norm": "attention_norm.weight", "mlp.norm": "mlp_norm.weight"}.get(
            rest, rest.split(".")[-1]
        )
        return f"blocks.{l}.{rest}"
    return {
        "final.norm": "norm.weight",
        "policy.weight": "policy_weight",
        "policy.bias": "policy_bias",
    }.get(name)


def pad(values, lengths, fill=0):
    """[tokens, ...] of packed windows -> [windows, longest, ...]."""
    out = np.full((len(lengths), max(lengths)) + values.shape[1:], fill, values.dtype)
    first = 0
    for w, n in enumerate(lengths):
        out[w, :n] = values[first : first + n]
        first += n
    return out


def tensor_of(v):
    return torch.from_numpy(v.astype(np.float32 if v.dtype.kind == "f" else np.int64))


def batch_of(columns, lengths):
    b = {n: tensor_of(pad(v, lengths, -1 if n == "target" else 0)) for n, v in columns.items()}
    b["rows"] = torch.nonzero(b["target"].flatten() >= 0).flatten()
    return b


def on(device, batch):
    return {n: v.to(device) if torch.is_tensor(v) else v for n, v in batch.items()}


def as_asked(model, args):
    """-> the model as it is to run, the dtype of its products"""
    model = model.to(args.device)
    run = (
        torch.compile(model, mode="reduce-overhead" if args.graphs else None)
        if args.compile
        else model
    )
    return run, torch.autocast(args.device, torch.bfloat16, enabled=args.precision == "bf16")


def check(args):
    """Compares the twin's cross-entropy with the file's, relative 1e-4, in bf16 a rounding of the
    scores; a file with dropout is refused."""
    path = args.file
    tensors, meta = safetensors_io.load(path)
    if float(meta.get("model.dropout", 0)) > 0:
        sys.exit(
            f"{path}: has dropout {meta['model.dropout']}, the twin draws other numbers: expected 0"
        )
    param = {n[6:]: v for n, v in tensors.items() if n.startswith("param.")}
    rows = lambda n: param[n].shape[0] if n in param else 0
    dim, layers = int(meta["model.dim"]), int(meta["model.layers"])
    model = Twin(
        dim,
        layers,
        int(meta["model.heads"]),
        param["block.0.mlp.down"].shape[1],
        rows("item.id"),
        rows("action.embedding"),
        head=args.head,
        item_categories=rows("item.category"),
        item_numbers=rows("item.number"),
        user_categories=rows("user.category"),
        user_numbers=rows("user.number"),
        event_numbers=rows("event.number"),
    )
    state = {twin_name(n): torch.from_numpy(v.copy()) for n, v in param.items() if twin_name(n)}
    model.load_state_dict(state, strict=False)
    if "catalogue.category" in tensors:
        model.category = torch.from_numpy(tensors["catalogue.category"].astype(np.int64))
    if "catalogue.number" in tensors:
        model.number = torch.from_numpy(tensors["catalogue.number"].copy())
    names = ("item", "action", "gap", "target", "user_category", "user_number", "feature")
    columns = {n: tensors["batch." + n] for n in names if "batch." + n in tensors}
    lengths = np.diff(tensors["batch.cu_seqlens"]).tolist()
    batch = (
        packed(columns, lengths, len(lengths))
        if args.packing == "varlen"
        else batch_of(columns, lengths)
    )
    run, products = as_asked(model, args)
    with products, torch.no_grad():
        loss = run(on(args.device, batch)).item()
    want = float(tensors["loss.cross_entropy"].reshape(-1)[0])
    error, bound = abs(loss - want) / abs(want), 1e-4 if args.precision == "f32" else 2.0**-8
    verdict = "ok" if error <= bound else f"FAILED: above {bound:.1e}"
    print(f"twin {loss:.7f}  file {want:.7f}  relative {error:.1e}  {verdict}")
    return error <= bound


def packed(columns, lengths, most):
    """Windows end to end in one row; `most` ends in all, so that no shape changes: the rest are
    empty."""
    b = {n: tensor_of(v)[None] for n, v in columns.items()}
    ends = np.full(most + 1, sum(lengths), np.int32)
    ends[: len(lengths)] = np.cumsum([0] + lengths[:-1])
    b["ends"], b["longest"] = torch.from_numpy(ends), max(lengths)
    b["position"] = torch.from_numpy(np.concatenate([np.arange(n) for n in lengths]))
    b["rows"] = torch.nonzero(b["target"].flatten() >= 0).flatten()
    return b


def fill(lengths, budget):
    """As many of the lengths as `budget` tokens take, the last one cut: exactly `budget`."""
    total = np.cumsum(lengths)
    count = int(np.searchsorted(total, budget)) + 1
    return [*lengths[: count - 1].tolist(), int(budget - (total[count - 2] if count > 1 else 0))]


def random_batches(args, count):
    """Batches of equal full windows, or of real window lengths (one a line); packed ones of batch
    x length tokens or of --tokens."""
    rng = np.random.default_rng(1)
    lengths = [args.length] * args.batch
    if args.windows:
        every = np.loadtxt(args.windows, dtype=np.int64, ndmin=1)
        every = np.minimum(every[every >= 2], args.length)
    for _ in range(count):
        if args.windows:
            lengths = rng.choice(every, args.batch).tolist()
        if args.tokens:
            lengths = fill(
                rng.choice(every if args.windows else [args.length], args.tokens), args.tokens
            )
        tokens = sum(lengths)
        item = rng.integers(0, args.items, tokens)
        target = np.append(item[1:], -1)
        target[np.cumsum(lengths) - 1] = -1
        columns = {
            "item": item,
            "target": target,
            "action": rng.integers(0, args.actions, tokens),
            "gap": rng.integers(0, 32, tokens),
        }
        if args.packing == "varlen":
            b = {**packed(columns, lengths, args.ends), "longest": args.length}
        else:
            b = batch_of(columns, lengths)
        yield on(args.device, b), tokens


def peak_bytes(device):
    if device != "cpu":
        return torch.cuda.max_memory_allocated()
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith("VmHWM"))


def time_steps(args):
    torch.set_num_threads(args.threads)
    torch.manual_seed(1)
    ff = args.ff or -(-(8 * args.dim // 3) // 32) * 32
    model = Twin(
        args.dim, args.layers, args.heads, ff, args.items, args.actions, args.dropout, args.head
    )
    run, products = as_asked(model, args)
    groups = [g for g in model.groups(0.01, 0.0) if g["params"]]
    optimizer = torch.optim.AdamW(groups, lr=1e-3, fused=True)

    def step(batch):
        optimizer.zero_grad(set_to_none=True)
        with products:
            loss = run(batch)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        return loss.item() if args.device == "cpu" else loss.detach().clone()

    def wait():
        if args.device != "cpu":
            torch.cuda.synchronize()

    batches = list(random_batches(args, args.warmup + args.steps))
    for batch, _ in batches[: args.warmup]:
        step(batch)
    if args.profile:
        with torch.profiler.profile() as profile:
            step(batches[-1][0])
        print(
            profile.key_averages().table(sort_by="self_cpu_time_total", row_limit=25),
            file=sys.stderr,
        )
    times, tokens, rates = [], [], []
    wait()
    for first in range(
        args.warmup, len(batches), args.group
    ):  # timed in groups, so that a GPU stays busy
        group = batches[first : first + args.group]
        start = time.perf_counter()
        for batch, _ in group:
            loss = step(batch)
        wait()
        times.append((time.perf_counter() - start) / len(group))
        tokens.append(sum(count for _, count in group) / len(group))
        rates.append(tokens[-1] / times[-1])
    shape = [b["item"].numel() for b, _ in batches[args.warmup :]]
    return {
        "engine": f"PyTorch {torch.__version__}",
        "head": args.head,
        "compile": args.compile,
        "tokens_per_s": statistics.median(rates),
        "step_s": statistics.median(times),
        "step_s_best": min(times),
        "tokens": statistics.median(tokens),
        "padded_tokens": statistics.median(shape),
        "peak_bytes": peak_bytes(args.device),
        "loss": float(loss),
        "tokens_per_s_each": rates,
    }


def main():
    p = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    sub = p.add_subparsers(dest="mode", required=True)
    c = sub.add_parser("check")
    c.add_argument("file")
    t = sub.add_parser("time")
    for name, value, text in (
        ("dim", 256, ""),
        ("layers", 4, ""),
        ("heads", 4, ""),
        ("ff", 0, "0: 8 dim / 3 rounded up to a multiple of 32"),
        ("items", 20000, ""),
        ("actions", 3, ""),
        ("batch", 32, "windows a step"),
        ("length", 128, "events a window, the most with --windows"),
        ("threads", 2, ""),
        ("warmup", 2, "steps before timing"),
        ("steps", 5, "timed steps"),
    ):
        t.add_argument("--" + name, type=int, default=value, help=f"{text} (default {value})")
    t.add_argument("--dropout", type=float, default=0.0)
    t.add_argument(
        "--windows", help="file of real window lengths, one a line: batches padded to their longest"
    )
    t.add_argument(
        "--tokens",
        type=int,
        default=0,
        help="exactly so many tokens a batch, instead of --batch windows",
    )
    t.add_argument(
        "--ends",
        type=int,
        default=8192,
        help="with varlen: the most windows of a batch (default 8192)",
    )
    t.add_argument("--group", type=int, default=1, help="steps timed together (default 1)")
    t.add_argument("--profile", action="store_true", help="where one step's time goes, on stderr")
    for one in (c, t):
        one.add_argument(
            "--head",
            choices=("full", "padded", "chunked"),
            default="full",
            help="full: logits of real tokens; padded: of the padding too; "
            "chunked: linear_cross_entropy",
        )
        one.add_argument("--compile", action="store_true", help="through torch.compile")
        one.add_argument(
            "--graphs", action="store_true", help="with --compile: its CUDA graphs too"
        )
        one.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
        one.add_argument("--precision", choices=("f32", "bf16"), default="f32")
        one.add_argument("--packing", choices=("padded", "varlen"), default="padded")
    args = p.parse_args()
    if args.mode == "check":
        sys.exit(not check(args))
    print(json.dumps(time_steps(args)))


if __name__ == "__main__":
    main()
