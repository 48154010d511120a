/* SPDX-License-Identifier: Apache-2.0 */
/* The first rows of a log, as texts: what the mapping leaves open is decided by what they have. */
#ifndef SOUK_DETECT_SAMPLE_H
#define SOUK_DETECT_SAMPLE_H

#include "data/rawlog/format/format.h"

enum { SAMPLE_ROWS = 1000, SAMPLE_BYTES = 1 << 20 };

typedef struct {
    int rows, columns;
    Text *value;   /* [rows, columns] without blanks around them; "": missing */
    int64_t *line; /* [rows] of the file */
    LogRows texts; /* memory of the values */
} LogSample;

/* The records that are whole within the first SAMPLE_BYTES of `rows`, at most SAMPLE_ROWS; `line`
 * is the number of the first line. Records that are none are left out. */
Status sample_read(LogSample *sample, const Format *format, const Mapping *m, const LogHead *rows,
                   int64_t line, const LogLayout *layout, const LogColumns *columns);
void sample_close(LogSample *sample); /* safe on {0} */

static inline Text sample_value(const LogSample *s, int row, int column)
{
    return s->value[row * s->columns + column];
}

#endif
