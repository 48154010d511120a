# SPDX-License-Identifier: Apache-2.0
"""A table with __arrow_c_stream__ that is made here, by ctypes: what souk reads must not depend on
one package's idea of the interface."""

import ctypes

import numpy as np

pointer = ctypes.c_void_p
release_type = ctypes.CFUNCTYPE(None, pointer)


class Schema(ctypes.Structure):
    _fields_ = [
        ("format", ctypes.c_char_p),
        ("name", ctypes.c_char_p),
        ("metadata", ctypes.c_char_p),
        ("flags", ctypes.c_int64),
        ("n_children", ctypes.c_int64),
        ("children", pointer),
        ("dictionary", pointer),
        ("release", release_type),
        ("private_data", pointer),
    ]


class Array(ctypes.Structure):
    _fields_ = [
        *((name, ctypes.c_int64) for name in ("length", "null_count", "offset")),
        *((name, ctypes.c_int64) for name in ("n_buffers", "n_children")),
        *((name, pointer) for name in ("buffers", "children", "dictionary")),
        ("release", release_type),
        ("private_data", pointer),
    ]


get_type = ctypes.CFUNCTYPE(ctypes.c_int, pointer, pointer)


class Stream(ctypes.Structure):
    _fields_ = [
        ("get_schema", get_type),
        ("get_next", get_type),
        ("get_last_error", ctypes.CFUNCTYPE(pointer, pointer)),
        ("release", release_type),
        ("private_data", pointer),
    ]


new_capsule = ctypes.pythonapi.PyCapsule_New
new_capsule.restype = ctypes.py_object
new_capsule.argtypes = [pointer, ctypes.c_char_p, pointer]


def column(values):
    """format and buffers of a list of texts and None, or of an array of numbers."""
    if isinstance(values, np.ndarray):
        return {"i8": b"l", "i4": b"i", "f8": b"g"}[values.dtype.str[1:]], [None, values], 0
    texts = [(value or "").encode() for value in values]
    offsets = np.cumsum([0, *map(len, texts)]).astype(np.int32)
    valid = np.packbits([value is not None for value in values], bitorder="little")
    data = np.frombuffer(b"".join(texts) + b"\0", np.uint8)
    return b"u", [valid, offsets, data], sum(value is None for value in values)


class Table:
    """`columns`: the values of each name, as `column` has them; `batch` rows come at a time."""

    def __init__(self, columns, batch):
        self.columns, self.batch = columns, batch
        self.rows = len(next(iter(columns.values())))
        self.at, self.live, self.fail = 0, 0, False
        self.kept = []  # all that C refers to

    def pointers(self, structs):
        array = (pointer * len(structs))(*(x and ctypes.addressof(x) for x in structs))
        self.kept += [structs, array]
        return ctypes.addressof(array)

    def get_schema(self, _, out):
        children = []
        for name, values in self.columns.items():
            child = Schema(format=column(values)[0], name=name.encode(), release=self.nothing)
            children.append(child)
        schema = Schema.from_address(out)
        schema.format, schema.n_children = b"+s", len(children)
        schema.children, schema.release = self.pointers(children), self.free_schema
        return 0

    def get_next(self, _, out):
        if self.fail:
            return 5
        array = Array.from_address(out)
        ctypes.memset(out, 0, ctypes.sizeof(Array))
        rows = min(self.batch, self.rows - self.at)
        if rows == 0:
            return 0
        children = []
        for values in self.columns.values():
            _, buffers, nulls = column(values[self.at : self.at + rows])
            self.kept.append(buffers)
            data = (pointer * len(buffers))(
                *(b is not None and b.ctypes.data or None for b in buffers)
            )
            self.kept.append(data)
            child = Array(length=rows, null_count=nulls, n_buffers=len(buffers))
            child.buffers, child.release = ctypes.addressof(data), self.nothing
            children.append(child)
        array.length, array.n_buffers, array.n_children = rows, 1, len(children)
        array.buffers = self.pointers([None])
        array.children, array.release = self.pointers(children), self.free_array
        self.at += rows
        self.live += 1
        return 0

    def __arrow_c_stream__(self, requested_schema=None):
        def free_array(at):
            self.live -= 1
            Array.from_address(at).release = release_type()

        def free_schema(at):
            Schema.from_address(at).release = release_type()

        self.nothing, self.free_array = release_type(lambda at: None), release_type(free_array)
        self.free_schema = release_type(free_schema)
        self.stream = Stream(get_type(self.get_schema), get_type(self.get_next))
        self.stream.release = self.nothing
        self.kept.append(self.stream)
        return new_capsule(ctypes.addressof(self.stream), b"arrow_array_stream", None)
