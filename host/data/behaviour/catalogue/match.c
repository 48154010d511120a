/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/catalogue/match.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/key_index.h"
#include "data/behaviour/catalogue/names.h"
#include "data/behaviour/get.h"
#include "data/behaviour/identity/inputs.h"
#include "data/behaviour/store.h"

static const char remedy[] = "want a file that souk ingest --catalogue made from the model's";

static Status open_rows(RowMatch *r, int64_t then, int64_t now)
{
    *r = (RowMatch){then, now, malloc((size_t)now * sizeof *r->from + 1)};
    return r->from ? OK : FAIL(ERR_MEMORY, "no memory to match %" PRId64 " rows", now);
}

/* ---- Items ----------------------------------------------------------------------------------- */

typedef struct {
    char *text;
    size_t width;
} Keys;

static Status read_keys(Keys *k, const Behaviour *b)
{
    return get_keys(b->path, b->store->file, "/items/key", b->items, &k->text, &k->width);
}

static const char *key_of(const Keys *k, int64_t item) { return k->text + (size_t)item * k->width; }

/* Fails where an item of then, `found` [then items] says which, is none of now. */
static Status check_lost(const char *model, const Behaviour *now, const RowMatch *r, const Keys *k,
                         const bool *found)
{
    int64_t lost = 0, first = -1;
    for (int64_t i = 0; i < r->then; i++) {
        if (!found[i] && first < 0) first = i;
        lost += !found[i];
    }
    if (!lost) return OK;
    return FAIL(ERR_USAGE,
                "%s knows %" PRId64 " items that %s does not have, the first is \"%s\": %s", model,
                lost, now->path, key_of(k, first), remedy);
}

static Status find_items(CatalogueMatch *m, const char *model, const Behaviour *now,
                         const Keys *keys_then, const Keys *keys_now)
{
    RowMatch *r = &m->rows[ROWS_ITEM];
    KeyIndex index = {0};
    bool *found = calloc((size_t)r->then, sizeof *found);
    Status st;
    if (!found) return FAIL(ERR_MEMORY, "no memory to match %" PRId64 " items", r->then);
    TRY_OR_FAIL(st, key_index_open(&index, keys_then->text, keys_then->width, true, r->then));
    for (int64_t i = 0; i < r->now; i++) {
        const int64_t row = key_index_find(&index, key_of(keys_now, i));
        r->from[i] = (int32_t)row;
        m->fresh += row < 0;
        if (row >= 0) found[row] = true;
    }
    st = check_lost(model, now, r, keys_then, found);
fail:
    key_index_close(&index);
    free(found);
    return st;
}

static Status match_items(CatalogueMatch *m, const char *model, const Behaviour *then,
                          const Behaviour *now)
{
    Keys keys[2] = {{0}, {0}};
    Status st;
    TRY_OR_FAIL(st, open_rows(&m->rows[ROWS_ITEM], then->items, now->items));
    TRY_OR_FAIL(st, read_keys(&keys[0], then));
    TRY_OR_FAIL(st, read_keys(&keys[1], now));
    st = find_items(m, model, now, &keys[0], &keys[1]);
fail:
    free(keys[0].text);
    free(keys[1].text);
    return st;
}

/* ---- Categories ------------------------------------------------------------------------------ */

/* The features of one owner in both files, with the names of their categories. */
typedef struct {
    const Behaviour *file[2]; /* then, now */
    const FeatureSet *set[2];
    const char ***name[2]; /* [kinds] */
} Owned;

static int by_name(const void *a, const void *b)
{
    return strcmp(**(const char *const *const *)a, **(const char *const *const *)b);
}

/* Places in the two lists of names, in order of the names, so that equal ones meet. */
static const char **const *sorted(const char **name, int32_t count)
{
    const char ***place = malloc((size_t)count * sizeof *place + 1);
    for (int32_t i = 0; i < count && place; i++) place[i] = &name[i];
    if (place) qsort(place, (size_t)count, sizeof *place, by_name);
    return place;
}

/* from [rows now] of one kind; rows count from the first one of the kind. */
static Status match_names(int32_t *from, const Owned *o, int k)
{
    const int32_t then = o->set[0]->kind_rows[k] - 1, now = o->set[1]->kind_rows[k] - 1;
    const char **name[2] = {o->name[0][k], o->name[1][k]};
    for (int i = 0; i < 2; i++)
        if (o->set[i]->kind_rows[k] > 1 && !name[i])
            return FAIL(
                ERR_USAGE,
                "%s has no names of the rows of its category \"%s\", so that they cannot be "
                "matched with those of %s",
                o->file[i]->path, o->set[i]->kind_name[k], o->file[1 - i]->path);
    const char **const *a = sorted(name[0], then), **const *b = sorted(name[1], now);
    Status st = a && b ? OK : FAIL(ERR_MEMORY, "no memory to match %d categories", now);
    from[0] = 0;
    for (int32_t i = 0, j = 0; j < now && st == OK; j++) {
        while (i < then && strcmp(*a[i], *b[j]) < 0) i++;
        const bool equal = i < then && !strcmp(*a[i], *b[j]);
        from[1 + (b[j] - name[1])] = equal ? 1 + (int32_t)(a[i] - name[0]) : -1;
    }
    free((void *)a);
    free((void *)b);
    return st;
}

