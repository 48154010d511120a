/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/pieces.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/rawlog/detect.h"
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

/* The layout of a file's records, and the mapping where it is to be detected: `found` is not
 * NULL. */
static Status open_columns(Pieces *p, const char *path, char *found, size_t size)
{
    Mapping *m = p->m;
    const LogHead head = {path, p->rest, p->rest_length, p->input_ended};
    const bool detected = found && !m->mapped;
    LogColumns columns = {0};
    Status st;
    TRY_OR_FAIL(st, m->format->columns(&head, m, detected, &p->layout, &columns));
    if (columns.none) goto fail;
    if (detected) TRY_OR_FAIL(st, detect_mapping(m, columns.name, columns.count, found, size));
    TRY_OR_FAIL(st, m->format->layout(m, path, &columns, &p->layout));
    drop(p, columns.header_bytes);
fail:
    free(columns.memory);
    return st;
}

/* Where the mapping leaves the unit of time open, it is that of the first row with a time. */
static Status settle_time_unit(Pieces *p, const char *path)
{
    enum { ROWS = 100 };
    Mapping *m = p->m;
    char sample[80], first[80] = "";
    const char *at = p->rest, *const end = p->rest + p->rest_length;
    int rows = 0;
    if (m->time.unit != TIME_AUTO || !mapping_has_clock(m) || !m->format->field) return OK;
    for (; rows < ROWS && at < end && m->time.unit == TIME_AUTO; rows++) {
        const char *next = m->format->record_end(at, end, p->layout.delimiter, p->input_ended);
        if (!next) break;
        TRY(m->format->field(at, (size_t)(next - at), m, &p->layout, ROLE_TIME, sample,
                             sizeof sample));
        if (!*first) snprintf(first, sizeof first, "%s", sample);
        m->time.unit = text_time_unit(text_of(sample));
        at = next;
    }
    if (rows == 0 || m->time.unit != TIME_AUTO) return OK;
    return FAIL(ERR_FORMAT,
                "%s: %s is \"%s\", no number and no ISO time, in each of the first %d rows; set "
                "time_unit",
                path, m->role[ROLE_TIME], first, rows);
}

static Status open_file(Pieces *p, char *found, size_t size)
{
    const char *path = p->paths[p->file];
    TRY(input_open(&p->input, path));
    p->line = 1;
    p->rest_length = 0;
    p->input_ended = false;
    TRY(fill(p, PIECE_BYTES_MAX));
    if (p->rest_length >= 3 && memcmp(p->rest, "\xef\xbb\xbf", 3) == 0) drop(p, 3);
    if (!p->m->format) p->m->format = formats_of_text(p->rest, p->rest_length);
    p->layout.delimiter = p->m->delimiter;
    if (p->m->format->columns) TRY(open_columns(p, path, found, size));
    return settle_time_unit(p, path);
}

static void close_file(Pieces *p)
{
    if (p->input) p->closed_bytes += input_position(p->input);
    input_close(p->input);
    p->input = NULL;
    p->file++;
}

/* ---- Pieces ---------------------------------------------------------------------------------- */

/* The end of the whole records at the beginning of `rest`: as many as fit a piece, at least one. */
static const char *records_end(const Pieces *p)
{
    const Format *f = p->m->format;
    const char *at = p->rest, *const end = at + p->rest_length;
    const char *stop = p->rest_length > PIECE_BYTES ? at + PIECE_BYTES : end;
    if (stop == end && p->input_ended) return end;
    if (!f->is_lines || f->is_lines(at, (size_t)(stop - at))) {
        const char *newline = memrchr(at, '\n', (size_t)(stop - at));
        if (newline) return newline + 1;
    } else {
        const char *next;
        while (at < stop && (next = f->record_end(at, end, p->layout.delimiter, p->input_ended)))
            at = next;
        if (at > p->rest) return at;
    }
    /* The first record is longer than a piece. */
    return f->record_end(p->rest, end, p->layout.delimiter, p->input_ended);
}

Status pieces_next(Pieces *p, char *buffer, LogPiece *piece, LogLayout *layout)
{
    piece->length = 0;
    while (p->file < p->files) {
        if (!p->input) TRY(open_file(p, NULL, 0));
        TRY(fill(p, PIECE_BYTES_MAX));
        if (p->rest_length) break;
        close_file(p);
    }
    if (p->file == p->files) return OK;
    const char *end = records_end(p);
    if (!end)
        return FAIL(ERR_FORMAT, "%s:%" PRId64 ": no line end within %d bytes", p->paths[p->file],
                    p->line, RECORD_BYTES_MAX);
    const size_t bytes = (size_t)(end - p->rest);
    memcpy(buffer, p->rest, bytes);
    *piece = (LogPiece){p->paths[p->file], p->file, p->files, p->line, buffer, bytes};
    *layout = p->layout;
    drop(p, bytes);
    return OK;
}

Status pieces_open(Pieces *p, Mapping *m, const char *const *paths, int files, char *found,
                   size_t found_size)
{
    *p = (Pieces){.m = m, .paths = paths, .files = files};
    *found = '\0';
    p->rest = p->window = malloc(WINDOW_BYTES);
    if (!p->window) return FAIL(ERR_MEMORY, "no memory for the reader");
    TRY(open_file(p, found, found_size));
    return detect_finish(m);
}

int64_t pieces_position(const Pieces *p) { return p->position; }

void pieces_close(Pieces *p)
{
    input_close(p->input);
    free(p->window);
    p->input = NULL;
    p->window = NULL;
}
