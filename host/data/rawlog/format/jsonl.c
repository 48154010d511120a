/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/format/jsonl.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/rawlog/format/flat.h"
#include "data/rawlog/format/lines.h"
#include "data/rawlog/format/list.h"
#include "data/rawlog/format/python.h"

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
        const size_t size = (size_t)(stop - at);
        char *json = python_begins(at, stop) ? malloc(PYTHON_GROWTH * size) : NULL;
        if (json)
            found |= flat_names(json, json + python_rewrite(at, stop, json), add_name, columns);
        else
            found |= flat_names(at, stop, add_name, columns);
        free(json);
        at = stop;
    }
    if (found || (m->role[ROLE_USER][0] && m->role[ROLE_ITEM][0])) return OK;
    char why[128];
    const char *line = lines_record_end(head->at, end, layout, true);
    describe_fault(head->at, (size_t)(line - head->at), why, sizeof why);
    return FAIL(ERR_FORMAT, "%s:1: %s, want a JSON object", head->path, why);
}

/* The names that the mapping needs: of the record, and of the elements of its lists. */
typedef struct {
    Flat record, element[LIST_COLUMNS_MAX];
    int whole[LIST_COLUMNS_MAX]; /* the field of an element that is no object, */
    int first[LIST_COLUMNS_MAX]; /* and the first one of an element that is an object */
} Wanted;

static int want(Flat *flat, const char *column)
{
    const Text name = text_of(column);
    for (int i = 0; i < flat->names; i++)
        if (text_equal(flat->name[i], name)) return i;
    flat->name[flat->names] = name;
    return flat->names++;
}

/* The number of the field that has a column's name. */
static int field_of(Wanted *w, const Mapping *m, const char *column)
{
    const char *inside;
    const int k = list_of(&m->list, column, &inside);
    if (k < 0) return want(&w->record, column);
    return *inside ? w->first[k] + want(&w->element[k], inside) : w->whole[k];
}

static void want_fields(Wanted *w, const Mapping *m, LogLayout *l)
{
    for (int r = 0; r < ROLES; r++) {
        const bool row = r == ROLE_USER && strcmp(m->role[r], COLUMN_ROW) == 0;
        l->role[r] = m->role[r][0] && !row ? field_of(w, m, m->role[r]) : -1;
    }
    for (int c = 0; c < m->cells; c++) l->cell[c] = field_of(w, m, m->cell[c].column);
}

/* Fields of elements follow those of the record, so that their numbers are known once all names
 * are. */
static void want_all(Wanted *w, const Mapping *m, LogLayout *l)
{
    const ListSpec *list = &m->list;
    for (int k = 0; k < list->columns; k++) l->list[k] = want(&w->record, list->column[k]);
    w->record.arrays = w->record.names;
    l->taken = *m->taken ? want(&w->record, m->taken) : -1;
    w->record.either = w->record.names - w->record.arrays;
    for (int k = 0; k < list->columns; k++)
        l->then[k] = list->then[k][0] ? want(&w->record, list->then[k]) : -1;
    want_fields(w, m, l);
    l->fields = w->record.names;
    for (int k = 0, next = l->fields; k < list->columns; k++) {
        w->whole[k] = next;
        w->first[k] = next + 1;
        next += 1 + w->element[k].names;
    }
    want_fields(w, m, l);
}

static Status lay_out(const Mapping *m, const char *path, const LogColumns *columns, LogLayout *l)
{
    Wanted *w = calloc(1, sizeof *w);
    (void)columns;
    if (!w) return FAIL(ERR_MEMORY, "%s: no memory", path);
    want_all(w, m, l);
    free(w);
    return OK;
}

/* A copy of a record, in JSON. */
static size_t copy_json(const char *record, size_t length, char *out)
{
    if (python_begins(record, record + length)) return python_rewrite(record, record + length, out);
    memcpy(out, record, length);
    return length;
}

