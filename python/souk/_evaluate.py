# SPDX-License-Identifier: Apache-2.0
"""Evaluation: how well a model ranks, and what a policy would have earned."""

from __future__ import annotations

import json
from typing import Any, Callable, Optional, Union

from ._call import Error, Memory, Path, Status, lib
from ._follow import Callback, MessageCallback, call_followed


def report_of(
    name: str,
    function: Callable[..., int],
    options: Any,
    callback: Optional[Callback],
    message: Optional[MessageCallback],
) -> dict:
    options.report = lib.souk_python_report
    follow = call_followed(function, options, callback=callback, message=message)
    if not follow.ended or follow.report is None:
        raise Error(Status.CANCELLED, f"the callback stopped {name}")
    return json.loads(follow.report)


def evaluate(
    data: Path,
    run: Optional[Path] = None,
    *,
    split: str = "test",
    seen: Optional[bool] = None,
    users: int = 0,
    seed: int = 1,
    against: Optional[Path] = None,
    purchase: Optional[str] = None,
    acting: Optional[str] = None,
    exclude_last: Optional[int] = None,
    device: str = "cpu",
    threads: int = 0,
    force: bool = False,
    callback: Optional[Callback] = None,
    message: Optional[MessageCallback] = None,
) -> dict:
    """How well the model `run`, and simple scorers beside it, rank the whole catalogue at every
    event of a split of the behaviour file `data`, as `souk eval` does. Returns the report that its
    option --json writes.

    `against` is another model, such as yesterday's, with which `run` is compared event by event; in
    the report it is model A, and `run` is B.

    `seen` says whether items of the history are candidates (None: by how often users return to
    items). `users` is the size of a random sample of users, drawn by `seed` (0: all). `purchase` is
    the action that counts as a purchase. `force` ranks events that the model has learned. The
    others are as of Model, and `callback` and `message` as of ingest."""
    c = Memory()
    options = c.struct(
        "souk_evaluate_options",
        data=c.path(data),
        checkpoint=c.path(run),
        device=c.text(device),
        threads=threads,
        acting=c.text(acting),
        exclude_last=-1 if exclude_last is None else exclude_last,
        split=c.text(split),
        purchase=c.text(purchase),
        against=c.path(against),
        users=users,
        seed=seed,
        seen=0 if seen is None else 1 if seen else -1,
        force=force,
    )
    return report_of("the evaluation", lib.souk_evaluate, options, callback, message)


def ope(
    data: Path,
    run: Optional[Path] = None,
    *,
    policy: Optional[str] = None,
    probabilities: Optional[Path] = None,
    temperature: float = 1.0,
    epsilon: Optional[float] = None,
    split: Optional[str] = None,
    log: Optional[str] = None,
    catalogue: Optional[Union[int, Path]] = None,
    position: Optional[str] = None,
    gamma: float = 1.0,
    clip: float = 0.0,
    ridge: float = 10.0,
    min_ess: float = 100.0,
    fqe_steps: int = 6000,
    replicates: int = 1000,
    seed: int = 1,
    channels: bool = False,
    acting: Optional[str] = None,
    exclude_last: Optional[int] = None,
    device: str = "cpu",
    threads: int = 0,
    force: bool = False,
    callback: Optional[Callback] = None,
    message: Optional[MessageCallback] = None,
) -> dict:
    """What a policy would have earned, from the behaviour file `data`, a log with propensities of
    another policy, as `souk ope` estimates it. Returns the report that its option --json writes.

    The policy is the model `run`, which draws from softmax(score / temperature), or takes the best
    item and with the probability `epsilon` any item; or a simple one, "uniform", "popularity" or
    "logged"; or has its probabilities in a file, one a line for each event. `man souk-ope` explains
    the other options; `callback` and `message` are as of ingest.

    Where the log overlaps too little with the policy, an Error of Status.FORMAT says so; `force`
    estimates all the same."""
    c = Memory()
    options = c.struct(
        "souk_ope_options",
        data=c.path(data),
        policy=c.text(policy),
        checkpoint=c.path(run),
        probabilities=c.path(probabilities),
        device=c.text(device),
        threads=threads,
        acting=c.text(acting),
        exclude_last=-1 if exclude_last is None else exclude_last,
        temperature=temperature,
        epsilon=-1.0 if epsilon is None else epsilon,
        split=c.text(split),
        log=c.text(log),
        catalogue=c.path(str(catalogue) if isinstance(catalogue, int) else catalogue),
        position=c.text(position),
        gamma=gamma,
        clip=clip,
        ridge=ridge,
        min_ess=min_ess,
        fqe_steps=fqe_steps,
        replicates=replicates,
        seed=seed,
        channels=channels,
        force=force,
    )
    return report_of("the estimate", lib.souk_ope, options, callback, message)
