/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/format/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/rawlog/detect/dialect.h"
#include "data/rawlog/detect/header.h"
#include "data/rawlog/format/lines.h"
#include "data/rawlog/format/list.h"

/* ---- Records --------------------------------------------------------------------------------- */

static bool is_lines(const char *at, size_t length, const LogLayout *l)
{
    return !l->dialect.quoted || !memchr(at, '"', length);
}

/* After the closing quote of the field whose opening quote is at `at`; NULL where there is none
 * before `end`. */
static const char *quoted_end(const char *at, const char *end)
{
    for (at++;; at += 2) {
        at = memchr(at, '"', (size_t)(end - at));
        if (!at) return NULL;
        if (at + 1 == end || at[1] != '"') return at + 1;
    }
}

static bool begins_field(const char *at, const char *record, const char *delimiter, size_t size)
{
    return at == record ||
           ((size_t)(at - record) >= size && memcmp(at - size, delimiter, size) == 0);
}

/* A quote that is left open ends its record at the record's first line end. */
static const char *record_end(const char *at, const char *end, const LogLayout *l, bool last)
{
    const char *const delimiter = l->dialect.delimiter;
    const size_t size = strlen(delimiter);
    const char *const first = lines_record_end(at, end, l, last);
    if (!first || is_lines(at, (size_t)(first - at), l)) return first;
    const char *stop = end - at > RECORD_BYTES_MAX ? at + RECORD_BYTES_MAX : end;
    const bool whole = last || stop < end; /* no more text can close an open quote */
    for (const char *p = at; p < stop; p++) {
        if (*p == '"' && begins_field(p, at, delimiter, size)) {
            p = quoted_end(p, stop);
            if (!p || (p == stop && !whole)) return whole ? first : NULL;
            p--;
        } else if (*p == '\n') {
            return p + 1;
        }
    }
    return whole ? (stop == end ? end : first) : NULL;
}

/* Doubled quotes become one, in place. */
static Text unquote(char *at, const char *end)
{
    char *to = at;
    for (char *from = at; from < end; from++) {
        *to++ = *from;
        if (*from == '"') from++;
    }
    return (Text){at, (uint32_t)(to - at)};
}

static bool begins_with(const char *at, const char *end, const char *delimiter, size_t size)
{
    return (size_t)(end - at) >= size && memcmp(at, delimiter, size) == 0;
}

/* `size`: of the delimiter; a constant in the callers, so that the common one has its own loop. */
static inline int split_by(char *at, char *end, const Dialect *d, size_t size, Text *field,
                           int capacity)
{
    const char delimiter = d->delimiter[0];
    int fields = 0;
    for (char *start = at;; start = at + size, at = start) {
        Text text;
        if (at < end && *at == '"' && d->quoted) {
            at = (char *)quoted_end(at, end);
            if (!at || (at < end && !begins_with(at, end, d->delimiter, size))) return -1;
            text = unquote(start + 1, at - 1);
        } else {
            while (at < end &&
                   (*at != delimiter || (size > 1 && !begins_with(at, end, d->delimiter, size))))
                at++;
            text = (Text){start, (uint32_t)(at - start)};
        }
        if (fields < capacity) field[fields] = text;
        fields++;
        if (at == end) return fields;
    }
}

int csv_split(char *at, char *end, Dialect dialect, Text *field, int capacity)
{
    if (!dialect.delimiter[1]) return split_by(at, end, &dialect, 1, field, capacity);
    return split_by(at, end, &dialect, strlen(dialect.delimiter), field, capacity);
}

/* The end of a record without its line end. */
static const char *text_end(const char *at, const char *end)
{
    while (end > at && (end[-1] == '\n' || end[-1] == '\r')) end--;
    return end;
}

/* ---- Columns --------------------------------------------------------------------------------- */

