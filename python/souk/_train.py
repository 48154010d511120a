# SPDX-License-Identifier: Apache-2.0
"""Training."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Optional

from ._call import Memory, Path, Settings, lib, settings_text
from ._follow import Callback, MessageCallback, call_followed, number


@dataclass(frozen=True)
class Training:
    """How a training ended."""

    steps: int
    """Of the optimizer, with those before a resume."""
    seconds: float
    """Of this call."""
    validation: Optional[float]
    """The best NDCG@10, in a world the mean return of the last round."""
    stopped: bool
    """The callback stopped it; `train(..., resume=True)` goes on from there."""


def train(
    data: Optional[Path] = None,
    out: Optional[Path] = None,
    settings: Settings = None,
    *,
    resume: bool = False,
    force: bool = False,
    callback: Optional[Callback] = None,
    message: Optional[MessageCallback] = None,
) -> Training:
    """Trains a model on the behaviour file `data`, or in a simulated world, and writes it into the
    folder `out`.

    `settings` are those of `souk train --help`, as {"train.steps": 1000} or {"train": {"steps":
    1000}}; `data` and `out` are the settings data.path and train.out. `resume` continues a training
    that was stopped, bit for bit; `force` replaces a training that the folder holds.

    `callback` gets a Progress after each step, on the thread that called. Where it returns a true
    value, the training saves the step and ends, and the result says so (`stopped`). An exception of
    the callback does the same, and then leaves this function. `message` gets remarks for people."""
    memory = Memory()
    lines = settings_text(settings, "1", "0")
    for name, path in (("data.path", data), ("train.out", out)):
        if path is not None:
            lines += "\n" + settings_text({name: path}, "1", "0")
    options = memory.struct(
        "souk_train_options", settings=memory.text(lines), resume=resume, force=force
    )
    result = memory.struct("souk_train_result")
    follow = call_followed(lib.souk_train, options, result, callback=callback, message=message)
    stopped = not follow.ended
    return Training(result.steps, result.seconds, number(result.validation), stopped)
