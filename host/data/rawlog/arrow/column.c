/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/arrow/column.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MS_PER_DAY = 86400000, VIEW_BYTES = 16, VIEW_SHORT = 12 };
static const Text nothing = {"", 0};

/* ---- Types ----------------------------------------------------------------------------------- */

typedef struct {
    const char *format;
    ArrowKind kind;
    int bytes;
} Plain;

/* The types whose format is a word of its own. */
static const Plain plain[] = {
    {"n", ARROW_NULL, 0},   {"b", ARROW_BOOL, 0},       {"c", ARROW_INT, 1},
    {"C", ARROW_UINT, 1},   {"s", ARROW_INT, 2},        {"S", ARROW_UINT, 2},
    {"i", ARROW_INT, 4},    {"I", ARROW_UINT, 4},       {"l", ARROW_INT, 8},
    {"L", ARROW_UINT, 8},   {"f", ARROW_FLOAT, 4},      {"g", ARROW_DOUBLE, 8},
    {"u", ARROW_TEXT, 4},   {"U", ARROW_LARGE_TEXT, 8}, {"vu", ARROW_TEXT_VIEW, VIEW_BYTES},
    {"tdD", ARROW_DATE, 4}, {"tdm", ARROW_DATE, 8},
};

static void read_type(ArrowColumn *c)
{
    static const struct {
        char letter;
        int64_t per_second;
    } units[] = {{'s', 1}, {'m', 1000}, {'u', 1000000}, {'n', 1000000000}};
    const char *f = c->format;
    int precision, bits = 128, read = 0;
    for (size_t i = 0; i < sizeof plain / sizeof *plain; i++)
        if (!strcmp(f, plain[i].format)) c->kind = plain[i].kind, c->bytes = plain[i].bytes;
    if (!strncmp(f, "ts", 2) && f[2] && f[3] == ':')
        for (size_t i = 0; i < sizeof units / sizeof *units; i++)
            if (f[2] == units[i].letter) {
                *c = (ArrowColumn){.name = c->name,
                                   .format = f,
                                   .kind = ARROW_TIME,
                                   .bytes = 8,
                                   .per_second = units[i].per_second,
                                   .utc = f[4] != '\0'};
            }
    if (sscanf(f, "d:%d,%d%n,%d%n", &precision, &c->scale, &read, &bits, &read) >= 2 && !f[read] &&
        bits == 128 && c->scale >= -38 && c->scale <= 38)
        c->kind = ARROW_DECIMAL, c->bytes = 16;
    c->is_text = c->kind == ARROW_TEXT || c->kind == ARROW_LARGE_TEXT || c->kind == ARROW_TEXT_VIEW;
}

static Status open_dictionary(ArrowColumn *c, const struct ArrowSchema *schema)
{
    const bool whole = c->kind == ARROW_INT || c->kind == ARROW_UINT;
    c->index_signed = c->kind == ARROW_INT;
    c->kind = ARROW_OTHER;
    if (!whole || schema->dictionary->dictionary) return OK;
    c->value = calloc(1, sizeof *c->value);
    if (!c->value) return FAIL(ERR_MEMORY, "no memory for the column \"%s\"", c->name);
    TRY(arrow_column_open(c->value, schema->dictionary));
    if (c->value->kind == ARROW_OTHER) return OK;
    c->kind = ARROW_DICTIONARY;
    c->is_text = c->value->is_text;
    return OK;
}

Status arrow_column_open(ArrowColumn *c, const struct ArrowSchema *schema)
{
    *c = (ArrowColumn){.name = schema->name ? schema->name : "",
                       .format = schema->format ? schema->format : ""};
    read_type(c);
    return schema->dictionary ? open_dictionary(c, schema) : OK;
}

void arrow_column_close(ArrowColumn *c)
{
    if (c->value) arrow_column_close(c->value);
    free(c->value);
    c->value = NULL;
}

/* ---- Checks ---------------------------------------------------------------------------------- */

/* The least number of buffers of each kind, and how many of the first are needed where there are
 * values; the first of all, which says what is null, may always be absent. */
static int buffers_of(const ArrowColumn *c)
{
    switch (c->kind) {
    case ARROW_OTHER:
    case ARROW_NULL: return 0;
    case ARROW_TEXT:
    case ARROW_LARGE_TEXT: return 3;
    default: return 2;
    }
}

Status arrow_column_check(const ArrowColumn *c, const struct ArrowArray *a, int64_t rows,
                          const char *path, int64_t batch)
{
    const int buffers = buffers_of(c);
    if (c->kind == ARROW_OTHER) return OK;
    if (a->length < rows || a->offset < 0)
        return FAIL(ERR_FORMAT,
                    "%s: batch %" PRId64 ", column \"%s\" has %" PRId64 " values from %" PRId64
                    " on, want at least %" PRId64 " from 0 on",
                    path, batch, c->name, a->length, a->offset, rows);
    if (a->n_buffers < buffers || (buffers && (!a->buffers || (rows && !a->buffers[1]))))
        return FAIL(ERR_FORMAT,
                    "%s: batch %" PRId64 ", column \"%s\" of Arrow type \"%s\" has %" PRId64
                    " buffers or no values, want %d with values",
                    path, batch, c->name, c->format, a->n_buffers, buffers);
    if (c->kind != ARROW_DICTIONARY) return OK;
    if (!a->dictionary)
        return FAIL(ERR_FORMAT, "%s: batch %" PRId64 ", column \"%s\" has no dictionary", path,
                    batch, c->name);
    return arrow_column_check(c->value, a->dictionary, a->dictionary->length, path, batch);
}

