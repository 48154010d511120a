# SPDX-License-Identifier: Apache-2.0
"""Why a model says of an item what it says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Optional

import numpy as np

from ._call import ffi, lib
from ._follow import number

TERMS = ("state", "taste", "together", "popularity", "seen", "network", "pointer")
assert len(TERMS) == lib.SOUK_TERMS


@dataclass(frozen=True)
class Evidence:
    """What the log has of the explained item and an item of the history, without the user's own
    events where the history is one of the file: `next` of the `times` events of `item` had the
    explained item right behind them."""

    before: int
    """The event of the history, so many before its last: 0 is the last event."""
    item: str
    times: int
    next: int


@dataclass(frozen=True)
class Effects:
    """How the last events of the history change what the model says of the item: the numbers after
    the whole history less those after the history without the event. Element j is for the event j
    before the last one; NaN where there is no such event, or the model does not read it, and where
    the model does not have the number. Arrays of float64."""

    score: np.ndarray
    """The logarithm of the probability, or Q where the model acts by Q alone."""
    log_probability: np.ndarray
    """Of the policy."""
    q: np.ndarray
    """In the unit of rewards."""


@dataclass(frozen=True)
class Explanation:
    """Of the policy's probability of an item learned taste has the part `taste` and counts of what
    followed what the part `counts`; they add up to exp(log_probability). Numbers that the model
    does not have are None."""

    item: str
    score: Optional[float]
    """The logarithm of the probability that recommend gives, or Q where the model acts by Q."""
    log_probability: Optional[float]
    q: Optional[float]
    taste: Optional[float]
    counts: Optional[float]
    taste_score: Optional[float]
    """The logit by which learned taste scores the item: the sum of taste_terms."""
    taste_terms: dict
    """"history": of the item after this history, "item": after any."""
    counts_score: Optional[float]
    """The logit by which counts score the item, None where they do not propose it: the sum of
    counts_terms."""
    counts_terms: dict
    """By name, as souk_term in souk.h describes them; empty where counts do not propose the
    item."""
    seen: bool
    """Counts know it as an item of the history."""
    effects: Effects
    item_effects: Effects
    """The same for all events that have the item of the event, together: where an item is in the
    history several times, its events one by one may have no effect."""
    evidence: list
    """The strongest three, Evidence."""
    answers: Optional[dict]
    """The probability of each action as the answer to showing the item; None without an outcome
    head."""


def evidence_of(x: Any, keys: list) -> list:
    found = [x.evidence[n] for n in range(x.evidence_count)]
    return [Evidence(e.before, keys[e.item], e.times, e.next) for e in found]


def effects_of(numbers: np.ndarray) -> Effects:
    return Effects(*(np.ascontiguousarray(numbers[:, n]) for n in range(3)))


def explanation_of(
    x: Any, effects: tuple, answers: np.ndarray, keys: list, actions: list
) -> Explanation:
    known = number(x.counts_score) is not None
    return Explanation(
        item=keys[x.item],
        **{
            name: number(getattr(x, name))
            for name in ("score", "log_probability", "q", "taste", "counts", "taste_score")
        },
        taste_terms={"history": number(x.taste_history), "item": number(x.taste_item)},
        counts_score=number(x.counts_score),
        counts_terms=dict(zip(TERMS, x.counts_term)) if known else {},
        seen=bool(x.seen),
        effects=effects_of(effects[0]),
        item_effects=effects_of(effects[1]),
        evidence=evidence_of(x, keys),
        answers=None if np.isnan(answers).any() else dict(zip(actions, answers.tolist())),
    )


class Answer:
    """The arrays that souk_explain() fills."""

    def __init__(self, items: int, events: int, actions: int):
        self.out = ffi.new("souk_explanation[]", items)
        self.effect = np.empty((items, max(events, 0), 3), np.float64)
        self.together = np.empty_like(self.effect)
        self.answer = np.empty((items, actions), np.float32)

    def arguments(self) -> tuple:
        return (
            self.out,
            ffi.cast("souk_effect *", self.effect.ctypes.data),
            ffi.cast("souk_effect *", self.together.ctypes.data),
            ffi.cast("float *", self.answer.ctypes.data),
        )

    def explanations(self, keys: list, actions: list) -> list:
        return [
            explanation_of(
                x, (self.effect[i], self.together[i]), self.answer[i], keys, actions
            )
            for i, x in enumerate(self.out)
        ]
