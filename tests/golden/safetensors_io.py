# SPDX-License-Identifier: Apache-2.0
"""Reads and writes safetensors with numpy alone: 8 bytes of header length, a JSON header, the
data."""
import json
import struct

import numpy as np

DTYPES = {
    "F32": np.float32,
    "F64": np.float64,
    "I32": np.int32,
    "I64": np.int64,
    "U8": np.uint8,
    "BF16": np.uint16,
}
NAMES = {np.dtype(v): k for k, v in DTYPES.items()}


def header(path):
    """{name: {"dtype", "shape", "data_offsets"}} and "__metadata__", without the data."""
    with open(path, "rb") as f:
        (length,) = struct.unpack("<Q", f.read(8))
        return json.loads(f.read(length))


def load(path):
    """-> ({name: array}, {key: string})"""
    tensors, data = header(path), np.memmap(path, np.uint8, "r")
    meta, start = tensors.pop("__metadata__", {}), 8 + int(data[:8].view("<u8")[0])
    for name, t in tensors.items():
        first, last = t["data_offsets"]
        tensors[name] = data[start + first : start + last].tobytes()
        tensors[name] = np.frombuffer(tensors[name], DTYPES[t["dtype"]]).reshape(t["shape"])
        if t["dtype"] == "BF16":  # numpy has none: the upper half of a float32
            tensors[name] = (tensors[name].astype(np.uint32) << 16).view(np.float32)
    return tensors, meta


def save(path, tensors, meta):
    """Tensors in the given order; each starts at a multiple of its element's size (widest
    first)."""
    header, data, offset = {"__metadata__": {k: str(v) for k, v in meta.items()}}, [], 0
    for name, a in sorted(tensors.items(), key=lambda t: -np.asarray(t[1]).itemsize):
        a = np.ascontiguousarray(a)
        header[name] = {
            "dtype": NAMES[a.dtype],
            "shape": list(np.shape(tensors[name])),
            "data_offsets": [offset, offset + a.nbytes],
        }
        offset += a.nbytes
        data.append(a.tobytes())
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with open(path, "wb") as f:
        f.write(struct.pack("<Q", len(text)) + text + b"".join(data))
