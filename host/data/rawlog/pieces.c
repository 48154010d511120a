/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/pieces.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/rawlog/detect.h"
#include "data/rawlog/detect/clock.h"
#include "data/rawlog/detect/decimal.h"
#include "data/rawlog/detect/foreign.h"
#include "data/rawlog/detect/sample.h"
#include "data/rawlog/format/arrow.h"
#include "data/rawlog/formats.h"

/* The window is twice as large as what must be in it, so that its contents are moved to its
 * beginning only every few pieces. */
enum { WINDOW_BYTES = 2 * PIECE_BYTES_MAX };

/* ---- The window ------------------------------------------------------------------------------ */

/* Read more text behind `rest`, until it has `size` bytes or the input ends. */
static Status fill(Pieces *p, size_t size)
{
    size_t got = 0;
    if (p->input_ended || p->rest_length >= size) return OK;
    if (p->rest + size > p->window + WINDOW_BYTES)
        p->rest = memmove(p->window, p->rest, p->rest_length);
    TRY(input_read(p->input, p->rest + p->rest_length, size - p->rest_length, &got));
    p->rest_length += got;
    p->input_ended = p->rest_length < size;
    p->position = p->closed_bytes + input_position(p->input);
    return OK;
}

static void drop(Pieces *p, size_t bytes)
{
    int64_t lines = 0;
    for (size_t i = 0; i < bytes; i++) lines += p->rest[i] == '\n';
    p->line += lines;
    p->rest += bytes;
    p->rest_length -= bytes;
}

/* ---- Files ----------------------------------------------------------------------------------- */

/* The layout of a file's records; from the first file also what the mapping leaves open. */
static Status open_columns(Pieces *p, const char *path)
{
    Mapping *m = p->m;
    const LogHead head = {path, p->rest, p->rest_length, p->input_ended};
    LogColumns columns = {0};
    LogSample sample = {0};
    Status st;
    TRY_OR_FAIL(st, m->format->columns(&head, m, &p->layout, &columns));
    if (columns.none) goto fail;
    drop(p, columns.header_bytes);
    const LogHead rows = {path, p->rest, p->rest_length, p->input_ended};
    TRY_OR_FAIL(st, sample_read(&sample, m->format, m, &rows, p->line, &p->layout, &columns));
    if (p->file == 0)
        TRY_OR_FAIL(st, detect_mapping(m, &columns, &sample, p->uses));
    else
        uses_add(p->uses, &columns);
    TRY_OR_FAIL(st, decimal_settle(m, path, &columns, &sample));
    TRY_OR_FAIL(st, m->format->layout(m, path, &columns, &p->layout));
    if (p->table) TRY_OR_FAIL(st, arrow_check_layout(&p->table[p->file], m, &p->layout));
    if (p->file == 0 || m->time.unit == TIME_AUTO) st = clock_settle(m, path, &columns, &sample);
fail:
    sample_close(&sample);
    free(columns.memory);
    return st;
}

/* The window has the beginning of the CSV file with the same contents while columns are found. */
static Status open_stream(Pieces *p, const char *path)
{
    ArrowTable *t = &p->table[p->file];
    int64_t waiting;
    TRY(arrow_table_open(t, p->inputs.streams[p->file], path));
    TRY(arrow_table_read(t, SAMPLE_ROWS, &waiting));
    if (p->file == 0) TRY(arrow_set_dialect(p->m, t)); /* later, threads read the mapping */
    p->rest = p->window;
    p->input_ended = true;
    TRY(arrow_head(t, SAMPLE_ROWS, p->rest, PIECE_BYTES_MAX, &p->rest_length));
    TRY(open_columns(p, path));
    p->rest_length = 0;
    return OK;
}

static Status open_file(Pieces *p)
{
    const char *path = p->inputs.path[p->file];
    p->is_open = true;
    p->line = 1;
    p->rest_length = 0;
    p->input_ended = false;
    if (p->table) return open_stream(p, path);
    TRY(input_open(&p->input, path));
    TRY(fill(p, PIECE_BYTES_MAX));
    TRY(foreign_refuse(&(LogHead){path, p->rest, p->rest_length, p->input_ended}));
    if (p->rest_length >= 3 && memcmp(p->rest, "\xef\xbb\xbf", 3) == 0) drop(p, 3);
    if (!p->m->format) p->m->format = formats_of_text(p->rest, p->rest_length);
    return p->m->format->columns ? open_columns(p, path) : OK;
}

