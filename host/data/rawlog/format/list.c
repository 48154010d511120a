/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/format/list.h"

#include <string.h>

int list_of(const ListSpec *list, const char *name, const char **inside)
{
    for (int k = 0; k < list->columns; k++) {
        const size_t length = strlen(list->column[k]);
        if (strncmp(name, list->column[k], length) != 0) continue;
        *inside = name + length + (name[length] == '.');
        if (name[length] == '\0' || name[length] == '.') return k;
    }
    return -1;
}

/* ---- Every format ---------------------------------------------------------------------------- */

/* Two elements may be equal in all but their place, so the hash tells the places apart: only a
 * record that is there twice has the same event twice. */
Status list_add_event(LogRows *rows, const Mapping *m, const LogLayout *layout,
                      const LogPiece *piece, uint32_t hash, int n, int64_t line)
{
    rows->seen++;
    return rows_add(rows, m, layout, piece, rows->field, hash + (uint32_t)n * 0x9E3779B9u, line);
}

bool list_check(LogRows *rows, const ListSpec *list, const int *length, int64_t line)
{
    for (int k = 1; k < list->columns; k++) {
        if (length[k] == length[0]) continue;
        rows->seen++;
        rows_bad(rows, BAD_LIST, line, "%s has %d elements and %s has %d, expected equally many",
                 list->column[0], length[0], list->column[k], length[k]);
        return false;
    }
    if (length[0] || list->then[0][0]) return true;
    rows->seen++;
    rows_bad(rows, BAD_LIST, line, "%s is empty, expected a list", list->column[0]);
    return false;
}

void list_begin_taken(LogRows *rows) { rows->takens = 0; }

bool list_add_taken(LogRows *rows, const Mapping *m, Text item, int64_t line)
{
    item = text_trim(item);
    if (mapping_is_missing(m, item)) return true;
    if (rows->takens < TAKEN_MAX) {
        rows->met[rows->takens] = false;
        rows->taken[rows->takens++] = item;
        return true;
    }
    rows->seen++;
    rows_bad(rows, BAD_LIST, line, "%s has more than %d elements", m->taken, TAKEN_MAX);
    return false;
}

void list_end_taken(LogRows *rows, const Mapping *m, int64_t line)
{
    for (int t = 0; t < rows->takens; t++) {
        const Text item = rows->taken[t];
        if (rows->met[t]) continue;
        rows->seen++;
        rows_bad(rows, BAD_LIST, line, "%s is \"%.*s\", which %s does not have", m->taken,
                 item.length > 80 ? 80 : (int)item.length, item.at, m->role[ROLE_ITEM]);
    }
}

/* ---- Text ------------------------------------------------------------------------------------ */

static int parts_of(const ListSpec *list) { return list->fields ? list->fields : 1; }

int list_text_field(const ListSpec *list, const char *name)
{
    const char *inside;
    const int k = list_of(list, name, &inside);
    if (k < 0 || (!*inside) != (list->fields == 0)) return -1;
    int part = 0;
    while (part < list->fields && strcmp(list->field[part], inside) != 0) part++;
    return part < parts_of(list) ? k * parts_of(list) + part : -1;
}

/* Without a pair of brackets, or of quotes, around it. */
static Text unwrap(Text t, const char *opening, const char *closing)
{
    t = text_trim(t);
    const char *which = t.length > 1 ? strchr(opening, t.at[0]) : NULL;
    if (which && t.at[0] && t.at[t.length - 1] == closing[which - opening])
        return text_trim((Text){t.at + 1, t.length - 2});
    return t;
}

/* The next element of the list *rest, which becomes what follows it; false at its end, where
 * rest->at is NULL. Several blanks between elements count as one. */
static bool next_element(const ListSpec *list, Text *rest, Text *element)
{
    const size_t size = strlen(list->separator);
    if (!rest->at) return false;
    if (strcmp(list->separator, " ") == 0) *rest = text_trim(*rest);
    const char *found = memmem(rest->at, rest->length, list->separator, size);
    *element = *rest;
    if (found) {
        element->length = (uint32_t)(found - rest->at);
        *rest = (Text){found + size, rest->length - element->length - (uint32_t)size};
    } else {
        rest->at = NULL;
    }
    *element = unwrap(*element, "'\"", "'\"");
    return true;
}

/* A list as *rest; an empty one has no element. */
static Text begin_list(Text cell)
{
    const Text list = unwrap(cell, "[(", "])");
    return list.length ? list : (Text){NULL, 0};
}

/* The parts of an element, from its end on, so that the first may have the separator in it. Those
 * that are absent are empty. */
static void split_element(const ListSpec *list, Text element, Text *field)
{
    const size_t size = strlen(list->field_separator);
    const int parts = parts_of(list);
    Text part[LIST_FIELDS_MAX];
    int found = 0;
    for (uint32_t at = element.length; found < parts - 1 && at >= size;) {
        at -= 1;
        if (at + size > element.length || memcmp(element.at + at, list->field_separator, size) != 0)
            continue;
        part[found++] = (Text){element.at + at + size, element.length - at - (uint32_t)size};
        element.length = at;
    }
    field[0] = element;
    for (int p = 1; p < parts; p++) field[p] = p <= found ? part[found - p] : (Text){"", 0};
}

/* The items of a cell that were taken. */
static bool read_taken(LogRows *rows, const Mapping *m, const LogLayout *l, int64_t line)
{
    Text element;
    list_begin_taken(rows);
    if (!*m->taken) return true;
    for (Text rest = begin_list(rows->field[l->taken]); next_element(&m->list, &rest, &element);)
        if (!list_add_taken(rows, m, element, line)) return false;
    return true;
}

Status list_add_texts(LogRows *rows, const Mapping *m, const LogLayout *l, const LogPiece *piece,
                      uint32_t hash, int64_t line)
{
    const ListSpec *list = &m->list;
    Text *const field = rows->field + l->fields, rest[LIST_COLUMNS_MAX], element;
    const int parts = parts_of(list);
    int length[LIST_COLUMNS_MAX] = {0}, n = 0;
    for (int k = 0; k < list->columns; k++) {
        rest[k] = begin_list(rows->field[l->list[k]]);
        while (next_element(list, &rest[k], &element)) length[k]++;
        rest[k] = begin_list(rows->field[l->list[k]]);
    }
    if (!list_check(rows, list, length, line) || !read_taken(rows, m, l, line)) return OK;
    for (; n < length[0]; n++) {
        for (int k = 0; k < list->columns; k++)
            if (next_element(list, &rest[k], &element))
                split_element(list, element, field + k * parts);
        TRY(list_add_event(rows, m, l, piece, hash, n, line));
    }
    for (int k = 0; k < list->columns && list->then[0][0]; k++)
        split_element(list, text_trim(rows->field[l->then[k]]), field + k * parts);
    if (list->then[0][0]) TRY(list_add_event(rows, m, l, piece, hash, n, line));
    list_end_taken(rows, m, line);
    return OK;
}
