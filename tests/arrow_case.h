/* SPDX-License-Identifier: Apache-2.0 */
/* Arrow streams that tests make from texts: each column has the texts that the CSV file has, and
 * they become values of the column's type. */
#ifndef SOUK_ARROW_CASE_H
#define SOUK_ARROW_CASE_H

#include <errno.h>

#include "data/rawlog/arrow/abi.h"
#include "test.h"

enum { CASE_COLUMNS = 12, CASE_SKIPPED = 3 /* values before the first: an offset */ };

typedef struct {
    const char *name, *format, *index; /* index: the type of a dictionary's indices, or NULL */
    const char *const *text;           /* [rows] NULL: null */
} CaseColumn;

typedef struct {
    int columns;
    CaseColumn column[CASE_COLUMNS];
    int64_t rows, batch_rows, next; /* rows of each batch; 0: an empty batch comes first */
    int64_t fail_at;                /* the row at which the stream fails; 0: never */
    int64_t live, made;             /* batches */
    struct ArrowArrayStream stream;
} CaseTable;

/* ---- Values ---------------------------------------------------------------------------------- */

static inline void case_free_array(struct ArrowArray *a)
{
    for (int64_t i = 0; i < a->n_buffers; i++) free((void *)a->buffers[i]);
    free(a->buffers);
    for (int64_t i = 0; i < a->n_children; i++) {
        a->children[i]->release(a->children[i]);
        free(a->children[i]);
    }
    free(a->children);
    if (a->dictionary) a->dictionary->release(a->dictionary);
    free(a->dictionary);
    a->release = NULL;
}

static inline void *case_memory(size_t bytes)
{
    void *at = calloc(1, bytes + 1);
    assert_non_null(at);
    return at;
}

static inline int case_bytes(char kind)
{
    return strchr("cC", kind) ? 1 : strchr("sS", kind) ? 2 : strchr("iIf", kind) ? 4 : 8;
}

/* One value of a type of fixed size. */
static inline void case_put(const char *format, const char *text, void *to, int64_t at)
{
    const float single = strtof(text, NULL);
    const double real = strtod(text, NULL);
    const long long whole = strtoll(text, NULL, 10);
    if (*format == 'b') {
        ((uint8_t *)to)[at / 8] |= (uint8_t)((whole != 0) << at % 8);
    } else if (*format == 'd') { /* d:10,2 */
        const long long cents = llround(real * 100.0), half[2] = {cents, cents < 0 ? -1 : 0};
        memcpy((char *)to + 16 * at, half, 16);
    } else if (*format == 'f') {
        memcpy((char *)to + 4 * at, &single, 4);
    } else if (*format == 'g') {
        memcpy((char *)to + 8 * at, &real, 8);
    } else {
        const int bytes = *format == 't' ? (format[2] == 'D' ? 4 : 8) : case_bytes(*format);
        memcpy((char *)to + bytes * at, &whole, (size_t)bytes);
    }
}

static inline void case_put_texts(struct ArrowArray *a, const char *format, const char *const *text,
                                  int64_t rows)
{
    const bool large = *format == 'U', view = *format == 'v';
    size_t bytes = 0;
    for (int64_t i = 0; i < rows; i++) bytes += text[i] ? strlen(text[i]) : 0;
    char *data = case_memory(bytes), *values = case_memory((size_t)(rows + CASE_SKIPPED + 1) * 16);
    int64_t at = 0;
    for (int64_t i = 0; i <= rows + CASE_SKIPPED; i++) {
        const int64_t row = i - CASE_SKIPPED;
        const char *t = row >= 0 && row < rows && text[row] ? text[row] : "";
        const int32_t length = (int32_t)strlen(t), narrow = (int32_t)at, zero = 0;
        if (large) memcpy(values + 8 * i, &at, 8);
        if (!large && !view) memcpy(values + 4 * i, &narrow, 4);
        if (view) {
            memcpy(values + 16 * i, &length, 4);
            memcpy(values + 16 * i + 4, t, (size_t)(length <= 12 ? length : 4));
            if (length > 12) memcpy(values + 16 * i + 8, &zero, 4);
            if (length > 12) memcpy(values + 16 * i + 12, &narrow, 4);
        }
        memcpy(data + at, t, (size_t)length);
        at += length;
    }
    a->buffers[1] = values;
    a->buffers[2] = data;
}