static void close_file(Pieces *p)
{
    if (p->input) p->closed_bytes += input_position(p->input);
    input_close(p->input);
    p->input = NULL;
    p->is_open = false;
    p->file++;
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

/* The end of the whole records at the beginning of `rest`: as many as fit a piece, at least one;
 * NULL where the first one is too long. */
static const char *records_end(const Pieces *p)
{
    const Format *f = p->m->format;
    const char *at = p->rest, *const end = at + p->rest_length;
    const char *stop = p->rest_length > PIECE_BYTES ? at + PIECE_BYTES : end;
    if (stop == end && p->input_ended) return end;
    if (!f->is_lines || f->is_lines(at, (size_t)(stop - at), &p->layout)) {
        const char *newline = memrchr(at, '\n', (size_t)(stop - at));
        if (newline) return newline + 1;
    } else {
        const char *next;
        while (at < stop && (next = f->record_end(at, end, &p->layout, p->input_ended))) at = next;
        if (at > p->rest) return at;
    }
    /* The first record is longer than a piece. */
    const char *next = f->record_end(p->rest, end, &p->layout, p->input_ended);
    return next && next - p->rest > RECORD_BYTES_MAX ? NULL : next;
}

/* Drop the text up to the next line end, however far that is. */
static Status skip_line(Pieces *p)
{
    for (;;) {
        const char *newline = memchr(p->rest, '\n', p->rest_length);
        drop(p, newline ? (size_t)(newline + 1 - p->rest) : p->rest_length);
        if (newline || p->input_ended) return OK;
        TRY(fill(p, PIECE_BYTES));
    }
}

/* Whether the open file has more. */
static Status look(Pieces *p, bool *more)
{
    int64_t waiting;
    if (p->table) {
        TRY(arrow_table_read(&p->table[p->file], 1, &waiting));
        *more = waiting > 0;
        return OK;
    }
    TRY(fill(p, PIECE_BYTES_MAX));
    *more = p->rest_length > 0;
    return OK;
}

static void next_range(Pieces *p, LogPiece *piece)
{
    ArrowTable *t = &p->table[p->file];
    const int64_t before = t->bytes;
    int64_t lines;
    arrow_table_next(t, &piece->range, &lines);
    piece->length = (size_t)piece->range.rows;
    p->line += lines;
    p->position += t->bytes - before;
}

Status pieces_next(Pieces *p, char *buffer, LogPiece *piece, LogLayout *layout)
{
    const int files = p->inputs.files;
    bool more = false;
    *piece = (LogPiece){.files = files, .text = buffer};
    while (p->file < files && !more) {
        if (!p->is_open) TRY(open_file(p));
        TRY(look(p, &more));
        if (!more) close_file(p);
    }
    if (!more) return OK;
    piece->path = p->inputs.path[p->file];
    piece->file = p->file;
    piece->first_line = p->line;
    *layout = p->layout;
    if (p->table) return next_range(p, piece), OK;
    const char *end = records_end(p);
    piece->length = 1;
    piece->too_long = end == NULL;
    if (!end) {
        *buffer = '\n';
        return skip_line(p);
    }
    const size_t bytes = piece->length = (size_t)(end - p->rest);
    memcpy(buffer, p->rest, bytes);
    drop(p, bytes);
    return OK;
}

Status pieces_open(Pieces *p, Mapping *m, const LogInputs *inputs, ColumnUses *uses)
{
    *p = (Pieces){.m = m, .uses = uses, .inputs = *inputs};
    uses->count = 0;
    p->rest = p->window = malloc(WINDOW_BYTES);
    if (inputs->streams) p->table = calloc((size_t)inputs->files, sizeof *p->table);
    if (!p->window || (inputs->streams && !p->table))
        return FAIL(ERR_MEMORY, "no memory for the reader");
    TRY(open_file(p));
    TRY(detect_finish(m));
    if (!m->decimal) m->decimal = '.';
    return OK;
}

int64_t pieces_position(const Pieces *p) { return p->position; }

void pieces_close(Pieces *p)
{
    input_close(p->input);
    for (int i = 0; p->table && i < p->inputs.files; i++) arrow_table_close(&p->table[i]);
    free(p->table);
    free(p->window);
    p->input = NULL;
    p->table = NULL;
    p->window = NULL;
}
