/* SPDX-License-Identifier: Apache-2.0 */
/* A column of an Arrow table: its type, and its values as the texts that a CSV file has in their
 * place. True is 1 and false is 0. Null and NaN are the empty text, which is a missing value. */
#ifndef SOUK_ARROW_COLUMN_H
#define SOUK_ARROW_COLUMN_H

#include "base/status.h"
#include "data/rawlog/arrow/abi.h"
#include "data/rawlog/arrow/digits.h"
#include "data/rawlog/text.h"

typedef enum {
    ARROW_OTHER, /* a type that souk does not read */
    ARROW_NULL,
    ARROW_BOOL,
    ARROW_INT,
    ARROW_UINT,
    ARROW_FLOAT,
    ARROW_DOUBLE,
    ARROW_DECIMAL,
    ARROW_TEXT,
    ARROW_LARGE_TEXT,
    ARROW_TEXT_VIEW,
    ARROW_TIME,
    ARROW_DATE,
    ARROW_DICTIONARY
} ArrowKind;

typedef struct ArrowColumn {
    const char *name, *format; /* of the schema */
    ArrowKind kind;
    int bytes;          /* of a value of fixed size */
    int64_t per_second; /* of times: their unit */
    bool utc;           /* of times: they have a time zone, and are of UTC */
    int scale;          /* of decimals */
    bool is_text;       /* values are views of the column's memory; others are written as digits */
    struct ArrowColumn *value; /* of a dictionary: its values; `bytes` is of an index */
    bool index_signed;
} ArrowColumn;

/* The column's type. A type that souk does not read is no failure: ARROW_OTHER, whose values are
 * all missing. The schema must outlive the column. */
Status arrow_column_open(ArrowColumn *column, const struct ArrowSchema *schema);
void arrow_column_close(ArrowColumn *column); /* safe on {0} */

/* Checks that values have the buffers of the type, and at least `rows` of them. `batch` counts from
 * 0 and is for the message. */
Status arrow_column_check(const ArrowColumn *column, const struct ArrowArray *values, int64_t rows,
                          const char *path, int64_t batch);

/* The text of a value. It is in the column's memory, or in `digits` [DIGITS_MAX]. */
Text arrow_column_text(const ArrowColumn *column, const struct ArrowArray *values, int64_t row,
                       char *digits);

/* Whether no value has a line end, as far as a glance shows: false where one may have. */
bool arrow_column_is_lines(const ArrowColumn *column, const struct ArrowArray *values,
                           int64_t first, int64_t rows);

#endif
