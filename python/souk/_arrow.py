# SPDX-License-Identifier: Apache-2.0
"""Tables of other packages, by the Arrow C stream interface: no text and no copy between them."""

from __future__ import annotations

import ctypes
from typing import Any

from ._call import Error, Memory, Status, ffi

get_pointer = ctypes.pythonapi.PyCapsule_GetPointer
get_pointer.restype = ctypes.c_void_p
get_pointer.argtypes = [ctypes.py_object, ctypes.c_char_p]


def is_table(value: Any) -> bool:
    return hasattr(value, "__arrow_c_stream__")


def refuse_other(value: Any) -> None:
    """Fails where a value is neither a path nor a table, and says what may help."""
    kind = f"{type(value).__module__}.{type(value).__qualname__}"
    hint = ""
    if kind.startswith("pandas."):
        hint = "; pandas has it from version 2.2 on, and pyarrow.Table.from_pandas makes one"
    raise Error(
        Status.USAGE, f"an input is a {kind}, want a path or a table with __arrow_c_stream__{hint}"
    )


def stream_of(table: Any, memory: Memory) -> Any:
    """A struct ArrowArrayStream *; its capsule, which releases it, lives as long as `memory`."""
    capsule = table.__arrow_c_stream__()
    memory.kept.append(capsule)
    return ffi.cast("struct ArrowArrayStream *", get_pointer(capsule, b"arrow_array_stream"))
