/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/format/arrow.h"

#include <stdio.h>
#include <string.h>

#include "data/rawlog/format/csv.h"
#include "data/rawlog/format/list.h"

/* ---- Records as a CSV file has them ---------------------------------------------------------- */

static bool needs_quotes(Text t)
{
    static const bool special[256] = {[','] = true, ['"'] = true, ['\n'] = true, ['\r'] = true};
    bool found = false;
    for (uint32_t i = 0; i < t.length; i++) found |= special[(unsigned char)t.at[i]];
    return found;
}

static char *write_quoted(char *out, Text t)
{
    *out++ = '"';
    for (uint32_t i = 0; i < t.length; i++) {
        if (t.at[i] == '"') *out++ = '"';
        *out++ = t.at[i];
    }
    *out++ = '"';
    return out;
}

/* Bytes that a record may take, with its line end. */
static size_t record_bound(const Text *field, int fields)
{
    size_t bytes = 1;
    for (int f = 0; f < fields; f++) bytes += 2 * (size_t)field[f].length + 3;
    return bytes;
}

/* The record without its line end, into `out`, which has the memory for it; returns its end. */
static char *write_record(char *out, const Text *field, int fields)
{
    for (int f = 0; f < fields; f++) {
        if (f) *out++ = ',';
        if (needs_quotes(field[f])) {
            out = write_quoted(out, field[f]);
        } else {
            memcpy(out, field[f].at, field[f].length);
            out += field[f].length;
        }
    }
    return out;
}

/* The values of a row. Digits go to `digits` [columns of the table, DIGITS_MAX]; returns their
 * end. */
static char *read_row(const ArrowBatch *b, int64_t row, char *digits, Text *field)
{
    const ArrowTable *t = b->table;
    for (int c = 0; c < t->columns; c++) {
        field[c] =
            arrow_column_text(&t->column[c], b->array.children[c], b->array.offset + row, digits);
        if (field[c].at == digits) digits += field[c].length;
    }
    return digits;
}

/* ---- The first rows, for detection ----------------------------------------------------------- */

Status arrow_set_dialect(Mapping *m, const ArrowTable *t)
{
    int have = 0;
    if (m->format && !m->format->columns)
        return FAIL(ERR_USAGE,
                    "%s: [input] format = %s is for records without names of columns, which an "
                    "Arrow stream has; want no format",
                    t->path, m->format->name);
    for (int i = 0; i < m->columns; i++)
        for (int c = 0; c < t->columns; c++) have += !strcmp(m->column[i], t->column[c].name);
    if (have == m->columns) m->columns = 0;
    m->format = &arrow_format;
    snprintf(m->delimiter, sizeof m->delimiter, ",");
    m->quote = m->header = CHOICE_YES;
    return OK;
}

static size_t head_record(char *out, size_t size, const Text *field, int fields)
{
    if (record_bound(field, fields) > size) return 0;
    char *end = write_record(out, field, fields);
    *end++ = '\n';
    return (size_t)(end - out);
}

Status arrow_head(const ArrowTable *t, int64_t rows, char *out, size_t size, size_t *length)
{
    Text field[LOG_COLUMNS_MAX];
    char digits[LOG_COLUMNS_MAX * DIGITS_MAX];
    int64_t row = t->row;
    for (int c = 0; c < t->columns; c++) field[c] = text_of(t->column[c].name);
    *length = head_record(out, size, field, t->columns);
    if (!*length)
        return FAIL(ERR_FORMAT, "%s: the names of the columns are longer than %zu bytes", t->path,
                    size);
    for (const ArrowBatch *b = t->first; b; b = b->next, row = 0)
        for (; row < b->array.length && rows > 0; row++, rows--) {
            read_row(b, row, digits, field);
            const size_t bytes = head_record(out + *length, size - *length, field, t->columns);
            if (!bytes) return OK;
            *length += bytes;
        }
    return OK;
}

static Status find_columns(const LogHead *head, const Mapping *m, LogLayout *layout,
                           LogColumns *columns)
{
    return csv_format.columns(head, m, layout, columns);
}

