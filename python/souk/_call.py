# SPDX-License-Identifier: Apache-2.0
"""How every function of souk.h is called, and how its failures become exceptions."""

from __future__ import annotations

import contextlib
import enum
import os
import signal
from typing import Any, Callable, Iterator, Mapping, Optional, Union

from ._souk import ffi, lib

version: str = ffi.string(lib.souk_version()).decode()
"""The version of souk, "MAJOR.MINOR.PATCH"."""


class Status(enum.IntEnum):
    """Kinds of failures; the values are those of souk_status in souk.h."""

    USAGE = lib.SOUK_ERROR_USAGE
    IO = lib.SOUK_ERROR_IO
    FORMAT = lib.SOUK_ERROR_FORMAT
    MEMORY = lib.SOUK_ERROR_MEMORY
    DEVICE = lib.SOUK_ERROR_DEVICE
    RANKS = lib.SOUK_ERROR_RANKS
    CANCELLED = lib.SOUK_CANCELLED


class Error(Exception):
    """A call failed. `status` says what kind of failure it is, the text what was found and what was
    wanted."""

    def __init__(self, status: int, message: str):
        super().__init__(message)
        self.status = Status(status)


@contextlib.contextmanager
def signals_blocked() -> Iterator[set]:
    """Blocks signals on this thread, because souk moves its stack pointer for some time (souk.h
    says when). Gives the signals that were blocked before."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
    try:
        yield before
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def call(function: Callable[..., int], *arguments: Any, accept: int = lib.SOUK_OK) -> int:
    """Calls a function whose last argument is a souk_error *. Returns its status, SOUK_OK or
    `accept`."""
    error = ffi.new("souk_error *")
    with signals_blocked():
        status = function(*arguments, error)
    if status not in (lib.SOUK_OK, accept):
        raise Error(status, ffi.string(error.message).decode("utf-8", "replace"))
    return status


Path = Union[str, "os.PathLike[str]"]


class Memory:
    """Owns C memory until the end of a call: cffi frees what nothing in Python refers to."""

    def __init__(self) -> None:
        self.kept: list[Any] = []

    def text(self, text: Optional[str]) -> Any:
        """A char *; NULL for None."""
        if text is None:
            return ffi.NULL
        if "\0" in text:
            raise Error(Status.USAGE, f"the text {text!r} has a NUL byte")
        self.kept.append(ffi.new("char[]", text.encode()))
        return self.kept[-1]

    def path(self, path: Optional[Path]) -> Any:
        return self.text(None if path is None else os.fspath(path))

    def array(self, type_name: str, values: list) -> Any:
        self.kept.append(ffi.new(type_name, values))
        return self.kept[-1]

    def struct(self, name: str, **fields: Any) -> Any:
        """A struct with its ..._INIT value and then these fields, as a pointer."""
        struct = ffi.new(name + " *", getattr(lib, name + "_init")())
        for field, value in fields.items():
            setattr(struct, field, value)
        self.kept.append(struct)
        return struct


Settings = Optional[Mapping[str, Any]]


def settings_text(settings: Settings, yes: str, no: str) -> str:
    """{"train.steps": 30} or {"train": {"steps": 30}} as lines section.key=value."""
    lines = []

    def add(name: str, value: Any) -> None:
        if isinstance(value, Mapping):
            for key, inner in value.items():
                add(f"{name}.{key}" if name else key, inner)
            return
        if isinstance(value, bool):
            value = yes if value else no
        if isinstance(value, (list, tuple)):
            value = ",".join(map(str, value))
        line = f"{name}={value}"
        if "\n" in line:
            raise Error(Status.USAGE, f"the setting {line!r} has a line end, want one line")
        lines.append(line)

    add("", settings or {})
    return "\n".join(lines)
