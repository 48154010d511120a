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

/* The first object's names are copied one after the other: at first only counted. */
typedef struct {
    LogColumns *columns;
    size_t bytes;
    int names;
} Names;

static bool count_name(void *context, Text path)
{
    Names *n = context;
    n->bytes += path.length;
    return ++n->names < LOG_COLUMNS_MAX;
}

static bool copy_name(void *context, Text path)
{
    Names *n = context;
    LogColumns *columns = n->columns;
    memcpy(columns->memory + n->bytes, path.at, path.length);
    columns->name[columns->count++] = (Text){columns->memory + n->bytes, path.length};
    n->bytes += path.length;
    return columns->count < LOG_COLUMNS_MAX;
}

/* What is wrong with a text that flat_read refuses. */
static void describe_fault(const char *at, size_t length, char *why, size_t size)
{
    json_error_t error = {.text = "no JSON that souk can read"};
    json_t *value = json_loadb(at, length, JSON_ALLOW_NUL, &error);
    snprintf(why, size, "%.120s", value ? "another JSON value" : error.text);
    json_decref(value);
}

/* The names of the first object. A mapping that is given needs none: then a first line that is no
 * object is a bad row like any other. */
static Status find_columns(const LogHead *head, const Mapping *m, bool wanted, LogLayout *layout,
                           LogColumns *columns)
{
    (void)m;
    (void)layout;
    if (!wanted) return OK;
    Names names = {.columns = columns};
    const char *const end = head->at + head->length;
    if (!flat_names(head->at, end, count_name, &names)) {
        char why[128];
        const char *line = lines_record_end(head->at, end, '\0', true);
        describe_fault(head->at, (size_t)(line - head->at), why, sizeof why);
        return FAIL(ERR_FORMAT, "%s:1: %s, want a JSON object", head->path, why);
    }
    columns->memory = malloc(names.bytes + 1);
    if (!columns->memory) return FAIL(ERR_MEMORY, "%s: no memory", head->path);
    names.bytes = 0;
    flat_names(head->at, end, copy_name, &names);
    return OK;
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

static Status field_of(const char *record, size_t length, const Mapping *m, const LogLayout *layout,
                       Role role, char *out, size_t size)
{
    Flat flat = {.names = 1, .name = {text_of(m->role[role])}};
    Text value = {"", 0};
    (void)layout;
    char *copy = malloc(length + 1);
    if (!copy) return FAIL(ERR_MEMORY, "no memory for a record");
    memcpy(copy, record, length);
    if (!flat_read(&flat, copy, copy + length, &value)) value.length = 0;
    snprintf(out, size, "%.*s", (int)value.length, value.at);
    free(copy);
    return OK;
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
    .field = field_of,
    .parse = parse,
};
