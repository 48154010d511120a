/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/format/csv.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/rawlog/format/lines.h"

/* ---- Records --------------------------------------------------------------------------------- */

static bool is_lines(const char *at, size_t length) { return !memchr(at, '"', length); }

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

/* A quote that is left open ends its record at the record's first line end. */
static const char *record_end(const char *at, const char *end, char delimiter, bool last)
{
    const char *const first = lines_record_end(at, end, delimiter, last);
    if (!first || is_lines(at, (size_t)(first - at))) return first;
    const char *stop = end - at > RECORD_BYTES_MAX ? at + RECORD_BYTES_MAX : end;
    const bool whole = last || stop < end; /* no more text can close an open quote */
    for (const char *p = at; p < stop; p++) {
        if (*p == '"' && (p == at || p[-1] == delimiter)) {
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

int csv_split(char *at, char *end, char delimiter, Text *field, int capacity)
{
    int fields = 0;
    for (char *start = at;; start = at + 1, at = start) {
        Text text;
        if (at < end && *at == '"') {
            at = (char *)quoted_end(at, end);
            if (!at || (at < end && *at != delimiter)) return -1;
            text = unquote(start + 1, at - 1);
        } else {
            while (at < end && *at != delimiter) at++;
            text = (Text){start, (uint32_t)(at - start)};
        }
        if (fields < capacity) field[fields] = text;
        fields++;
        if (at == end) return fields;
    }
}

/* A copy of a record that ends at `end`, without its line end, as csv_split wants it. */
static char *copy_record(const char *at, const char *end, char **copy_end)
{
    while (end > at && (end[-1] == '\n' || end[-1] == '\r')) end--;
    char *copy = malloc((size_t)(end - at) + 1);
    if (!copy) return NULL;
    memcpy(copy, at, (size_t)(end - at));
    *copy_end = copy + (end - at);
    return copy;
}

/* ---- Columns --------------------------------------------------------------------------------- */

static char guess_delimiter(const char *line, size_t length)
{
    static const char candidates[] = ",\t;|";
    for (const char *c = candidates; *c; c++)
        if (memchr(line, *c, length)) return *c;
    return ',';
}

static Status header_names(const LogHead *head, char delimiter, LogColumns *columns)
{
    const char *end = record_end(head->at, head->at + head->length, delimiter, head->last);
    columns->none = head->length == 0;
    if (columns->none) return OK;
    if (!end || end == head->at)
        return FAIL(ERR_FORMAT, "%s:1: no line end within %d bytes", head->path, RECORD_BYTES_MAX);
    char *copy_end;
    columns->memory = copy_record(head->at, end, &copy_end);
    if (!columns->memory) return FAIL(ERR_MEMORY, "%s: no memory", head->path);
    columns->count =
        csv_split(columns->memory, copy_end, delimiter, columns->name, LOG_COLUMNS_MAX);
    columns->header_bytes = (size_t)(end - head->at);
    if (columns->count >= 0 && columns->count <= LOG_COLUMNS_MAX) return OK;
    return FAIL(ERR_FORMAT, "%s:1: %s, want a header of at most %d columns", head->path,
                columns->count < 0 ? "a broken quote" : "too many columns", LOG_COLUMNS_MAX);
}

static Status find_columns(const LogHead *head, const Mapping *m, bool wanted, LogLayout *layout,
                           LogColumns *columns)
{
    (void)wanted; /* the layout needs them in any case */
    const char *newline = memchr(head->at, '\n', head->length);
    layout->delimiter =
        m->delimiter
            ? m->delimiter
            : guess_delimiter(head->at, newline ? (size_t)(newline - head->at) : head->length);
    if (head->length == 0 && !m->mapped)
        return FAIL(ERR_FORMAT, "%s: the log is empty, want a header and rows", head->path);
    if (m->header) return header_names(head, layout->delimiter, columns);
    if (!m->columns)
        return FAIL(ERR_FORMAT, "%s: a log without header needs [input] columns", head->path);
    columns->count = m->columns;
    for (int i = 0; i < m->columns; i++) columns->name[i] = text_of(m->column[i]);
    return OK;
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

static Status lay_out(const Mapping *m, const char *path, const LogColumns *columns,
                      LogLayout *layout)
{
    layout->fields = columns->count;
    for (int r = 0; r < ROLES; r++) {
        layout->role[r] = m->role[r][0] ? field_named(columns, m->role[r]) : -1;
        const bool row = r == ROLE_USER && strcmp(m->role[r], COLUMN_ROW) == 0;
        if (m->role[r][0] && layout->role[r] < 0 && !row)
            return missing_column(path, m->role[r], columns);
    }
    for (int c = 0; c < m->cells; c++)
        if ((layout->cell[c] = field_named(columns, m->cell[c].column)) < 0)
            return missing_column(path, m->cell[c].column, columns);
    return OK;
}

static Status field_of(const char *record, size_t length, const Mapping *m, const LogLayout *layout,
                       Role role, char *out, size_t size)
{
    (void)m;
    Text field[LOG_COLUMNS_MAX];
    char *end, *copy = copy_record(record, record + length, &end);
    if (!copy) return FAIL(ERR_MEMORY, "no memory for a record");
    *out = '\0';
    if (layout->role[role] < csv_split(copy, end, layout->delimiter, field, LOG_COLUMNS_MAX)) {
        const Text text = text_trim(field[layout->role[role]]);
        snprintf(out, size, "%.*s", (int)text.length, text.at);
    }
    free(copy);
    return OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static Status parse(LogRows *rows, const Mapping *m, const LogLayout *l, const LogPiece *piece)
{
    char *at = piece->text, *const end = piece->text + piece->length;
    int64_t line = piece->first_line;
    const bool lines = is_lines(at, piece->length);
    while (at < end) {
        const int64_t here = line;
        char *record, *stop;
        if (lines) {
            lines_next(&at, end, &record, &stop);
            line++;
        } else {
            record = at;
            stop = at = (char *)record_end(record, end, l->delimiter, true);
            for (const char *p = record; (p = memchr(p, '\n', (size_t)(at - p))); p++) line++;
            if (stop > record && stop[-1] == '\n') stop--;
            if (stop > record && stop[-1] == '\r') stop--;
        }
        if (stop == record) continue;
        rows->seen++;
        const uint32_t hash = (uint32_t)text_hash((Text){record, (uint32_t)(stop - record)});
        const int fields = csv_split(record, stop, l->delimiter, rows->field, l->fields);
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
    .field = field_of,
    .parse = parse,
};
