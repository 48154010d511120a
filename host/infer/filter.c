/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/filter.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"

Status filter_kind(const Behaviour *b, const char *name, int *kind)
{
    const FeatureSet *f = &b->item_features;
    Nearest near = nearest_to(name);
    char known[FEATURES_MAX * (FEATURE_NAME_MAX + 2)] = "";
    size_t used = 0;
    for (int k = 0; k < f->kinds; k++) {
        if (!strcmp(name, f->kind_name[k])) return *kind = k, OK;
        nearest_offer(&near, f->kind_name[k]);
        used += (size_t)snprintf(known + used, sizeof known - used, "%s%s", k ? ", " : "",
                                 f->kind_name[k]);
    }
    if (f->kinds == 0)
        return FAIL(ERR_USAGE, "%s: its items have no category \"%s\", nor any other", b->path,
                    name);
    return FAIL(ERR_USAGE, "%s: its items have no category \"%s\"%s, want one of %s", b->path, name,
                nearest_hint(&near), known);
}

/* The first row of a kind in the joint table of all. */
static int32_t first_row(const FeatureSet *f, int kind)
{
    int32_t first = 0;
    for (int k = 0; k < kind; k++) first += f->kind_rows[k];
    return first;
}

int32_t filter_row(const Behaviour *b, int kind, int32_t item)
{
    const FeatureSet *f = &b->item_features;
    return f->category[(int64_t)item * f->kinds + kind] - first_row(f, kind);
}

static Status list_all(const Behaviour *b, int32_t **item, int64_t *count)
{
    if (*item) return OK;
    *item = malloc((size_t)b->items * sizeof **item);
    if (!*item) return FAIL(ERR_MEMORY, "no memory for a list of %" PRId64 " items", b->items);
    for (int32_t i = 0; i < b->items; i++) (*item)[i] = i;
    *count = b->items;
    return OK;
}

Status filter_rows(const Behaviour *b, int kind, const int32_t *row, int64_t rows, int32_t **list,
                   int64_t *count)
{
    const FeatureSet *f = &b->item_features;
    const int32_t all = f->kind_rows[kind], first = first_row(f, kind);
    int64_t kept = 0;
    TRY(list_all(b, list, count));
    int32_t *item = *list;
    bool *wanted = calloc((size_t)all, sizeof *wanted);
    Status st = OK;
    if (!wanted) return FAIL(ERR_MEMORY, "no memory for %" PRId32 " categories", all);
    for (int64_t i = 0; i < rows && st == OK; i++) {
        if (row[i] < 0 || row[i] >= all)
            st = FAIL(ERR_USAGE, "%s: %s has no row %" PRId32 ", want 0 to %" PRId32, b->path,
                      f->kind_name[kind], row[i], all - 1);
        else
            wanted[row[i]] = true;
    }
    for (int64_t i = 0; i < *count && st == OK; i++)
        if (wanted[f->category[(int64_t)item[i] * f->kinds + kind] - first]) item[kept++] = item[i];
    if (st == OK) *count = kept;
    free(wanted);
    return st;
}
