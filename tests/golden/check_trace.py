#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Recomputes a trace of souk with reference.py in float64 and prints how far each tensor is off.

    souk trace --checkpoint RUN --data FILE --batch 0 --out trace.safetensors
    check_trace.py trace.safetensors

In float32 it fails when a tensor's relative L2 distance is above 1e-5. The bound: souk computes in
float32, whose rounding is 6e-8; a tensor's error is that of some tens of dependent operations with
sums in fixed blocks, 3e-7 to 3e-6 in practice. A wrong formula is off by 1e-3 or more. In bf16 a
tensor's distance may be 1.5 times that of the reference with the roundings of the page (of a loss,
one number, at least one rounding).

The reference keeps [tokens, items] in float64, several times: trace a batch of a few thousand
tokens (train.tokens) when the catalogue is large.
"""
import sys

import numpy as np
import torch

import reference
import safetensors_io

BOUND = 1e-5


def recompute(tensors, config):
    p = reference.parameters_of(tensors, "param.", torch.float64)
    target_p = reference.parameters_of(tensors, "target_param.", torch.float64)
    kept = {}
    step = int(config["step"])
    loss, grad = reference.gradients(p, target_p, config, reference.batch_of(tensors), step, kept)
    absent = {n: torch.zeros(()) for n in reference.LOSSES}  # written as 0
    want = {"loss." + n: t for n, t in {**absent, **loss}.items()}
    want.update(kept)
    want.update({"grad." + n: t for n, t in grad.items()})
    return {n: t.detach().numpy() for n, t in want.items()}


def bounds(tensors, config, want):
    """{name: largest relative distance from `want`}"""
    if config["train.precision"] == "f32":
        return {n: BOUND for n in want}
    rounded = recompute(tensors, config)
    return {
        n: 1.5
        * max(reference.relative_l2(rounded[n], want[n]), 2.0**-8 if n.startswith("loss.") else 0)
        for n in want
    }


def main(path):
    tensors, config = safetensors_io.load(path)
    want = recompute(tensors, {**config, "train.precision": "f32"})
    bound = bounds(tensors, config, want)
    outputs = [n for n in tensors if n.startswith(("activation.", "loss.", "grad."))]
    unknown = [n for n in outputs if n not in want]
    missing = [n for n in want if n not in tensors]
    failed = 0
    for name in outputs:
        if name in want:
            error = reference.relative_l2(tensors[name], want[name])
            bad = not error <= bound[name]
            failed += bad
            print(
                "%-32s %-16s %.1e%s"
                % (name, list(np.shape(tensors[name])), error, "   FAILED" if bad else "")
            )
    for name in unknown:
        print("%-32s not in the reference   FAILED" % name)
    for name in missing:
        print("%-32s not in the trace   FAILED" % name)
    failed += len(unknown) + len(missing)
    print("%d tensors, %d failed" % (len(outputs) + len(missing), failed))
    return failed


if __name__ == "__main__":
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    sys.exit(1 if main(sys.argv[1]) else 0)
