/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/arrow/table.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/rawlog/mapping.h"

/* A range has at most so many values, whose digits are a few hundred kilobytes. */
enum { RANGE_VALUES = 1 << 15, RANGE_ROWS_MIN = 128 };

/* ---- The stream ------------------------------------------------------------------------------ */

static Status stream_failed(const ArrowTable *t, int code)
{
    const char *why = t->stream->get_last_error ? t->stream->get_last_error(t->stream) : NULL;
    return FAIL(ERR_IO, "%s: the Arrow stream failed: %s", t->path, why ? why : strerror(code));
}

static Status open_columns(ArrowTable *t)
{
    const struct ArrowSchema *s = &t->schema;
    if (!s->format || strcmp(s->format, "+s") != 0 || s->n_children < 1)
        return FAIL(ERR_FORMAT,
                    "%s: the Arrow stream has the type \"%s\" with %" PRId64
                    " columns, want a table (\"+s\") with one or more",
                    t->path, s->format ? s->format : "", s->n_children);
    if (s->n_children > LOG_COLUMNS_MAX)
        return FAIL(ERR_FORMAT, "%s: the Arrow stream has %" PRId64 " columns, want at most %d",
                    t->path, s->n_children, LOG_COLUMNS_MAX);
    t->column = calloc((size_t)s->n_children, sizeof *t->column);
    if (!t->column) return FAIL(ERR_MEMORY, "%s: no memory for its columns", t->path);
    t->columns = (int)s->n_children;
    for (int c = 0; c < t->columns; c++) TRY(arrow_column_open(&t->column[c], s->children[c]));
    return OK;
}

Status arrow_table_open(ArrowTable *t, struct ArrowArrayStream *stream, const char *path)
{
    *t = (ArrowTable){.path = path, .stream = stream};
    if (!stream->release)
        return FAIL(ERR_USAGE, "%s: the Arrow stream was released already, want a new one", path);
    const int code = stream->get_schema(stream, &t->schema);
    if (code) return t->schema.release = NULL, stream_failed(t, code);
    return open_columns(t);
}

/* ---- Batches --------------------------------------------------------------------------------- */

static void release_batch(ArrowBatch *b)
{
    if (!b || --b->holders) return;
    if (b->array.release) b->array.release(&b->array);
    free(b);
}

static Status check_batch(const ArrowTable *t, const struct ArrowArray *a)
{
    const int64_t batch = t->batches;
    if (a->n_children != t->columns || a->length < 0 || a->offset < 0)
        return FAIL(ERR_FORMAT,
                    "%s: batch %" PRId64 " has %" PRId64 " columns of %" PRId64
                    " rows, want %d columns",
                    t->path, batch, a->n_children, a->length, t->columns);
    for (int c = 0; c < t->columns; c++)
        TRY(arrow_column_check(&t->column[c], a->children[c], a->offset + a->length, t->path,
                               batch));
    return OK;
}

static Status read_batch(ArrowTable *t)
{
    ArrowBatch *b = calloc(1, sizeof *b);
    if (!b) return FAIL(ERR_MEMORY, "%s: no memory for a batch", t->path);
    b->holders = 1;
    b->table = t;
    const int code = t->stream->get_next(t->stream, &b->array);
    if (code) b->array.release = NULL;
    Status st = code ? stream_failed(t, code) : OK;
    t->ended = code || !b->array.release;
    if (st == OK && !t->ended) st = check_batch(t, &b->array);
    if (st != OK || t->ended || b->array.length == 0) {
        release_batch(b);
        return st;
    }
    *(t->last ? &t->last->next : &t->first) = b;
    t->last = b;
    t->batches++;
    return OK;
}

Status arrow_table_read(ArrowTable *t, int64_t rows, int64_t *waiting)
{
    *waiting = -t->row;
    for (const ArrowBatch *b = t->first; b; b = b->next) *waiting += b->array.length;
    while (*waiting < rows && !t->ended) {
        const ArrowBatch *before = t->last;
        TRY(read_batch(t));
        if (t->last != before) *waiting += t->last->array.length;
    }
    return OK;
}

/* ---- Ranges ---------------------------------------------------------------------------------- */

static int64_t line_ends(Text t)
{
    int64_t ends = 0;
    for (uint32_t i = 0; i < t.length; i++) ends += t.at[i] == '\n';
    return ends;
}

static int64_t count_lines(const ArrowTable *t, const ArrowRange *r)
{
    const struct ArrowArray *a = &r->batch->array;
    int64_t lines = r->rows;
    for (int c = 0; c < t->columns; c++) {
        const ArrowColumn *column = &t->column[c];
        const int64_t first = a->offset + r->first;
        if (arrow_column_is_lines(column, a->children[c], first, r->rows)) continue;
        for (int64_t i = first; i < first + r->rows; i++)
            lines += line_ends(arrow_column_text(column, a->children[c], i, NULL));
    }
    return lines;
}

void arrow_table_next(ArrowTable *t, ArrowRange *range, int64_t *lines)
{
    ArrowBatch *b = t->first;
    int64_t rows = RANGE_VALUES / t->columns;
    if (rows < RANGE_ROWS_MIN) rows = RANGE_ROWS_MIN;
    if (rows > b->array.length - t->row) rows = b->array.length - t->row;
    *range = (ArrowRange){b, t->row, rows};
    b->holders++;
    for (int c = 0; c < t->columns; c++) t->bytes += rows * t->column[c].bytes;
    *lines = count_lines(t, range);
    t->row += rows;
    if (t->row < b->array.length) return;
    t->row = 0;
    t->first = b->next;
    if (!t->first) t->last = NULL;
    release_batch(b);
}

void arrow_table_release(ArrowRange *range)
{
    release_batch(range->batch);
    *range = (ArrowRange){0};
}

void arrow_table_close(ArrowTable *t)
{
    for (ArrowBatch *b = t->first, *next; b; b = next) {
        next = b->next;
        release_batch(b);
    }
    for (int c = 0; c < t->columns; c++) arrow_column_close(&t->column[c]);
    free(t->column);
    if (t->schema.release) t->schema.release(&t->schema);
    *t = (ArrowTable){0};
}
