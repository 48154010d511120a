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
    if (p->file == 0 || m->time.unit == TIME_AUTO) st = clock_settle(m, path, &columns, &sample);
fail:
    sample_close(&sample);
    free(columns.memory);
    return st;
}

static Status open_file(Pieces *p)
{
    const char *path = p->paths[p->file];
    TRY(input_open(&p->input, path));
    p->line = 1;
    p->rest_length = 0;
    p->input_ended = false;
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

Status pieces_next(Pieces *p, char *buffer, LogPiece *piece, LogLayout *layout)
{
    piece->length = 0;
    while (p->file < p->files) {
        if (!p->input) TRY(open_file(p));
        TRY(fill(p, PIECE_BYTES_MAX));
        if (p->rest_length) break;
        close_file(p);
    }
    if (p->file == p->files) return OK;
    const char *end = records_end(p);
    *piece = (LogPiece){p->paths[p->file], p->file, p->files, p->line, buffer, 1, end == NULL};
    *layout = p->layout;
    if (!end) {
        *buffer = '\n';
        return skip_line(p);
    }
    const size_t bytes = piece->length = (size_t)(end - p->rest);
    memcpy(buffer, p->rest, bytes);
    drop(p, bytes);
    return OK;
}

Status pieces_open(Pieces *p, Mapping *m, const char *const *paths, int files, ColumnUses *uses)
{
    *p = (Pieces){.m = m, .uses = uses, .paths = paths, .files = files};
    uses->count = 0;
    p->rest = p->window = malloc(WINDOW_BYTES);
    if (!p->window) return FAIL(ERR_MEMORY, "no memory for the reader");
    TRY(open_file(p));
    TRY(detect_finish(m));
    if (!m->decimal) m->decimal = '.';
    return OK;
}

int64_t pieces_position(const Pieces *p) { return p->position; }

void pieces_close(Pieces *p)
{
    input_close(p->input);
    free(p->window);
    p->input = NULL;
    p->window = NULL;
}
