/* SPDX-License-Identifier: Apache-2.0 */
/* An Arrow stream as a log: batches of rows, handed out as ranges that threads parse independently
 * of each other. A batch stays in memory until its last range is released. The structs of a stream
 * are trusted to be what the ABI says, but for what arrow_column_check looks at.
 *
 * Lines are those of the CSV file with the same contents, so that messages name the same places. */
#ifndef SOUK_ARROW_TABLE_H
#define SOUK_ARROW_TABLE_H

#include "data/rawlog/arrow/column.h"

typedef struct ArrowBatch {
    struct ArrowArray array;
    const struct ArrowTable *table;
    _Atomic int64_t holders; /* ranges that are handed out, and the table */
    struct ArrowBatch *next;
} ArrowBatch;

typedef struct ArrowTable {
    const char *path; /* of the log, for messages */
    struct ArrowArrayStream *stream;
    struct ArrowSchema schema;
    int columns;
    ArrowColumn *column;      /* [columns] */
    ArrowBatch *first, *last; /* what was read from the stream and not handed out whole */
    int64_t batches, row;     /* how many were read; the next row of the first one */
    int64_t bytes;            /* of the buffers that were handed out, about */
    bool ended;
} ArrowTable;

/* Rows first .. first + rows - 1 of a batch. */
typedef struct {
    ArrowBatch *batch; /* NULL: none */
    int64_t first, rows;
} ArrowRange;

/* Reads the types of the columns. The stream stays the caller's, who releases it after the table
 * was closed. */
Status arrow_table_open(ArrowTable *table, struct ArrowArrayStream *stream, const char *path);
/* No range may be in use. */
void arrow_table_close(ArrowTable *table); /* safe on {0} */

/* Reads batches until `rows` rows are waiting or the stream has ended; *waiting is how many are. */
Status arrow_table_read(ArrowTable *table, int64_t rows, int64_t *waiting);
/* The next rows of the first batch that waits, which must have rows: as many as make a good piece.
 * *lines is how many lines they are. */
void arrow_table_next(ArrowTable *table, ArrowRange *range, int64_t *lines);
void arrow_table_release(ArrowRange *range); /* safe on {0}; any thread */

#endif
