# SPDX-License-Identifier: Apache-2.0
"""Ingest: a raw log becomes a behaviour file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any, Iterable, Optional, Union

from ._arrow import is_table, refuse_other, stream_of
from ._call import Error, Memory, Path, Settings, Status, ffi, lib, settings_text
from ._follow import Callback, MessageCallback, call_followed


@dataclass(frozen=True)
class Ingest:
    """What an ingest did. The file has the whole report: `souk info FILE`."""

    rows: int
    """Of all inputs, with the bad rows."""
    bad_rows: int
    """Rows that were left out."""
    users: int
    items: int
    events: int
    seconds: float


def log_of(inputs: Any) -> list:
    """The inputs as a list, either of paths or of tables."""
    one = is_table(inputs) or isinstance(inputs, (str, os.PathLike))
    if not one and (hasattr(inputs, "columns") or not isinstance(inputs, Iterable)):
        refuse_other(inputs)
    logs = [inputs] if one else list(inputs)
    tables = sum(map(is_table, logs))
    for log in logs:
        if not is_table(log) and not isinstance(log, (str, os.PathLike)):
            refuse_other(log)
    if 0 < tables < len(logs):
        raise Error(Status.USAGE, "the inputs are paths and tables, want all of one kind")
    return logs


def ingest(
    inputs: Union[Path, Any, Iterable[Union[Path, Any]]],
    output: Path,
    *,
    map: Optional[Path] = None,
    settings: Settings = None,
    catalogue: Optional[Path] = None,
    key_file: Optional[Path] = None,
    directory: Optional[Path] = None,
    memory: int = 0,
    threads: int = 0,
    plain_keys: bool = False,
    strict: bool = False,
    force: bool = False,
    compress: bool = False,
    callback: Optional[Callback] = None,
    message: Optional[MessageCallback] = None,
) -> Ingest:
    """Cleans a log and writes it as the behaviour file `output`, as `souk ingest` does.

    `inputs` is a file or a list of files: CSV, TSV, JSON lines or sequences, also as .gz, .zst or
    .xz. Or it is a table or a list of tables that have __arrow_c_stream__, as those of pandas (from
    2.2 on), Polars, DuckDB and pyarrow: souk reads their memory, and makes the file that it makes
    of a CSV file with the same contents. In messages row 1 of a table is line 2.

    `map` is a file that says which column is what, or the name of a preset, such as "retailrocket";
    without it the names of the columns say so. `settings` change the map:
    {"columns.user": "visitor"} or {"columns": {"user": "visitor"}}.

    `catalogue` is a run's folder or a behaviour file, whose catalogue the log grows: known items
    keep their rows, and new ones come behind.

    `memory` is in bytes (0: 2 GiB); `threads` 0 are all processors; `plain_keys` keeps the keys of
    users instead of pseudonyms; `strict` fails at the first bad row instead of counting it; `force`
    replaces the output.

    `callback` gets a Progress, also on other threads. Where it returns a true value, the call ends
    with an Error of Status.CANCELLED. The output appears whole or not at all. `message` gets
    remarks for people."""
    c = Memory()
    logs, streams = log_of(inputs), None
    if logs and is_table(logs[0]):
        streams = c.array("struct ArrowArrayStream *[]", [stream_of(log, c) for log in logs])
        logs = [f"table {i + 1}" for i in range(len(logs))] if len(logs) > 1 else ["table"]
    options = c.struct(
        "souk_ingest_options",
        inputs=c.array("char *[]", [c.path(log) for log in logs]),
        input_count=len(logs),
        streams=streams or ffi.NULL,
        output=c.path(output),
        map=c.path(map),
        settings=c.text(settings_text(settings, "yes", "no")),
        catalogue=c.path(catalogue),
        key_file=c.path(key_file),
        directory=c.path(directory),
        memory=memory,
        threads=threads,
        plain_keys=plain_keys,
        strict=strict,
        force=force,
        compress=compress,
    )
    result = c.struct("souk_ingest_result")
    follow = call_followed(lib.souk_ingest, options, result, callback=callback, message=message)
    if not follow.ended:
        raise Error(Status.CANCELLED, f"the callback stopped the ingest of {output}")
    return Ingest(
        result.rows, result.bad_rows, result.users, result.items, result.events, result.seconds
    )