/* ---- Values ---------------------------------------------------------------------------------- */

static bool bit_of(const void *bits, int64_t at)
{
    return ((const uint8_t *)bits)[at >> 3] >> (at & 7) & 1;
}

static bool is_null(const struct ArrowArray *a, int64_t at)
{
    return a->null_count && a->buffers[0] && !bit_of(a->buffers[0], at);
}

static int64_t whole_at(const void *values, int bytes, bool is_signed, int64_t at)
{
    const char *const p = (const char *)values + at * bytes;
    int8_t c;
    int16_t s;
    int32_t i;
    int64_t l;
    switch (bytes) {
    case 1: return memcpy(&c, p, 1), is_signed ? c : (uint8_t)c;
    case 2: return memcpy(&s, p, 2), is_signed ? s : (uint16_t)s;
    case 4: return memcpy(&i, p, 4), is_signed ? i : (int64_t)(uint32_t)i;
    default: return memcpy(&l, p, 8), l;
    }
}

/* A text that is longer than any record may be is cut: its record is too long all the same. */
static Text text_between(const void *data, int64_t from, int64_t to)
{
    if (from >= to) return nothing;
    return (Text){(const char *)data + from,
                  to - from > INT32_MAX ? INT32_MAX : (uint32_t)(to - from)};
}

/* A view has its length and, if short, its bytes; else four bytes of it, buffer and offset. */
static Text view_at(const struct ArrowArray *a, int64_t at)
{
    const char *const view = (const char *)a->buffers[1] + at * VIEW_BYTES;
    int32_t length, buffer, offset;
    memcpy(&length, view, 4);
    if (length <= VIEW_SHORT) return text_between(view, 4, 4 + (int64_t)length);
    memcpy(&buffer, view + 8, 4);
    memcpy(&offset, view + 12, 4);
    return text_between(a->buffers[2 + buffer], offset, (int64_t)offset + length);
}

static Text time_at(const ArrowColumn *c, int64_t value, char *digits)
{
    if (c->kind == ARROW_TIME)
        return (Text){digits, digits_of_time(digits, value, c->per_second, c->utc)};
    if (c->bytes == 8) value = value / MS_PER_DAY - (value % MS_PER_DAY < 0);
    return (Text){digits, digits_of_date(digits, value)};
}

static Text real_at(const ArrowColumn *c, const void *values, int64_t at, char *digits)
{
    double real;
    float single;
    uint64_t half[2];
    switch (c->kind) {
    case ARROW_FLOAT:
        memcpy(&single, (const char *)values + at * 4, 4);
        return (Text){digits, digits_of_float(digits, single)};
    case ARROW_DOUBLE:
        memcpy(&real, (const char *)values + at * 8, 8);
        return (Text){digits, digits_of_double(digits, real)};
    default:
        memcpy(half, (const char *)values + at * 16, 16);
        return (Text){digits, digits_of_decimal(digits, half, c->scale)};
    }
}

Text arrow_column_text(const ArrowColumn *c, const struct ArrowArray *a, int64_t row, char *digits)
{
    if (c->kind == ARROW_OTHER || c->kind == ARROW_NULL) return nothing;
    const int64_t at = a->offset + row;
    if (is_null(a, at)) return nothing;
    const void *const values = a->buffers[1];
    int64_t wide[2];
    int32_t narrow[2];
    switch (c->kind) {
    case ARROW_TEXT:
        memcpy(narrow, (const char *)values + at * 4, 8);
        return text_between(a->buffers[2], narrow[0], narrow[1]);
    case ARROW_LARGE_TEXT:
        memcpy(wide, (const char *)values + at * 8, 16);
        return text_between(a->buffers[2], wide[0], wide[1]);
    case ARROW_TEXT_VIEW: return view_at(a, at);
    case ARROW_DICTIONARY: {
        const int64_t index = whole_at(values, c->bytes, c->index_signed, at);
        if (index < 0 || index >= a->dictionary->length) return nothing;
        return arrow_column_text(c->value, a->dictionary, index, digits);
    }
    case ARROW_BOOL: return *digits = bit_of(values, at) ? '1' : '0', (Text){digits, 1};
    case ARROW_INT:
        return (Text){digits, digits_of_whole(digits, whole_at(values, c->bytes, true, at))};
    case ARROW_UINT:
        return (Text){digits,
                      digits_of_unsigned(digits, (uint64_t)whole_at(values, c->bytes, false, at))};
    case ARROW_TIME:
    case ARROW_DATE: return time_at(c, whole_at(values, c->bytes, true, at), digits);
    default: return real_at(c, values, at, digits);
    }
}

bool arrow_column_is_lines(const ArrowColumn *c, const struct ArrowArray *a, int64_t first,
                           int64_t rows)
{
    if (!c->is_text || rows == 0) return true;
    if (c->kind == ARROW_DICTIONARY)
        return arrow_column_is_lines(c->value, a->dictionary, 0, a->dictionary->length);
    if (c->kind == ARROW_TEXT_VIEW) {
        for (int64_t i = first; i < first + rows; i++) {
            const Text t = arrow_column_text(c, a, i, NULL);
            if (memchr(t.at, '\n', t.length)) return false;
        }
        return true;
    }
    const int64_t from = whole_at(a->buffers[1], c->bytes, true, a->offset + first);
    const int64_t to = whole_at(a->buffers[1], c->bytes, true, a->offset + first + rows);
    return from >= to || !memchr((const char *)a->buffers[2] + from, '\n', (size_t)(to - from));
}
