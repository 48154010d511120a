# SPDX-License-Identifier: Apache-2.0
"""Section 8 of host/model/README.md: where train.precision = bf16 rounds, in whatever dtype the
rest is computed. reference.py calls these at every place that the page names; with f32 they do
nothing."""
import math

import torch


def bf16(t):
    """The nearest bfloat16, ties to even."""
    return t.float().bfloat16().to(t.dtype)


class Rounded(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, value, gradient):
        ctx.gradient = gradient
        return bf16(x) if value else x.clone()

    @staticmethod
    def backward(ctx, g):
        return bf16(g) if ctx.gradient else g, None, None


class Attention(torch.autograd.Function):
    """One window, [heads, length, width]: p and ds are rounded before the products that sum
    them."""

    @staticmethod
    def forward(ctx, q, k, v, future):
        score = (q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])).masked_fill(future, -math.inf)
        p = torch.exp(score - score.max(-1, keepdim=True).values)
        o = bf16(bf16(p) @ v / p.sum(-1, keepdim=True))
        ctx.save_for_backward(q, k, v, o, score.softmax(-1))
        return o

    @staticmethod
    def backward(ctx, do):
        q, k, v, o, p = ctx.saved_tensors
        do = bf16(do)
        ds = p * (do @ v.transpose(1, 2) - (do * o).sum(-1, keepdim=True))
        dq, dk = bf16(ds) @ k, bf16(ds).transpose(1, 2) @ q
        return (
            dq / math.sqrt(q.shape[-1]),
            dk / math.sqrt(q.shape[-1]),
            bf16(p).transpose(1, 2) @ do,
            None,
        )


class F32:
    @staticmethod
    def store(x):
        return x  # a tensor that is written, and its gradient

    @staticmethod
    def weight(w):
        return w  # what a product reads of parameters: their gradient stays

    @staticmethod
    def back(x):
        return x  # only the gradient is rounded

    @staticmethod
    def attend(q, k, v, future):
        score = q @ k.transpose(1, 2) / math.sqrt(q.shape[-1])
        return score.masked_fill(future, -math.inf).softmax(-1) @ v


class BF16:
    @staticmethod
    def store(x):
        return Rounded.apply(x, True, True)

    @staticmethod
    def weight(w):
        return Rounded.apply(w, True, False)

    @staticmethod
    def back(x):
        return Rounded.apply(x, False, True)

    attend = Attention.apply


def shares(h, c, count):
    """`count` names of h, whose gradients add up in this order, the sum rounded after each."""
    names = []
    for _ in range(count):
        h = of(c).back(h)
        names.insert(0, h)
    return names


def of(c):
    return BF16 if c.get("train.precision", "f32") == "bf16" else F32
