# SPDX-License-Identifier: Apache-2.0
"""Callbacks of long calls."""

from __future__ import annotations

import math
import signal
import threading
from dataclasses import dataclass
from typing import Any, Callable, Optional

from ._call import call, ffi, lib, signals_blocked


@dataclass(frozen=True)
class Progress:
    """How far a call is."""

    stage: str
    """ "train"; during an ingest "reading", "cleaning", "writing"."""
    step: int
    """Steps, bytes or events that are done."""
    total: int
    """Of how many; 0: unknown."""
    seconds: float
    """Since the stage began."""
    loss: Optional[float]
    """Of the last step of a training."""
    validation: Optional[float]
    """NDCG@10 of the last validation, or in a world the mean return of the last round."""
    ended: bool
    """The stage is done."""


Callback = Callable[[Progress], Any]
"""Is called when a stage begins, after each of its steps and at its end. A true value, such as
`return True`, stops the call soon; so does an exception, which then leaves the call."""
MessageCallback = Callable[[str], Any]
"""Receives a remark for people, such as how a column was understood: one or more lines."""


class Follow:
    """Calls the callbacks of one call, from whichever thread souk is in, and keeps the first
    exception."""

    def __init__(
        self, progress: Optional[Callback], message: Optional[MessageCallback], before: set
    ):
        self.progress, self.message, self.before = progress, message, before
        self.thread = threading.get_ident()
        self.failure: Optional[BaseException] = None
        self.report: Optional[str] = None
        self.ended = False
        self.handle = ffi.new_handle(self)

    def fields(self) -> dict[str, Any]:
        """Of an options struct. The progress callback is always set: in it Ctrl-C takes effect."""
        return {
            "progress": lib.souk_python_progress,
            "message": lib.souk_python_message if self.message else ffi.NULL,
            "context": self.handle,
        }

    def run(self, callback: Callable[[], Any]) -> bool:
        """Whether the call should stop. Signals that came meanwhile are delivered here, on the
        thread that called."""
        if self.failure is not None:
            return True
        ours = self.thread == threading.get_ident()
        try:
            if ours:
                signal.pthread_sigmask(signal.SIG_SETMASK, self.before)
            return bool(callback())
        except (
            BaseException
        ) as failure:  # also KeyboardInterrupt: it leaves the call, not the callback
            self.failure = failure
            return True
        finally:
            if ours:
                signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())

    def reraise(self) -> None:
        if self.failure is not None:
            raise self.failure


def number(value: float) -> Optional[float]:
    return None if math.isnan(value) else value


@ffi.def_extern(error=1)
def souk_python_progress(context: Any, p: Any) -> int:
    follow = ffi.from_handle(context)

    def report() -> Any:
        if not follow.progress:
            return False
        return follow.progress(
            Progress(
                stage=ffi.string(p.stage).decode(),
                step=p.step,
                total=p.total,
                seconds=p.seconds,
                loss=number(p.loss),
                validation=number(p.validation),
                ended=bool(p.ended),
            )
        )

    return int(follow.run(report))


@ffi.def_extern()
def souk_python_message(context: Any, text: Any) -> None:
    follow = ffi.from_handle(context)
    follow.run(lambda: follow.message(ffi.string(text).decode("utf-8", "replace")))


@ffi.def_extern()
def souk_python_report(context: Any, text: Any) -> None:
    ffi.from_handle(context).report = ffi.string(text).decode("utf-8")


def call_followed(
    function: Callable[..., int],
    options: Any,
    *results: Any,
    callback: Optional[Callback],
    message: Optional[MessageCallback],
) -> Follow:
    """Calls a function of souk.h that has callbacks. `ended` of what it returns is false where a
    callback stopped it; an exception of a callback is raised again."""
    with signals_blocked() as before:
        follow = Follow(callback, message, before)
        for field, value in follow.fields().items():
            setattr(options, field, value)
        status = call(function, options, *results, accept=lib.SOUK_CANCELLED)
    follow.reraise()
    follow.ended = status == lib.SOUK_OK
    return follow
