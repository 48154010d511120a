/* SPDX-License-Identifier: Apache-2.0 */
/* A log of one or more files as pieces of whole records, in order of the input. */
#ifndef SOUK_RAWLOG_PIECES_H
#define SOUK_RAWLOG_PIECES_H

#include "data/rawlog/arrow/table.h"
#include "data/rawlog/detect/uses.h"
#include "data/rawlog/input.h"

enum {
    PIECE_BYTES = 1 << 20, /* smaller ones wake threads more often than they spare the caches */
    PIECE_BYTES_MAX = PIECE_BYTES + RECORD_BYTES_MAX
};

/* The files of a log; or Arrow streams, and then the paths are names for messages. */
typedef struct {
    const char *const *path;                 /* [files] */
    struct ArrowArrayStream *const *streams; /* [files], or NULL */
    int files;
} LogInputs;

typedef struct {
    Mapping *m;
    ColumnUses *uses;
    LogInputs inputs;
    int file;          /* number of the file that is being read; inputs.files after the last */
    LogFile *input;    /* NULL: none is open, or a stream */
    ArrowTable *table; /* [files], where the inputs are streams */
    bool is_open;
    LogLayout layout;
    int64_t line, closed_bytes; /* line: of the first byte of `rest` */
    char *window, *rest;        /* rest: what was read into the window and not handed out yet */
    size_t rest_length;
    bool input_ended;
    _Atomic int64_t position;
} Pieces;

/* Opens the first file and completes the mapping from it: format, delimiter, columns, time unit,
 * then detect_finish. `uses` receives what becomes of the columns; columns of later files are added
 * as they are opened. What `inputs` points to, `m` and `uses` must outlive the pieces. */
Status pieces_open(Pieces *p, Mapping *m, const LogInputs *inputs, ColumnUses *uses);
/* The next piece, copied into `buffer` [PIECE_BYTES_MAX], and the layout of its records; length 0
 * after the last. A line that is too long is skipped, and a piece of its own says so. Opens one
 * file after the other. The piece of a stream keeps its rows in memory until arrow_table_release
 * with its range, which must come before pieces_close. */
Status pieces_next(Pieces *p, char *buffer, LogPiece *piece, LogLayout *layout);
/* Raw (still compressed) bytes read so far, in all files, and of streams about the bytes of their
 * values; any thread may ask. */
int64_t pieces_position(const Pieces *p);
void pieces_close(Pieces *p); /* safe on {0} */

#endif