/* Names such as user_id:token, where all names have a type, lose it: RecBole's atomic files. */
static void cut_types(LogColumns *columns)
{
    static const char *const types[] = {":token", ":token_seq", ":float", ":float_seq"};
    uint32_t length[LOG_COLUMNS_MAX];
    for (int i = 0; i < columns->count; i++) {
        const Text name = text_trim(columns->name[i]);
        const char *colon = memrchr(name.at, ':', name.length);
        int t = 0;
        if (!colon) return;
        length[i] = (uint32_t)(colon - name.at);
        while (t < 4 && !text_equal((Text){colon, name.length - length[i]}, text_of(types[t]))) t++;
        if (t == 4) return;
    }
    for (int i = 0; i < columns->count; i++)
        columns->name[i] = (Text){text_trim(columns->name[i]).at, length[i]};
}

/* Names without blanks around them; no two are equal. */
static Status check_names(const char *path, LogColumns *columns)
{
    for (int i = 0; i < columns->count; i++) {
        columns->name[i] = text_trim(columns->name[i]);
        for (int k = 0; k < i; k++)
            if (columns->name[i].length && text_equal(columns->name[i], columns->name[k]))
                return FAIL(ERR_FORMAT,
                            "%s: columns %d and %d are both called \"%.*s\"; give each its own "
                            "name, in the file or by [input] header = yes and columns",
                            path, k + 1, i + 1, (int)columns->name[i].length, columns->name[i].at);
    }
    return OK;
}

/* The fields of the first record, as names. */
static Status first_record(const LogHead *head, const LogLayout *l, LogColumns *columns)
{
    const char *end = record_end(head->at, head->at + head->length, l, head->last);
    columns->none = head->length == 0;
    if (columns->none) return OK;
    if (!end || end == head->at)
        return FAIL(ERR_FORMAT, "%s:1: no line end within %d bytes", head->path, RECORD_BYTES_MAX);
    const size_t length = (size_t)(text_end(head->at, end) - head->at);
    columns->memory = malloc(length + 1);
    if (!columns->memory) return FAIL(ERR_MEMORY, "%s: no memory", head->path);
    memcpy(columns->memory, head->at, length);
    columns->count = csv_split(columns->memory, columns->memory + length, l->dialect, columns->name,
                               LOG_COLUMNS_MAX);
    columns->header_bytes = (size_t)(end - head->at);
    if (columns->count >= 0 && columns->count <= LOG_COLUMNS_MAX) return cut_types(columns), OK;
    return FAIL(ERR_FORMAT, "%s:1: %s, want a header of at most %d columns", head->path,
                columns->count < 0 ? "a broken quote" : "too many columns", LOG_COLUMNS_MAX);
}

/* Logs that are published without a header often reach people with one: a first line that has just
 * the mapping's names is no row. */
static void skip_same_names(const LogHead *head, const Mapping *m, const LogLayout *l,
                            LogColumns *columns)
{
    if (first_record(head, l, columns) != OK) { /* then it is a row, if a bad one */
        status_clear();
        columns->count = -1;
    }
    bool same = columns->count == m->columns;
    for (int i = 0; same && i < m->columns; i++)
        same = text_equal(text_trim(columns->name[i]), text_of(m->column[i]));
    if (!same) columns->header_bytes = 0;
}

static Status find_columns(const LogHead *head, const Mapping *m, LogLayout *layout,
                           LogColumns *columns)
{
    layout->dialect = dialect_of(m, head->at, head->length);
    if (head->length == 0 && !(m->role[ROLE_USER][0] && m->role[ROLE_ITEM][0]))
        return FAIL(ERR_FORMAT, "%s: the log is empty, want a header and rows", head->path);
    if (!m->columns || m->header == CHOICE_YES) TRY(first_record(head, layout, columns));
    if (!m->columns && (m->header == CHOICE_NO ||
                        (m->header == CHOICE_AUTO && !columns->none && !header_is(m, columns))))
        return header_refuse(&csv_format, m, head, layout, columns);
    if (m->columns) {
        if (m->header == CHOICE_AUTO) skip_same_names(head, m, layout, columns);
        columns->count = m->columns;
        for (int i = 0; i < m->columns; i++) columns->name[i] = text_of(m->column[i]);
    }
    return check_names(head->path, columns);
}

static int field_named(const LogColumns *columns, const char *wanted)
{
    for (int i = 0; i < columns->count; i++)
        if (text_equal(columns->name[i], text_of(wanted))) return i;
    return -1;
}