static inline void case_fill(struct ArrowArray *a, const char *format, const char *const *text,
                             int64_t rows)
{
    const bool is_text = strchr("uUv", *format) != NULL;
    *a = (struct ArrowArray){.length = rows,
                             .offset = CASE_SKIPPED,
                             .n_buffers = is_text ? 3 : 2,
                             .release = case_free_array};
    a->buffers = case_memory(3 * sizeof *a->buffers);
    uint8_t *valid = case_memory((size_t)(rows + CASE_SKIPPED) / 8 + 1);
    for (int64_t i = 0; i < rows; i++) {
        const int64_t at = i + CASE_SKIPPED;
        if (text[i]) valid[at / 8] |= (uint8_t)(1 << at % 8);
        a->null_count += !text[i];
    }
    if (a->null_count)
        a->buffers[0] = valid;
    else
        free(valid);
    if (is_text) {
        case_put_texts(a, format, text, rows);
        return;
    }
    char *values = case_memory((size_t)(rows + CASE_SKIPPED) * 16);
    for (int64_t i = 0; i < rows; i++)
        if (text[i]) case_put(format, text[i], values, i + CASE_SKIPPED);
    a->buffers[1] = values;
}

/* A dictionary with an entry for each row, in reverse: it has more than what is used. */
static inline void case_fill_dictionary(struct ArrowArray *a, const CaseColumn *c, int64_t first,
                                        int64_t rows)
{
    const char **entry = case_memory((size_t)rows * sizeof *entry);
    const char **index = case_memory((size_t)rows * sizeof *index);
    char(*digits)[24] = case_memory((size_t)rows * sizeof *digits);
    for (int64_t i = 0; i < rows; i++) {
        entry[rows - 1 - i] = c->text[first + i] ? c->text[first + i] : "unused";
        snprintf(digits[i], sizeof *digits, "%lld", (long long)(rows - 1 - i));
        index[i] = c->text[first + i] ? digits[i] : NULL;
    }
    case_fill(a, c->index, index, rows);
    a->dictionary = case_memory(sizeof *a->dictionary);
    case_fill(a->dictionary, c->format, entry, rows);
    free(entry);
    free(index);
    free(digits);
}

/* ---- The stream ------------------------------------------------------------------------------ */

static inline void case_free_schema(struct ArrowSchema *s)
{
    for (int64_t i = 0; i < s->n_children; i++) {
        free(s->children[i]->dictionary);
        free(s->children[i]);
    }
    free(s->children);
    s->release = NULL;
}

static inline int case_schema(struct ArrowArrayStream *stream, struct ArrowSchema *out)
{
    CaseTable *t = stream->private_data;
    *out =
        (struct ArrowSchema){.format = "+s", .n_children = t->columns, .release = case_free_schema};
    out->children = case_memory((size_t)t->columns * sizeof *out->children);
    for (int c = 0; c < t->columns; c++) {
        const CaseColumn *column = &t->column[c];
        struct ArrowSchema *s = out->children[c] = case_memory(sizeof *s);
        s->name = column->name;
        s->format = column->index ? column->index : column->format;
        if (!column->index) continue;
        s->dictionary = case_memory(sizeof *s->dictionary);
        s->dictionary->format = column->format;
    }
    return 0;
}

static inline void case_release_batch(struct ArrowArray *a)
{
    CaseTable *t = a->private_data;
    __atomic_sub_fetch(&t->live, 1, __ATOMIC_SEQ_CST);
    case_free_array(a);
}

static inline int case_next(struct ArrowArrayStream *stream, struct ArrowArray *out)
{
    CaseTable *t = stream->private_data;
    const bool empty = t->batch_rows == 0;
    if (empty) t->batch_rows = t->rows;
    int64_t rows = empty ? 0 : t->batch_rows;
    if (rows > t->rows - t->next) rows = t->rows - t->next;
    if (t->fail_at && t->next >= t->fail_at) return EIO;
    *out = (struct ArrowArray){0};
    if (rows == 0 && !empty) return 0;
    *out = (struct ArrowArray){.length = rows,
                               .n_buffers = 1,
                               .n_children = t->columns,
                               .private_data = t,
                               .release = case_release_batch};
    out->buffers = case_memory(sizeof *out->buffers);
    out->children = case_memory((size_t)t->columns * sizeof *out->children);
    for (int c = 0; c < t->columns; c++) {
        out->children[c] = case_memory(sizeof *out->children[c]);
        if (t->column[c].index)
            case_fill_dictionary(out->children[c], &t->column[c], t->next, rows);
        else
            case_fill(out->children[c], t->column[c].format, t->column[c].text + t->next, rows);
    }
    t->next += rows;
    t->made++;
    __atomic_add_fetch(&t->live, 1, __ATOMIC_SEQ_CST);
    return 0;
}

static inline const char *case_error(struct ArrowArrayStream *stream)
{
    (void)stream;
    return "the disk is on fire";
}

static inline void case_release(struct ArrowArrayStream *stream) { stream->release = NULL; }

static inline struct ArrowArrayStream *case_stream(CaseTable *t)
{
    t->next = 0;
    t->stream = (struct ArrowArrayStream){case_schema, case_next, case_error, case_release, t};
    return &t->stream;
}

#endif