static Status lay_out(const Mapping *m, const char *path, const LogColumns *columns,
                      LogLayout *layout)
{
    return csv_format.layout(m, path, columns, layout);
}

static const char *record_end(const char *at, const char *end, const LogLayout *l, bool last)
{
    return csv_format.record_end(at, end, l, last);
}

static bool fields_of(LogRows *texts, const char *record, size_t length, const LogLayout *layout,
                      const LogColumns *columns, Text *value)
{
    return csv_format.fields(texts, record, length, layout, columns, value);
}

static Status check_type(const ArrowTable *t, int field)
{
    if (field < 0 || field >= t->columns || t->column[field].kind != ARROW_OTHER) return OK;
    return FAIL(ERR_FORMAT,
                "%s: the column \"%s\" has the Arrow type \"%s\"%s, which souk does not read; want "
                "texts, numbers, booleans, times or dates",
                t->path, t->column[field].name, t->column[field].format,
                t->schema.children[field]->dictionary ? " with a dictionary" : "");
}

Status arrow_check_layout(const ArrowTable *t, const Mapping *m, const LogLayout *l)
{
    if (l->fields != t->columns)
        return FAIL(ERR_FORMAT,
                    "%s: the Arrow stream has %d columns, and [input] columns has %d names, which "
                    "are not those of the stream; want as many",
                    t->path, t->columns, l->fields);
    for (int r = 0; r < ROLES; r++) TRY(check_type(t, l->role[r]));
    for (int c = 0; c < m->cells; c++) TRY(check_type(t, l->cell[c]));
    for (int k = 0; k < m->list.columns; k++) {
        TRY(check_type(t, l->list[k]));
        TRY(check_type(t, l->then[k]));
    }
    return check_type(t, l->taken);
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static Status add_row(LogRows *rows, const Mapping *m, const LogLayout *l, const LogPiece *piece,
                      int64_t *line)
{
    const int fields = l->fields;
    const int64_t here = (*line)++;
    const size_t bound = record_bound(rows->field, fields);
    if (bound > RECORD_BYTES_MAX) {
        size_t bytes = 0;
        for (int f = 0; f < fields; f++) bytes += rows->field[f].length + 1;
        if (bytes > RECORD_BYTES_MAX) {
            for (int f = 0; f < fields; f++)
                for (uint32_t i = 0; i < rows->field[f].length; i++)
                    *line += rows->field[f].at[i] == '\n';
            rows->seen++;
            rows_bad(rows, BAD_LONG, here, "no line end within %d bytes", RECORD_BYTES_MAX);
            return OK;
        }
    }
    char *const record = rows_buffer(rows, bound < 4096 ? 4096 : bound);
    if (!record) return FAIL(ERR_MEMORY, "no memory for a record of %zu bytes", bound);
    const char *const end = write_record(record, rows->field, fields);
    const Text text = {record, (uint32_t)(end - record)};
    for (const char *p = record; (p = memchr(p, '\n', (size_t)(end - p))); p++) ++*line;
    if (m->list.columns) return list_add_texts(rows, m, l, piece, (uint32_t)text_hash(text), here);
    rows->seen++;
    return rows_add(rows, m, l, piece, rows->field, (uint32_t)text_hash(text), here);
}

static Status parse(LogRows *rows, const Mapping *m, const LogLayout *l, const LogPiece *piece)
{
    const ArrowRange *range = &piece->range;
    const ArrowTable *t = range->batch->table;
    const size_t bytes = (size_t)t->columns * DIGITS_MAX;
    int64_t line = piece->first_line;
    for (int64_t i = 0; i < range->rows; i++) {
        char *digits = rows_text(rows, bytes);
        if (!digits) return FAIL(ERR_MEMORY, "no memory for the digits of a row");
        rows_text_end(rows, read_row(range->batch, range->first + i, digits, rows->field));
        TRY(add_row(rows, m, l, piece, &line));
    }
    return OK;
}

const Format arrow_format = {
    .name = "arrow",
    .record_end = record_end,
    .columns = find_columns,
    .layout = lay_out,
    .fields = fields_of,
    .parse = parse,
};
