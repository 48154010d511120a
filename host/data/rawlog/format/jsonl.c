/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/format/jsonl.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/rawlog/format/flat.h"
#include "data/rawlog/format/lines.h"

/* ---- Columns --------------------------------------------------------------------------------- */

static bool begins(const char *at, size_t length)
{
    while (length && strchr(" \t\r\n", *at)) at++, length--;
    return length && *at == '{';
}

/* Adds a name, unless the columns have it; one that is too long for a mapping is left out. */
static bool add_name(void *context, Text path)
{
    LogColumns *columns = context;
    int c = 0;
    while (c < columns->count && !text_equal(columns->name[c], path)) c++;
    if (c == LOG_COLUMNS_MAX) return false;
    if (c < columns->count || path.length >= NAME_MAX_BYTES) return true;
    char *copy = columns->memory + c * NAME_MAX_BYTES;
    memcpy(copy, path.at, path.length);
    columns->name[columns->count++] = (Text){copy, path.length};
    return true;
}

/* What is wrong with a text that flat_read refuses. */
static void describe_fault(const char *at, size_t length, char *why, size_t size)
{
    json_error_t error = {.text = "no JSON that souk can read"};
    json_t *value = json_loadb(at, length, JSON_ALLOW_NUL, &error);
    snprintf(why, size, "%.120s", value ? "another JSON value" : error.text);
    char *quoted = strstr(why, " near '"); /* the log's text has no place in reports */
    if (quoted) *quoted = '\0';
    json_decref(value);
}

/* The names of the first objects, which need not all have the same. Where the mapping is complete,
 * lines that are no objects are bad rows like any others. */
static Status find_columns(const LogHead *head, const Mapping *m, LogLayout *layout,
                           LogColumns *columns)
{
    enum { LINES = 100 };
    const char *at = head->at, *const end = at + head->length;
    bool found = false;
    columns->memory = malloc(LOG_COLUMNS_MAX * NAME_MAX_BYTES);
    if (!columns->memory) return FAIL(ERR_MEMORY, "%s: no memory", head->path);
    for (int line = 0; line < LINES && at < end; line++) {
        const char *stop = lines_record_end(at, end, layout, true);
        found |= flat_names(at, stop, add_name, columns);
        at = stop;
    }
    if (found || (m->role[ROLE_USER][0] && m->role[ROLE_ITEM][0])) return OK;
    char why[128];
    const char *line = lines_record_end(head->at, end, layout, true);
    describe_fault(head->at, (size_t)(line - head->at), why, sizeof why);
    return FAIL(ERR_FORMAT, "%s:1: %s, want a JSON object", head->path, why);
}

static int want(Flat *flat, const char *column)
{
    const Text name = text_of(column);
    for (int i = 0; i < flat->names; i++)
        if (text_equal(flat->name[i], name)) return i;
    flat->name[flat->names] = name;
    return flat->names++;
}

/* The names that the roles and cells need, and the number of the one that each of them has. */
static void want_all(Flat *flat, const Mapping *m, LogLayout *l)
{
    for (int r = 0; r < ROLES; r++) {
        const bool row = r == ROLE_USER && strcmp(m->role[r], COLUMN_ROW) == 0;
        l->role[r] = m->role[r][0] && !row ? want(flat, m->role[r]) : -1;
    }
    for (int c = 0; c < m->cells; c++) l->cell[c] = want(flat, m->cell[c].column);
    l->fields = flat->names;
}

static Status lay_out(const Mapping *m, const char *path, const LogColumns *columns, LogLayout *l)
{
    Flat flat = {0};
    (void)path;
    (void)columns;
    want_all(&flat, m, l);
    return OK;
}

static bool fields_of(LogRows *texts, const char *record, size_t length, const LogLayout *layout,
                      const LogColumns *columns, Text *value)
{
    (void)layout;
    for (int first = 0; first < columns->count; first += FLAT_NAMES_MAX) {
        Flat flat = {0};
        char *copy = length > ROW_TEXT_MAX ? NULL : rows_text(texts, length + 1);
        if (!copy) return false;
        memcpy(copy, record, length);
        for (int i = first; i < columns->count && flat.names < FLAT_NAMES_MAX; i++)
            flat.name[flat.names++] = columns->name[i];
        if (!flat_read(&flat, copy, copy + length, value + first)) return false;
    }
    return columns->count > 0;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static Status parse(LogRows *rows, const Mapping *m, const LogLayout *l, const LogPiece *piece)
{
    Flat flat = {0};
    LogLayout same = *l;
    char *at = piece->text, *line, *end;
    int64_t number = piece->first_line;
    want_all(&flat, m, &same);
    for (; lines_next(&at, piece->text + piece->length, &line, &end); number++) {
        const Text text = text_trim((Text){line, (uint32_t)(end - line)});
        if (text.length == 0) continue;
        rows->seen++;
        const uint32_t hash = (uint32_t)text_hash(text);
        if (flat_read(&flat, line, end, rows->field)) {
            TRY(rows_add(rows, m, l, piece, rows->field, hash, number));
            continue;
        }
        char why[128];
        describe_fault(text.at, text.length, why, sizeof why);
        rows_bad(rows, BAD_JSON, number, "%s, expected one JSON object a line", why);
    }
    return OK;
}

const Format jsonl_format = {
    .name = "jsonl",
    .begins = begins,
    .record_end = lines_record_end,
    .columns = find_columns,
    .layout = lay_out,
    .fields = fields_of,
    .parse = parse,
};