static Status missing_column(const char *path, const char *wanted, const LogColumns *columns)
{
    char have[400] = "";
    for (int i = 0; i < columns->count; i++) {
        const size_t used = strlen(have);
        snprintf(have + used, sizeof have - used, "%s%.*s", i ? ", " : "",
                 (int)columns->name[i].length, columns->name[i].at);
    }
    return FAIL(ERR_FORMAT, "%s: no column \"%s\"; the columns are: %s", path, wanted, have);
}

static Status find_field(const Mapping *m, const char *path, const LogColumns *columns,
                         const char *wanted, int *field)
{
    const int part = list_text_field(&m->list, wanted);
    *field = part >= 0 ? columns->count + part : field_named(columns, wanted);
    return *field >= 0 ? OK : missing_column(path, wanted, columns);
}

static Status lay_out(const Mapping *m, const char *path, const LogColumns *columns,
                      LogLayout *layout)
{
    layout->fields = columns->count;
    for (int r = 0; r < ROLES; r++) {
        layout->role[r] = -1;
        if (m->role[r][0] && (r != ROLE_USER || strcmp(m->role[r], COLUMN_ROW) != 0))
            TRY(find_field(m, path, columns, m->role[r], &layout->role[r]));
    }
    for (int c = 0; c < m->cells; c++)
        TRY(find_field(m, path, columns, m->cell[c].column, &layout->cell[c]));
    layout->taken = *m->taken ? field_named(columns, m->taken) : -1;
    if (*m->taken && layout->taken < 0) return missing_column(path, m->taken, columns);
    for (int k = 0; k < m->list.columns; k++) {
        layout->list[k] = field_named(columns, m->list.column[k]);
        layout->then[k] = field_named(columns, m->list.then[k]);
        if (layout->list[k] < 0) return missing_column(path, m->list.column[k], columns);
        if (layout->then[k] < 0 && m->list.then[k][0])
            return missing_column(path, m->list.then[k], columns);
    }
    return OK;
}

static bool fields_of(LogRows *texts, const char *record, size_t length, const LogLayout *layout,
                      const LogColumns *columns, Text *value)
{
    length = (size_t)(text_end(record, record + length) - record);
    char *copy = length > ROW_TEXT_MAX ? NULL : rows_text(texts, length + 1);
    if (!copy) return false;
    memcpy(copy, record, length);
    for (int i = 0; i < columns->count; i++) value[i] = (Text){"", 0};
    return csv_split(copy, copy + length, layout->dialect, value, columns->count) >= 0;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static Status parse(LogRows *rows, const Mapping *m, const LogLayout *l, const LogPiece *piece)
{
    char *at = piece->text, *const end = piece->text + piece->length;
    int64_t line = piece->first_line;
    const bool lines = is_lines(at, piece->length, l);
    while (at < end) {
        const int64_t here = line;
        char *record, *stop;
        if (lines) {
            lines_next(&at, end, &record, &stop);
            line++;
        } else {
            record = at;
            stop = at = (char *)record_end(record, end, l, true);
            for (const char *p = record; (p = memchr(p, '\n', (size_t)(at - p))); p++) line++;
            if (stop > record && stop[-1] == '\n') stop--;
            if (stop > record && stop[-1] == '\r') stop--;
        }
        if (stop == record) continue;
        const uint32_t hash = (uint32_t)text_hash((Text){record, (uint32_t)(stop - record)});
        const int fields = csv_split(record, stop, l->dialect, rows->field, l->fields);
        if (fields == l->fields && m->list.columns) {
            TRY(list_add_texts(rows, m, l, piece, hash, here));
            continue;
        }
        rows->seen++;
        if (fields < 0)
            rows_bad(rows, BAD_QUOTE, here, "a quote is not closed, or text follows it");
        else if (fields != l->fields)
            rows_bad(rows, BAD_FIELDS, here, "%d fields, expected %d", fields, l->fields);
        else
            TRY(rows_add(rows, m, l, piece, rows->field, hash, here));
    }
    return OK;
}

const Format csv_format = {
    .name = "csv",
    .is_lines = is_lines,
    .record_end = record_end,
    .columns = find_columns,
    .layout = lay_out,
    .fields = fields_of,
    .parse = parse,
};
