# SPDX-License-Identifier: Apache-2.0
"""Histories of shoppers, as Python has them and as souk.h wants them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Iterable, Optional, Sequence, Union

import numpy as np

from ._call import Error, Memory, Status, ffi


@dataclass
class History:
    """What one shopper did, oldest event first; or, without items, the events of `user` in the
    behaviour file."""

    items: Sequence[Union[str, int]] = ()
    """By key (text) or by number."""
    actions: Optional[Sequence[Union[str, int]]] = None
    """By name (text) or by number; None: each event has action 0."""
    times: Optional[Any] = None
    """Milliseconds since 1970-01-01 UTC or datetime64, in rising order; None: a minute apart."""
    user: Optional[Union[str, int]] = None
    """A user of the behaviour file, whose profile is read: by key (text) or by number."""


@dataclass
class Histories:
    """Many histories as arrays: events offsets[i] to offsets[i + 1] - 1 are those of history i."""

    items: Any
    """[events] numbers of items."""
    offsets: Any
    """[histories + 1], from 0 on."""
    actions: Optional[Any] = None
    """[events] numbers of actions; None: each event has action 0."""
    times: Optional[Any] = None
    """[events] milliseconds since 1970-01-01 UTC or datetime64; None: a minute apart."""
    users: Optional[Any] = None
    """[histories] numbers of users of the behaviour file, -1: none."""


Given = Union[Histories, "np.ndarray", Iterable[Union[History, Sequence[Union[str, int]]]]]


def pointer_type(name: str) -> np.dtype:
    """A struct of C as a type of NumPy; a pointer is a number."""
    c = ffi.typeof(name)
    numbers = {"int64_t": "i8", "int32_t": "i4", "int": "i4", "float": "f4"}
    formats = ["u8" if f.type.kind == "pointer" else numbers[f.type.cname] for _, f in c.fields]
    return np.dtype(
        {
            "names": [field_name for field_name, _ in c.fields],
            "formats": formats,
            "offsets": [f.offset for _, f in c.fields],
            "itemsize": ffi.sizeof(c),
        }
    )


HISTORY = pointer_type("souk_history")
RECOMMENDATION = pointer_type("souk_recommendation")


def whole_numbers(what: str, values: Any, kind: Any) -> np.ndarray:
    """A contiguous array of one dimension; no number changes on the way."""
    array = np.asarray(values)
    if array.size == 0:
        array = array.astype(kind)
    if array.ndim != 1 or array.dtype.kind not in "iu":
        raise Error(
            Status.USAGE,
            f"{what} has {array.ndim} dimensions of {array.dtype}, want one of whole numbers",
        )
    low, high = np.iinfo(kind).min, np.iinfo(kind).max
    if array.size and (int(array.min()) < low or int(array.max()) > high):
        raise Error(Status.USAGE, f"{what} has numbers outside of {low} to {high}")
    return np.ascontiguousarray(array, kind)


def milliseconds(what: str, values: Any) -> np.ndarray:
    array = np.asarray(values)
    if array.dtype.kind == "M":
        array = array.astype("datetime64[ms]").view(np.int64)
    return whole_numbers(what, array, np.int64)


@dataclass
class Request:
    """Histories as souk.h wants them: `array` has a souk_history each and refers to `kept`."""

    array: np.ndarray
    kept: list = field(default_factory=list)

    @property
    def pointer(self) -> Any:
        return ffi.cast("souk_history *", self.array.ctypes.data)


def sized(what: str, array: np.ndarray, size: int) -> np.ndarray:
    if len(array) != size:
        raise Error(Status.USAGE, f"{what} has {len(array)} elements, want {size}")
    return array


def of_arrays(h: Histories) -> Request:
    items = whole_numbers("items", h.items, np.int32)
    offsets = whole_numbers("offsets", h.offsets, np.int64)
    lengths = np.diff(offsets)
    if len(offsets) < 1 or offsets[0] != 0 or offsets[-1] != len(items) or (lengths < 0).any():
        raise Error(Status.USAGE, f"offsets do not rise from 0 to the {len(items)} events of items")
    request = Request(np.zeros(len(lengths), HISTORY), [items])
    array, starts = request.array, offsets[:-1].astype(np.uint64)
    array["count"] = lengths
    array["item"] = items.ctypes.data + 4 * starts
    if h.actions is not None:
        actions = sized("actions", whole_numbers("actions", h.actions, np.int32), len(items))
        array["action"] = actions.ctypes.data + 4 * starts
        request.kept.append(actions)
    if h.times is not None:
        times = sized("times", milliseconds("times", h.times), len(items))
        array["time_ms"] = times.ctypes.data + 8 * starts
        request.kept.append(times)
    if h.users is not None:
        users = sized("users", whole_numbers("users", h.users, np.int64), len(lengths))
        array["user"] = users
        array["has_user"] = users >= 0
    return request


def all_text(values: Sequence[Any]) -> bool:
    return all(isinstance(value, str) for value in values)


def of_list(histories: list) -> Request:
    memory = Memory()
    request = Request(np.zeros(len(histories), HISTORY), memory.kept)

    def texts(values: Sequence[str]) -> int:
        pointers = memory.array("char *[]", [memory.text(value) for value in values])
        return int(ffi.cast("uintptr_t", pointers))

    def numbers(what: str, values: Any, kind: Any) -> int:
        memory.kept.append(whole_numbers(what, values, kind))
        return memory.kept[-1].ctypes.data

    for i, given in enumerate(histories):
        if isinstance(given, str):
            raise Error(Status.USAGE, f"history {i} is a text, want a sequence of items")
        h = given if isinstance(given, History) else History(given)
        row, size = request.array[i], len(h.items)
        row["count"] = size
        if size and all_text(h.items):
            row["item_key"] = texts(h.items)
        elif size:
            row["item"] = numbers(f"history {i}: items", h.items, np.int32)
        if h.actions is not None:
            sized(f"history {i}: actions", h.actions, size)
            if size and all_text(h.actions):
                row["action_name"] = texts(h.actions)
            elif size:
                row["action"] = numbers(f"history {i}: actions", h.actions, np.int32)
        if h.times is not None and size:
            times = milliseconds(f"history {i}: times", h.times)
            row["time_ms"] = numbers("times", sized(f"history {i}: times", times, size), np.int64)
        if isinstance(h.user, str):
            row["user_key"] = int(ffi.cast("uintptr_t", memory.text(h.user)))
        elif h.user is not None:
            row["user"], row["has_user"] = h.user, 1
    return request


def request_of(histories: Given) -> Request:
    if isinstance(histories, np.ndarray) and histories.ndim == 2:
        count, length = histories.shape
        offsets = np.arange(count + 1, dtype=np.int64) * length
        histories = Histories(histories.ravel(), offsets)
    if isinstance(histories, Histories):
        return of_arrays(histories)
    if isinstance(histories, (str, History)):
        raise Error(Status.USAGE, "the histories are one history, want a list of histories")
    return of_list(list(histories))