static Status match_kinds(RowMatch *r, const Owned *o)
{
    int32_t then = 0, now = 0;
    TRY(open_rows(r, o->set[0]->categories, o->set[1]->categories));
    for (int k = 0; k < o->set[1]->kinds; k++) {
        TRY(match_names(r->from + now, o, k));
        for (int32_t i = 0; i < o->set[1]->kind_rows[k]; i++)
            if (r->from[now + i] >= 0) r->from[now + i] += then;
        then += o->set[0]->kind_rows[k];
        now += o->set[1]->kind_rows[k];
    }
    return OK;
}

static Status match_categories(RowMatch *r, const Behaviour *then, const Behaviour *now, bool users)
{
    const Behaviour *const file[2] = {then, now};
    FeatureSet *copy = calloc(2, sizeof *copy);
    Status st = copy ? OK : FAIL(ERR_MEMORY, "no memory for the names of categories");
    for (int i = 0; i < 2 && st == OK; i++)
        st = names_copy(&copy[i], users ? &file[i]->user_features : &file[i]->item_features,
                        file[i], users ? names_of_users : names_of_items);
    if (st == OK) {
        const Owned o = {{then, now}, {&copy[0], &copy[1]}, {copy[0].row_name, copy[1].row_name}};
        st = match_kinds(r, &o);
    }
    for (int i = 0; i < 2 && copy; i++) names_close(&copy[i]);
    free(copy);
    return st;
}

/* ---- N-grams --------------------------------------------------------------------------------- */

/* Leaves `from` NULL where the hashes of one of the files are not known: then only models that do
 * not read texts can be matched. */
static Status match_ngrams(RowMatch *r, const ItemTexts *then, const ItemTexts *now)
{
    *r = (RowMatch){then->rows, now->rows, NULL};
    if ((then->rows && !then->buckets) || (now->rows && !now->buckets) ||
        (then->rows && now->rows && then->buckets != now->buckets))
        return OK;
    TRY(open_rows(r, then->rows, now->rows));
    int32_t *row = calloc((size_t)then->buckets + 1, sizeof *row);
    if (!row) return FAIL(ERR_MEMORY, "no memory to match %" PRId64 " n-grams", now->rows);
    for (int64_t i = 0; i < then->rows; i++) row[then->bucket[i]] = (int32_t)i + 1;
    for (int64_t i = 0; i < now->rows; i++) r->from[i] = then->rows ? row[now->bucket[i]] - 1 : -1;
    free(row);
    return OK;
}

/* ---- Scales ---------------------------------------------------------------------------------- */

/* The lists of numbers are the same (identity/inputs.h). */
static Status check_scales(const char *model, const Behaviour *file, const FeatureSet *then,
                           const FeatureSet *now, const char *what)
{
    for (int n = 0; n < now->numbers; n++)
        if (then->mean[n] != now->mean[n] || then->std[n] != now->std[n])
            return FAIL(
                ERR_USAGE,
                "%s scales the %s number \"%s\" by the mean %g and the std %g, %s by %g and "
                "%g: %s",
                model, what, now->number_name[n], (double)then->mean[n], (double)then->std[n],
                file->path, (double)now->mean[n], (double)now->std[n], remedy);
    return OK;
}

static Status check_inputs(const char *model, const Behaviour *then, const Behaviour *now)
{
    char *text = inputs_text(then);
    if (!text) return FAIL(ERR_MEMORY, "%s: no memory for the names of its inputs", model);
    const Status st = inputs_check(model, text, now, true);
    free(text);
    TRY(st);
    TRY(check_scales(model, now, &then->item_features, &now->item_features, "item"));
    TRY(check_scales(model, now, &then->user_features, &now->user_features, "user"));
    return check_scales(model, now, &then->event_features, &now->event_features, "event");
}

/* ---- All ------------------------------------------------------------------------------------- */

Status match_catalogues(CatalogueMatch *m, const char *model, const Behaviour *then,
                        const Behaviour *now)
{
    Status st;
    *m = (CatalogueMatch){0};
    TRY_OR_FAIL(st, check_inputs(model, then, now));
    TRY_OR_FAIL(st, match_items(m, model, then, now));
    TRY_OR_FAIL(st, match_categories(&m->rows[ROWS_ITEM_CATEGORY], then, now, false));
    TRY_OR_FAIL(st, match_categories(&m->rows[ROWS_USER_CATEGORY], then, now, true));
    TRY_OR_FAIL(st, match_ngrams(&m->rows[ROWS_NGRAM], &then->texts, &now->texts));
    return OK;
fail:
    match_close(m);
    return st;
}

void match_close(CatalogueMatch *m)
{
    for (int k = 0; k < ROW_KINDS; k++) free(m->rows[k].from);
    *m = (CatalogueMatch){0};
}