static bool fields_of(LogRows *texts, const char *record, size_t length, const LogLayout *layout,
                      const LogColumns *columns, Text *value)
{
    (void)layout;
    for (int first = 0; first < columns->count; first += FLAT_NAMES_MAX) {
        Flat flat = {0};
        const size_t size = PYTHON_GROWTH * length + 1;
        char *copy = size > ROW_TEXT_MAX ? NULL : rows_text(texts, size);
        if (!copy) return false;
        const size_t copied = copy_json(record, length, copy);
        for (int i = first; i < columns->count && flat.names < FLAT_NAMES_MAX; i++)
            flat.name[flat.names++] = columns->name[i];
        if (!flat_read(&flat, copy, copy + copied, value + first)) return false;
    }
    return columns->count > 0;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

/* The next element of an array, whose bracket or the element before is in front of *at. */
static bool next_element(char **at, char *end, char **element, char **element_end)
{
    *at = (char *)scan_blanks(*at + 1, end);
    if (*at >= end || **at == ']') return false;
    *element = *at;
    *element_end = (char *)scan_value(*at, end, 0);
    *at = (char *)scan_blanks(*element_end, end);
    return true;
}

static int count_elements(Text array)
{
    char *at = (char *)array.at, *const end = at + array.length, *element, *element_end;
    int count = 0;
    while (array.length && next_element(&at, end, &element, &element_end)) count++;
    return count;
}

static void take_element(Wanted *w, int k, char *at, char *end, Text *field)
{
    Flat *flat = &w->element[k];
    field[w->whole[k]] = flat_text(at, end);
    for (int i = 0; i < flat->names; i++) field[w->first[k] + i] = (Text){"", 0};
    if (flat->names && *at == '{') flat_read(flat, at, end, field + w->first[k]);
}

/* The items that were taken: of an array, or one. */
static bool read_taken(LogRows *rows, const Mapping *m, const LogLayout *l, int64_t line)
{
    list_begin_taken(rows);
    if (!*m->taken) return true;
    const Text value = rows->field[l->taken];
    if (!flat_is_array(value)) return list_add_taken(rows, m, value, line);
    char *at = (char *)value.at, *const end = at + value.length, *element, *element_end;
    while (next_element(&at, end, &element, &element_end))
        if (!list_add_taken(rows, m, flat_text(element, element_end), line)) return false;
    return true;
}

/* An event for each element of the record's lists. */
static Status add_elements(LogRows *rows, const Mapping *m, const LogLayout *l,
                           const LogPiece *piece, Wanted *w, uint32_t hash, int64_t line)
{
    const ListSpec *list = &m->list;
    char *at[LIST_COLUMNS_MAX];
    int length[LIST_COLUMNS_MAX], n = 0;
    for (int k = 0; k < list->columns; k++) {
        at[k] = (char *)rows->field[l->list[k]].at;
        length[k] = count_elements(rows->field[l->list[k]]);
    }
    if (!list_check(rows, list, length, line) || !read_taken(rows, m, l, line)) return OK;
    for (; n < length[0]; n++) {
        for (int k = 0; k < list->columns; k++) {
            const Text array = rows->field[l->list[k]];
            char *element, *end;
            if (next_element(&at[k], (char *)array.at + array.length, &element, &end))
                take_element(w, k, element, end, rows->field);
        }
        TRY(list_add_event(rows, m, l, piece, hash, n, line));
    }
    for (int k = 0; k < list->columns && list->then[0][0]; k++)
        rows->field[w->whole[k]] = rows->field[l->then[k]];
    if (list->then[0][0]) TRY(list_add_event(rows, m, l, piece, hash, n, line));
    list_end_taken(rows, m, line);
    return OK;
}

static Status parse_lines(LogRows *rows, const Mapping *m, const LogLayout *l,
                          const LogPiece *piece, Wanted *w)
{
    char *at = piece->text, *line, *end;
    int64_t number = piece->first_line;
    for (; lines_next(&at, piece->text + piece->length, &line, &end); number++) {
        const Text text = text_trim((Text){line, (uint32_t)(end - line)});
        if (text.length == 0) continue;
        const uint32_t hash = (uint32_t)text_hash(text);
        const bool good = flat_read(&w->record, line, end, rows->field);
        if (good && m->list.columns) {
            TRY(add_elements(rows, m, l, piece, w, hash, number));
            continue;
        }
        rows->seen++;
        if (good) {
            TRY(rows_add(rows, m, l, piece, rows->field, hash, number));
            continue;
        }
        char why[128];
        describe_fault(text.at, text.length, why, sizeof why);
        rows_bad(rows, BAD_JSON, number, "%s, expected one JSON object a line", why);
    }
    return OK;
}

static Status parse(LogRows *rows, const Mapping *m, const LogLayout *l, const LogPiece *piece)
{
    LogLayout same = *l;
    Wanted *w = calloc(1, sizeof *w);
    if (!w) return FAIL(ERR_MEMORY, "no memory to read JSON");
    want_all(w, m, &same);
    LogPiece json = *piece;
    Status st = OK;
    if (python_begins(json.text, json.text + json.length)) {
        json.text = rows_buffer(rows, PYTHON_GROWTH * json.length);
        if (json.text)
            json.length = python_rewrite(piece->text, piece->text + piece->length, json.text);
        else
            st = FAIL(ERR_MEMORY, "no memory to read Python's dictionaries");
    }
    if (st == OK) st = parse_lines(rows, m, l, &json, w);
    free(w);
    return st;
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
