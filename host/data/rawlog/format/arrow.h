/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow streams (arrow/table.h), read as the CSV file with the same contents: comma-separated with
 * a header. arrow/column.h says how each value is written in that CSV file. Both have the same
 * columns, the same bad rows and the same duplicates, so the behaviour file is the same. Only the
 * records that detection samples are written as text and read again; all others are turned into
 * rows without that. */
#ifndef SOUK_RAWLOG_ARROW_H
#define SOUK_RAWLOG_ARROW_H

#include "data/rawlog/arrow/table.h"
#include "data/rawlog/format/format.h"

/* Pieces of this format have a range of rows in place of a text. */
extern const Format arrow_format;

/* What a mapping says of how a text is separated does not hold for a stream, and names of columns
 * that count instead of a header's do not where the stream has all of these names. For the first
 * stream of a log. */
Status arrow_set_dialect(Mapping *m, const ArrowTable *table);

/* The beginning of the CSV file, into `out` [size]: the header, and of the rows that wait at most
 * `rows`, as many as there is memory for. Fails where not even the header fits. */
Status arrow_head(const ArrowTable *table, int64_t rows, char *out, size_t size, size_t *length);

/* Refuses columns of types that souk does not read where the layout needs them, and a stream that
 * has not as many columns as the layout. */
Status arrow_check_layout(const ArrowTable *table, const Mapping *m, const LogLayout *layout);

#endif
