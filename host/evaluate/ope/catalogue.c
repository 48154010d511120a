/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/catalogue.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "data/behaviour/keys.h"

/* Keys of items that the behaviour file does not have. */
typedef struct {
    char **key;
    size_t count, capacity;
} Unknown;

static Status remember(Unknown *u, const char *key)
{
    if (u->count == u->capacity) {
        const size_t capacity = 2 * u->capacity + 64;
        char **more = realloc(u->key, capacity * sizeof *more);
        if (!more) return FAIL(ERR_MEMORY, "no memory for %zu keys of items", capacity);
        u->key = more;
        u->capacity = capacity;
    }
    char *copy = strdup(key);
    if (!copy) return FAIL(ERR_MEMORY, "no memory for the key of an item");
    u->key[u->count++] = copy;
    return OK;
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int64_t count_distinct(Unknown *u)
{
    int64_t distinct = 0;
    if (u->count) qsort(u->key, u->count, sizeof *u->key, by_text);
    for (size_t k = 0; k < u->count; k++)
        distinct += k == 0 || strcmp(u->key[k - 1], u->key[k]) != 0;
    return distinct;
}

static Status read_keys(OpeCatalogue *c, Behaviour *file, FILE *in)
{
    Unknown unknown = {0};
    char *line = NULL;
    size_t capacity = 0;
    int32_t item;
    Status st = OK;
    while (getline(&line, &capacity, in) > 0 && st == OK) {
        line[strcspn(line, "\r\n")] = '\0';
        if (!*line) continue;
        TRY_OR_FAIL(st, behaviour_keys_find_item(file, line, &item));
        if (item < 0)
            st = remember(&unknown, line);
        else if (!c->listed[item])
            c->listed[item] = true, c->choices++;
    }
    c->choices += count_distinct(&unknown);
    if (st == OK && ferror(in)) st = FAIL(ERR_IO, "%s: %s", c->from, strerror(errno));
    if (st == OK && c->choices == 0)
        st = FAIL(ERR_FORMAT, "%s: no key of an item, want one on each line", c->from);
fail:
    for (size_t k = 0; k < unknown.count; k++) free(unknown.key[k]);
    free(unknown.key);
    free(line);
    return st;
}

static Status open_list(OpeCatalogue *c, Behaviour *file)
{
    c->listed = calloc((size_t)file->items + 1, sizeof *c->listed);
    if (!c->listed) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", file->items);
    TRY(behaviour_keys_index_items(file));
    FILE *in = fopen(c->from, "r");
    if (!in)
        return FAIL(ERR_IO,
                    "--catalogue %s: %s; want a number of items, or a file with the key of one "
                    "item on each line",
                    c->from, strerror(errno));
    const Status st = read_keys(c, file, in);
    fclose(in);
    return st;
}

Status ope_catalogue_open(OpeCatalogue *c, Behaviour *file, const char *text)
{
    *c = (OpeCatalogue){.from = text};
    if (!text) {
        c->choices = file->items;
        return OK;
    }
    if (strspn(text, "0123456789") == strlen(text)) {
        const NumberRange range = {.whole = true, .low = (double)file->items, .high = 1e18};
        double real;
        return number_parse("--catalogue", text, &range, &real, &c->choices);
    }
    const Status st = open_list(c, file);
    if (st != OK) ope_catalogue_close(c);
    return st;
}

void ope_catalogue_close(OpeCatalogue *c)
{
    free(c->listed);
    *c = (OpeCatalogue){0};
}

Status ope_catalogue_check(const OpeCatalogue *c, Behaviour *file, const int64_t *event,
                           const int32_t *item, int64_t count)
{
    for (int64_t i = 0; c->listed && i < count; i++) {
        const char *key;
        if (c->listed[item[i]]) continue;
        TRY(behaviour_keys_item(file, item[i], &key));
        return FAIL(ERR_FORMAT,
                    "%s: event %" PRId64
                    " shows the item \"%.100s\", which %s does not list; want a list of all items "
                    "that could be shown",
                    file->path, event[i], key, c->from);
    }
    return OK;
}
