# SPDX-License-Identifier: Apache-2.0
"""An open model, and what it says of items."""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Any, Optional, Sequence, Union

import numpy as np

from ._call import Error, Memory, Path, Status, call, ffi, lib
from ._explain import Answer
from ._histories import RECOMMENDATION, Given, History, request_of, whole_numbers


@dataclass(frozen=True)
class Scores:
    """What a model says of items after histories. Every array is [histories, k]."""

    items: np.ndarray
    """Numbers of items, int32; -1 where no item was left to recommend."""
    score: np.ndarray
    """float32: the rank's criterion, that of the rule by which the model acts."""
    probability: np.ndarray
    """float32: softmax of the score over all items; NaN where the rule ranks by Q alone."""
    q: np.ndarray
    """float32: expected return, in the unit of rewards; NaN without a Q head."""
    keys: list
    """For each history a list of the keys of its items; those that there are."""


@dataclass(frozen=True)
class Recommendations(Scores):
    """The best items, in order of falling score."""

    found: np.ndarray
    """[histories] how many items there are, int64: k, or fewer where no more were left."""


Items = Optional[Union[Sequence[Union[str, int]], np.ndarray]]


class Model:
    """A trained model: `run` is the folder of a training or a checkpoint in it, which has all that
    a model needs. `data`, a behaviour file with the catalogue that it was trained on, is wanted for
    its users, and for the runs of earlier versions, whose folders have no catalogue.h5.

    `device` is "cpu", "cuda" or "cuda:N"; `threads` 0 are all processors. `acting` is the rule by
    which the model acts ("policy", "q", "mixed:BETA", "candidates:N", "allowed:SHARE"; None: its
    own). The items of the `exclude_last` last events are not recommended (None: as many as the
    model's rule says).

    Any number of threads may use one model. A model is closed by `close()` or at the end of a
    `with` statement."""

    def __init__(
        self,
        run: Path,
        data: Optional[Path] = None,
        *,
        device: str = "cpu",
        threads: int = 0,
        acting: Optional[str] = None,
        exclude_last: Optional[int] = None,
    ):
        self._closing = threading.Condition()
        self._calls = 0
        self._model = ffi.NULL
        self._items: Optional[list] = None
        memory = Memory()
        options = memory.struct(
            "souk_model_options",
            checkpoint=memory.path(run),
            data=memory.path(data),
            device=memory.text(device),
            threads=threads,
            acting=memory.text(acting),
            exclude_last=-1 if exclude_last is None else exclude_last,
        )
        model = ffi.new("souk_model **")
        call(lib.souk_model_open, options, model)
        self._model = model[0]

    def close(self) -> None:
        """Frees the model once the calls of other threads have ended. A second call does
        nothing."""
        with self._closing:
            model, self._model = self._model, ffi.NULL
            self._closing.wait_for(lambda: self._calls == 0)
        lib.souk_model_close(model)

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: Any) -> None:
        self.close()

    def __del__(self) -> None:
        if getattr(self, "_model", None):
            lib.souk_model_close(self._model)

    def _begin(self) -> Any:
        """The model, which stays open until _end."""
        with self._closing:
            if not self._model:
                raise Error(Status.USAGE, "the model is closed")
            self._calls += 1
            return self._model

    def _end(self) -> None:
        with self._closing:
            self._calls -= 1
            self._closing.notify_all()

    # ---- The catalogue ----

    @property
    def items(self) -> list:
        """The keys of all items; that of item i is items[i]."""
        if self._items is None:
            model = self._begin()
            try:
                count = lib.souk_model_items(model)
                keys = [ffi.string(lib.souk_model_item_key(model, i)) for i in range(count)]
                self._items = [key.decode("utf-8", "surrogateescape") for key in keys]
            finally:
                self._end()
        return self._items

    @property
    def actions(self) -> list:
        """The names of all actions; that of action i is actions[i]."""
        model = self._begin()
        try:
            names = [
                lib.souk_model_action_name(model, i) for i in range(lib.souk_model_actions(model))
            ]
            return [ffi.string(name).decode() for name in names]
        finally:
            self._end()

    @property
    def users(self) -> int:
        """How many users the behaviour file has."""
        model = self._begin()
        try:
            return lib.souk_model_users(model)
        finally:
            self._end()

    def find(self, key: str) -> Optional[int]:
        """The number of the item with this key; None where there is none."""
        model = self._begin()
        try:
            item = lib.souk_model_find_item(model, key.encode("utf-8", "surrogateescape"))
        finally:
            self._end()
        return item if item >= 0 else None

    def _numbers(self, what: str, items: Any) -> np.ndarray:
        """Items that are given by key or by number, as numbers."""
        if isinstance(items, np.ndarray) and items.dtype.kind in "iu":
            return whole_numbers(what, items, np.int32)
        found = np.empty(len(items), np.int32)
        for i, item in enumerate(items):
            number = self.find(item) if isinstance(item, str) else int(item)
            if number is None:
                raise Error(Status.USAGE, f"{what}: the model has no item {item!r}")
            found[i] = number
        return found

    # ---- Recommendations ----

    def _say(self, out: np.ndarray) -> dict:
        keys = self.items
        rows = [[keys[item] for item in row if item >= 0] for row in out["item"].tolist()]
        columns = {name: np.ascontiguousarray(out[name]) for name in ("score", "probability", "q")}
        return {"items": np.ascontiguousarray(out["item"]), "keys": rows, **columns}

    def recommend(
        self,
        histories: Given,
        k: int = 10,
        *,
        include_seen: bool = False,
        allow: Items = None,
        block: Items = None,
        category: Optional[tuple[str, Sequence[int]]] = None,
        cap: Optional[tuple[str, int]] = None,
    ) -> Recommendations:
        """The best k items for each history.

        `histories` is a list, in which each history is a sequence of item keys (or numbers) or a
        History; or a Histories of arrays; or an array [histories, events] of item numbers.
        `include_seen` also recommends items of the history. `allow` lists the only items that may
        be recommended, `block` those that may not, by key or by number. `category`, such as
        ("brand", [3, 7]), allows only items in these rows of a category of the items (`souk info`
        shows the categories; row 0 is "unknown"). `cap`, such as ("brand", 2), takes at most so
        many items of each row into a list, which the next best items fill.

        An event of an item key that the model does not know counts by its action and time alone.

        One call for many histories is much faster than many calls."""
        request = request_of(histories)
        memory = Memory()
        lists: dict[str, Any] = {}
        for name, items in (("allow", allow), ("block", block)):
            if items is None:
                continue
            numbers = self._numbers(name, items)
            memory.kept.append(numbers)
            lists[name] = ffi.cast("int32_t *", numbers.ctypes.data)
            lists[name + "_count"] = len(numbers)
        if category is not None:
            numbers = whole_numbers("the rows of category", list(category[1]), np.int32)
            memory.kept.append(numbers)
            lists["category"] = memory.text(category[0])
            lists["category_row"] = ffi.cast("int32_t *", numbers.ctypes.data)
            lists["category_rows"] = len(numbers)
        if cap is not None:
            lists["cap_category"], lists["cap"] = memory.text(cap[0]), cap[1]
        options = memory.struct("souk_recommend_options", k=k, include_seen=include_seen, **lists)
        count = len(request.array)
        model = self._begin()
        try:
            if not 1 <= k <= lib.souk_model_items(model):
                raise Error(Status.USAGE, f"k is {k}, want 1 to {lib.souk_model_items(model)}")
            out = np.empty((count, k), RECOMMENDATION)
            found = np.empty(count, np.int64)
            call(
                lib.souk_recommend,
                model,
                request.pointer,
                count,
                options,
                ffi.cast("souk_recommendation *", out.ctypes.data),
                ffi.cast("int64_t *", found.ctypes.data),
            )
        finally:
            self._end()
        return Recommendations(found=found, **self._say(out))

    def score(self, histories: Given, items: Any) -> Scores:
        """What the model says of given items: `items` has k items for each history, by key or by
        number, as an array or a list of lists; the answer has the same order."""
        request = request_of(histories)
        count = len(request.array)
        rows = [self._numbers(f"items of history {i}", row) for i, row in enumerate(items)]
        if len(rows) != count or len({len(row) for row in rows}) > 1:
            raise Error(Status.USAGE, f"items are not {count} rows of equal length, one a history")
        if count == 0:
            empty = np.empty((0, 0), RECOMMENDATION)
            return Scores(**self._say(empty))
        item = np.stack(rows)
        model = self._begin()
        try:
            out = np.empty(item.shape, RECOMMENDATION)
            call(
                lib.souk_score,
                model,
                request.pointer,
                count,
                ffi.cast("int32_t *", item.ctypes.data),
                item.shape[1],
                ffi.cast("souk_recommendation *", out.ctypes.data),
            )
        finally:
            self._end()
        return Scores(**self._say(out))

    # ---- Explanations ----

    def explain(
        self,
        history: Union[History, Sequence[Union[str, int]]],
        items: Optional[Sequence[Union[str, int]]] = None,
        *,
        k: int = 5,
        events: int = 50,
    ) -> list:
        """Why the model says of items what it says after one history: an Explanation for each of
        `items`, by key or by number; None: the best `k`, as recommend has them.

        The effects of the last `events` events are exact: for each of them the model reads the
        history without it."""
        if items is None:
            items = self.recommend([history], k).items[0]
            items = items[items >= 0]
        item = self._numbers("items", items)
        if len(item) == 0:
            return []
        keys, actions = self.items, self.actions
        request = request_of([history])
        answer = Answer(len(item), events, len(actions))
        options = Memory().struct(
            "souk_explain_options",
            item=ffi.cast("int32_t *", item.ctypes.data),
            k=len(item),
            events=events,
        )
        model = self._begin()
        try:
            call(lib.souk_explain, model, request.pointer, options, *answer.arguments())
        finally:
            self._end()
        return answer.explanations(keys, actions)
