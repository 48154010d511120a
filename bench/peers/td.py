# SPDX-License-Identifier: Apache-2.0
"""TD targets over the whole catalogue as PyTorch users write them: the peer of bench/td.c.

    td.py INPUT.safetensors THREADS REPEATS BACKUP    -> JSON: y's file, seconds, peak bytes above
    the inputs

The textbook way holds Q of all tokens and items at once; `chunked` is what a careful user writes,
256 tokens at a time.
"""
import json
import os
import sys
import time

import numpy as np
import torch

sys.path.insert(0, os.path.join(os.path.dirname(__file__), "..", "..", "tests", "golden"))
import safetensors_io  # noqa: E402 the path to it is set above

GAMMA = 0.9


def next_values(t, backup, rows=slice(None)):
    target_q = lambda: torch.addmm(t["target_bias"], t["target_u"][rows], t["target_items"].T)
    if backup == "q_learning":
        return target_q().max(1).values
    if backup == "double_q":
        chosen = torch.addmm(t["bias"], t["online_u"][rows], t["items"].T).argmax(1, keepdim=True)
        return target_q().gather(1, chosen)[:, 0]
    q = target_q()
    return (q.softmax(1) * q).sum(1)


def targets(t, backup, chunk):
    if chunk:
        parts = [
            next_values(t, backup, slice(i, i + chunk)) for i in range(0, len(t["reward"]), chunk)
        ]
        next_value = torch.cat(parts)
    else:
        next_value = next_values(t, backup)
    bootstrap = torch.cat((next_value[1:], next_value[:1]))
    y = t["reward"] + GAMMA * bootstrap * (t["end"] != 1)
    y[t["cu_seqlens"][1:].long() - 1] = 0.0  # a window's last token has no action
    return y


def resident(field):
    with open("/proc/self/status") as f:
        return next(int(line.split()[1]) * 1024 for line in f if line.startswith(field))


def main():
    path, threads, repeats, backup, chunk, out = sys.argv[1:]
    torch.set_num_threads(int(threads))
    tensors, _ = safetensors_io.load(path)
    t = {n: torch.from_numpy(a.copy()) for n, a in tensors.items()}
    del tensors
    torch.ones(256, 256) @ torch.ones(256, 256)
    before, seconds = resident("VmRSS"), []
    with torch.inference_mode():
        for i in range(int(repeats) + 1):  # the first is warm-up
            start = time.perf_counter()
            y = targets(t, backup, int(chunk))
            seconds.append(time.perf_counter() - start)
    np.save(out, y.numpy())
    print(
        json.dumps(
            {
                "seconds": seconds[1:],
                "peak_bytes": resident("VmHWM") - before,
                "engine": "PyTorch " + torch.__version__,
            }
        )
    )


if __name__ == "__main__":
    main()
