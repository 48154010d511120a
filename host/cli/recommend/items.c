/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/recommend/items.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/number.h"
#include "base/report.h"
#include "cli/recommend/lines.h"
#include "data/behaviour/keys.h"
#include "infer/exclude.h"
#include "infer/filter.h"

/* ---- Files of keys --------------------------------------------------------------------------- */

static Status add(int32_t **item, int64_t *count, int64_t *capacity, int32_t one)
{
    if (*count == *capacity) {
        const int64_t more = 2 * *capacity + 1024;
        int32_t *grown = realloc(*item, (size_t)more * sizeof *grown);
        if (!grown) return FAIL(ERR_MEMORY, "no memory for a list of %" PRId64 " items", more);
        *item = grown;
        *capacity = more;
    }
    (*item)[(*count)++] = one;
    return OK;
}

static int64_t without_repeats(int32_t *item, int64_t count)
{
    int64_t distinct = 0;
    exclude_sort(item, count);
    for (int64_t i = 0; i < count; i++)
        if (i == 0 || item[i] != item[i - 1]) item[distinct++] = item[i];
    return distinct;
}

static Status read_keys(Behaviour *b, RecommendLines *l, int32_t **item, int64_t *count)
{
    int64_t capacity = 0, unknown = 0;
    char first[REPORT_LINE_MAX], *key;
    while (true) {
        int32_t found;
        TRY(recommend_lines_next(l, &key));
        if (!key) break;
        TRY(behaviour_keys_find_item(b, key, &found));
        if (found >= 0)
            TRY(add(item, count, &capacity, found));
        else if (unknown++ == 0)
            report_line(first, key);
    }
    if (unknown)
        fprintf(stderr,
                "souk: warning: %s: %" PRId64 " key%s of no item that the model knows, the first "
                "\"%s\"\n",
                l->path, unknown, unknown == 1 ? " is" : "s are", first);
    *count = without_repeats(*item, *count);
    return OK;
}

/* *item is not NULL afterwards, also where the file has no keys. */
static Status read_list(Behaviour *b, const char *path, int32_t **item, int64_t *count)
{
    RecommendLines l;
    *item = malloc(sizeof **item);
    if (!*item) return FAIL(ERR_MEMORY, "%s: no memory for a list of items", path);
    TRY(recommend_lines_open(&l, path));
    const Status st = read_keys(b, &l, item, count);
    recommend_lines_close(&l);
    return st;
}

/* ---- Categories ------------------------------------------------------------------------------ */

/* The part of NAME=VALUE before the =, into `name`; returns what is behind it. */
static Status split(const char *option, const char *text, char name[FEATURE_NAME_MAX],
                    const char **value)
{
    const char *equal = strrchr(text, '=');
    if (!equal || equal - text >= FEATURE_NAME_MAX)
        return FAIL(ERR_USAGE, "%s = \"%s\": want NAME=NUMBER, of a category of the items", option,
                    text);
    snprintf(name, FEATURE_NAME_MAX, "%.*s", (int)(equal - text), text);
    *value = equal + 1;
    return OK;
}

static Status whole_number(const char *option, const char *text, double low, int64_t *value)
{
    const NumberRange range = {.whole = true, .low = low, .high = INT32_MAX};
    double real;
    return number_parse(option, text, &range, &real, value);
}

static Status keep_rows(RecommendItems *r, const Behaviour *b, int kind, char *list)
{
    int32_t *row = NULL;
    int64_t rows = 0, capacity = 0;
    Status st = OK;
    for (char *text; (text = strsep(&list, ","));) {
        int64_t value;
        TRY_OR_FAIL(st, whole_number("--category", text, 0.0, &value));
        TRY_OR_FAIL(st, add(&row, &rows, &capacity, (int32_t)value));
    }
    st = filter_rows(b, kind, row, rows, &r->allow, &r->allowed);
fail:
    free(row);
    return st;
}

static Status read_category(RecommendItems *r, const Behaviour *b, const char *text)
{
    char name[FEATURE_NAME_MAX];
    const char *rows;
    int kind;
    TRY(split("--category", text, name, &rows));
    TRY(filter_kind(b, name, &kind));
    char *copy = strdup(rows);
    if (!copy) return FAIL(ERR_MEMORY, "no memory for --category");
    const Status st = keep_rows(r, b, kind, copy);
    free(copy);
    return st;
}

static Status read_cap(RecommendItems *r, const Behaviour *b, const char *text)
{
    char name[FEATURE_NAME_MAX];
    const char *most;
    TRY(split("--cap", text, name, &most));
    TRY(filter_kind(b, name, &r->cap.kind));
    return whole_number("--cap", most, 1.0, &r->cap.most);
}

/* ---- All ------------------------------------------------------------------------------------- */

static Status read_all(RecommendItems *r, Behaviour *b, const RecommendItemsOptions *o)
{
    if (o->allow || o->block) TRY(behaviour_keys_index_items(b));
    if (o->allow) TRY(read_list(b, o->allow, &r->allow, &r->allowed));
    if (o->block) TRY(read_list(b, o->block, &r->block, &r->blocked));
    if (o->category) TRY(read_category(r, b, o->category));
    return o->cap ? read_cap(r, b, o->cap) : OK;
}

Status recommend_items_open(RecommendItems *r, Behaviour *catalogue,
                            const RecommendItemsOptions *options)
{
    *r = (RecommendItems){0};
    const Status st = read_all(r, catalogue, options);
    if (st != OK) recommend_items_close(r);
    return st;
}

void recommend_items_close(RecommendItems *r)
{
    free(r->allow);
    free(r->block);
    *r = (RecommendItems){0};
}

Status recommend_items_best(const RecommendItems *r, Session *s, const History *history,
                            int64_t count, RecommendOptions how, Recommendation *out,
                            int64_t *found)
{
    how.allow = r->allow;
    how.allowed = r->allowed;
    how.block = r->block;
    how.blocked = r->blocked;
    if (r->cap.most) return capped_best(s, history, count, &how, r->cap, out, found);
    return recommend_best(s, history, count, &how, out, found);
}
