/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/format/jsonl.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/rawlog/format/lines.h"

/* ---- Columns --------------------------------------------------------------------------------- */

static bool begins(const char *at, size_t length)
{
    while (length && strchr(" \t\r\n", *at)) at++, length--;
    return length && *at == '{';
}

/* Copies of an object's names, one after the other, each with its zero. */
static Status copy_names(const char *path, json_t *object, LogColumns *columns)
{
    const char *key;
    json_t *value;
    size_t bytes = 1, used = 0;
    json_object_foreach(object, key, value) bytes += strlen(key) + 1;
    columns->memory = malloc(bytes);
    if (!columns->memory) return FAIL(ERR_MEMORY, "%s: no memory", path);
    json_object_foreach(object, key, value)
    {
        if (columns->count == LOG_COLUMNS_MAX) break;
        char *name = columns->memory + used;
        const size_t length = strlen(key);
        memcpy(name, key, length + 1);
        columns->name[columns->count++] = (Text){name, (uint32_t)length};
        used += length + 1;
    }
    return OK;
}

/* The names of the first object. A mapping that is given needs none: then a first line that is no
 * object is a bad row like any other. */
static Status find_columns(const LogHead *head, const Mapping *m, bool wanted, LogLayout *layout,
                           LogColumns *columns)
{
    (void)m;
    (void)layout;
    if (!wanted) return OK;
    json_error_t error;
    json_t *object = json_loadb(head->at, head->length, JSON_DISABLE_EOF_CHECK, &error);
    const Status st = json_is_object(object)
                          ? copy_names(head->path, object, columns)
                          : FAIL(ERR_FORMAT, "%s:1: %s, want a JSON object", head->path,
                                 object ? "another JSON value" : error.text);
    json_decref(object);
    return st;
}

/* Fields are those that are looked up by name: first the roles, then the cells. */
static Status lay_out(const Mapping *m, const char *path, const LogColumns *columns, LogLayout *l)
{
    (void)path;
    (void)columns;
    l->fields = ROLES + m->cells;
    for (int r = 0; r < ROLES; r++) l->role[r] = m->role[r][0] ? r : -1;
    if (strcmp(m->role[ROLE_USER], COLUMN_ROW) == 0) l->role[ROLE_USER] = -1;
    for (int c = 0; c < m->cells; c++) l->cell[c] = ROLES + c;
    return OK;
}

static Status field_of(const char *record, size_t length, const Mapping *m, const LogLayout *layout,
                       Role role, char *out, size_t size)
{
    (void)layout;
    json_t *object = json_loadb(record, length, 0, NULL);
    const json_t *value = json_object_get(object, m->role[role]);
    *out = '\0';
    if (json_is_string(value)) snprintf(out, size, "%s", json_string_value(value));
    if (json_is_number(value)) snprintf(out, size, "%.15g", json_number_value(value));
    json_decref(object);
    return OK;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* A scalar as text; the empty text for null, absent or nested values. */
static Status scalar_text(LogRows *rows, const json_t *value, Text *out)
{
    *out = (Text){"", 0};
    if (!value || json_is_null(value) || json_is_object(value) || json_is_array(value)) return OK;
    if (json_is_boolean(value)) {
        *out = text_of(json_is_true(value) ? "1" : "0");
        return OK;
    }
    const size_t size = json_is_string(value) ? json_string_length(value) : 40;
    /* A key that is too long stays too long, so that rows_add refuses it instead of taking a
     * part. */
    const size_t kept = size > KEY_MAX + 1 ? KEY_MAX + 1 : size;
    char *at = rows_text(rows, kept + 1);
    if (!at) return FAIL(ERR_MEMORY, "no memory for JSON texts");
    if (json_is_string(value))
        memcpy(at, json_string_value(value), kept);
    else if (json_is_integer(value))
        out->length =
            (uint32_t)snprintf(at, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    else
        out->length = (uint32_t)snprintf(at, size, "%.17g", json_real_value(value));
    if (json_is_string(value)) out->length = (uint32_t)kept;
    out->at = at;
    return OK;
}

static Status add_object(LogRows *rows, const Mapping *m, const LogLayout *l, const LogPiece *piece,
                         const json_t *object, uint32_t hash, int64_t line)
{
    for (int r = 0; r < ROLES; r++)
        if (l->role[r] >= 0)
            TRY(scalar_text(rows, json_object_get(object, m->role[r]), &rows->field[r]));
    for (int c = 0; c < m->cells; c++)
        TRY(scalar_text(rows, json_object_get(object, m->cell[c].column), &rows->field[ROLES + c]));
    return rows_add(rows, m, l, piece, rows->field, hash, line);
}

static Status parse(LogRows *rows, const Mapping *m, const LogLayout *l, const LogPiece *piece)
{
    char *at = piece->text, *line, *end;
    int64_t number = piece->first_line;
    for (; lines_next(&at, piece->text + piece->length, &line, &end); number++) {
        json_error_t error;
        const Text text = text_trim((Text){line, (uint32_t)(end - line)});
        if (text.length == 0) continue;
        rows->seen++;
        json_t *object = json_loadb(text.at, text.length, JSON_ALLOW_NUL, &error);
        Status st = OK;
        if (json_is_object(object))
            st = add_object(rows, m, l, piece, object, (uint32_t)text_hash(text), number);
        else
            rows_bad(rows, BAD_JSON, number, "%.120s, expected one JSON object a line",
                     object ? "another JSON value" : error.text);
        json_decref(object);
        TRY(st);
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
