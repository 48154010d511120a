/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/detect/sample.h"

#include <stdlib.h>
#include <string.h>

static int64_t lines_between(const char *at, const char *end)
{
    int64_t lines = 0;
    while ((at = memchr(at, '\n', (size_t)(end - at)))) lines++, at++;
    return lines;
}

/* One record more, where it is one. */
static void add_record(LogSample *s, const Format *format, const Mapping *m, const char *at,
                       const char *end, int64_t line, const LogLayout *layout,
                       const LogColumns *columns)
{
    Text *value = s->value + s->rows * s->columns;
    while (end > at && (end[-1] == '\n' || end[-1] == '\r')) end--;
    if (end == at) return;
    if (!format->fields(&s->texts, at, (size_t)(end - at), layout, columns, value)) return;
    for (int c = 0; c < s->columns; c++) {
        value[c] = text_trim(value[c]);
        if (mapping_is_missing(m, value[c])) value[c].length = 0;
    }
    s->line[s->rows++] = line;
}

Status sample_read(LogSample *s, const Format *format, const Mapping *m, const LogHead *rows,
                   int64_t line, const LogLayout *layout, const LogColumns *columns)
{
    const char *at = rows->at, *end = at + rows->length;
    *s = (LogSample){.columns = columns->count};
    TRY(rows_begin(&s->texts));
    s->value = calloc((size_t)(SAMPLE_ROWS * s->columns) + 1, sizeof *s->value);
    s->line = calloc(SAMPLE_ROWS, sizeof *s->line);
    if (!s->value || !s->line) return FAIL(ERR_MEMORY, "%s: no memory for a sample", rows->path);
    for (const char *next; s->rows < SAMPLE_ROWS && at < end && at - rows->at < SAMPLE_BYTES;
         at = next) {
        next = format->record_end(at, end, layout, rows->last);
        if (!next) break;
        add_record(s, format, m, at, next, line, layout, columns);
        line += lines_between(at, next);
    }
    return OK;
}

void sample_close(LogSample *s)
{
    rows_close(&s->texts);
    free(s->value);
    free(s->line);
    *s = (LogSample){0};
}
