/* SPDX-License-Identifier: Apache-2.0 */
/* A format of raw logs: how records are found in the text, and how each becomes a row (rows.h).
 * formats.h has the list of all formats. */
#ifndef SOUK_RAWLOG_FORMAT_H
#define SOUK_RAWLOG_FORMAT_H

#include "data/rawlog/rows.h"

/* The first text of a file; the whole file where `last`. */
typedef struct {
    const char *path; /* for messages */
    const char *at;
    size_t length;
    bool last;
} LogHead;

/* Names of a log's columns. */
typedef struct {
    bool none; /* an empty file, of which there is nothing to know */
    int count;
    Text name[LOG_COLUMNS_MAX];
    char *memory;        /* of the names, or NULL; freed by the caller, also after a failure */
    size_t header_bytes; /* at the beginning of the file, which are no rows */
} LogColumns;

typedef struct Format {
    const char *name; /* in [input] format */

    /* Whether a log that begins with this text has this format. NULL: only the mapping says so. */
    bool (*begins)(const char *at, size_t length);

    /* Whether each line end in this text ends a record. NULL: it always does. */
    bool (*is_lines)(const char *at, size_t length, const LogLayout *layout);
    /* The first position after the record that begins at `at`; NULL where the record does not end
     * before `end`. At the end of the input (`last`) a record needs no line end. */
    const char *(*record_end)(const char *at, const char *end, const LogLayout *layout, bool last);

    /* The next three are NULL where records have no named columns but a user and items by their
     * places; then the mapping's columns are ignored. */

    /* The names of the columns, and the dialect into `layout`. */
    Status (*columns)(const LogHead *head, const Mapping *m, LogLayout *layout,
                      LogColumns *columns);
    /* The fields of a row that have the mapping's roles and cells. */
    Status (*layout)(const Mapping *m, const char *path, const LogColumns *columns,
                     LogLayout *layout);
    /* The fields of one record, in order of the columns, into `value` [columns->count] and memory
     * of `texts`; "" for those that it has not. False where it is no record of this format, or is
     * longer than rows_text allows. */
    bool (*fields)(LogRows *texts, const char *record, size_t length, const LogLayout *layout,
                   const LogColumns *columns, Text *value);

    /* The rows of a piece, added to `rows`. Bad ones are counted (rows_bad); fails on lack of
     * memory only. */
    Status (*parse)(LogRows *rows, const Mapping *m, const LogLayout *layout,
                    const LogPiece *piece);
} Format;

#endif
