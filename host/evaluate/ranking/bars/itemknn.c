/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/bars/itemknn.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>

enum { NEIGHBOURS, REACH }; /* the bar's parameters */

typedef struct {
    double similarity;
    int32_t item;
} Entry;

/* A row under construction; `count` is zero between rows. */
typedef struct {
    int32_t *count; /* [items] users with both items */
    int32_t *met;   /* [items] */
    Entry *entry;   /* [items] */
    int32_t length;
} Row;

static int by_similarity(const void *a, const void *b)
{
    const Entry *x = a, *y = b;
    if (x->similarity != y->similarity) return x->similarity > y->similarity ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* Fills row->entry, by falling similarity. */
static void build(Row *row, const Sets *sets, int32_t x, double shrink)
{
    row->length = 0;
    for (int64_t i = sets->offset[x]; i < sets->offset[x + 1]; i++) {
        const int32_t p = sets->holder[i];
        for (int64_t j = sets->first[p]; j < sets->first[p + 1]; j++) {
            const int32_t y = sets->item[j];
            if (y == x) continue;
            if (!row->count[y]++) row->met[row->length++] = y;
        }
    }
    const double of_x = (double)sets_holders(sets, x);
    for (int32_t k = 0; k < row->length; k++) {
        const int32_t y = row->met[k];
        row->entry[k] =
            (Entry){row->count[y] / (sqrt(of_x * (double)sets_holders(sets, y)) + shrink), y};
        row->count[y] = 0;
    }
    qsort(row->entry, (size_t)row->length, sizeof *row->entry, by_similarity);
}

static int32_t row_width(const ItemKnn *k, const Row *row)
{
    return row->length < k->width ? row->length : k->width;
}

/* The first pass finds the sizes of the rows, offset[x+1]; the second one stores them. */
static void pass(ItemKnn *k, const Sets *sets, double shrink, Row *rows, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(dynamic, 64)
    for (int32_t x = 0; x < sets->items; x++) {
        Row *row = &rows[omp_get_thread_num()];
        build(row, sets, x, shrink);
        for (int32_t i = 0; k->item && i < row_width(k, row); i++) {
            k->item[k->offset[x] + i] = row->entry[i].item;
            k->similarity[k->offset[x] + i] = row->entry[i].similarity;
        }
        if (!k->item) k->offset[x + 1] = row_width(k, row);
    }
}

static void rows_close(Row *rows, int threads)
{
    for (int i = 0; rows && i < threads; i++) {
        free(rows[i].count);
        free(rows[i].met);
        free(rows[i].entry);
    }
    free(rows);
}

static Row *rows_open(int threads, int32_t items)
{
    const size_t count = (size_t)items + 1;
    Row *rows = calloc((size_t)threads, sizeof *rows);
    for (int i = 0; rows && i < threads; i++) {
        rows[i].count = calloc(count, sizeof *rows[i].count);
        rows[i].met = malloc(count * sizeof *rows[i].met);
        rows[i].entry = malloc(count * sizeof *rows[i].entry);
        if (rows[i].count && rows[i].met && rows[i].entry) continue;
        rows_close(rows, threads);
        return NULL;
    }
    return rows;
}

Status itemknn_fit(ItemKnn *k, const Sets *sets, const Popularity *popularity, double shrink,
                   int width, int threads)
{
    Status st = OK;
    *k = (ItemKnn){.popularity = popularity, .width = width};
    Row *rows = rows_open(threads, sets->items);
    k->offset = calloc((size_t)sets->items + 1, sizeof *k->offset);
    if (!rows || !k->offset)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for rows of %" PRId32 " items", sets->items));
    pass(k, sets, shrink, rows, threads);
    for (int32_t x = 0; x < sets->items; x++) k->offset[x + 1] += k->offset[x];
    const size_t entries = (size_t)k->offset[sets->items];
    k->item = malloc(entries * sizeof *k->item + 1);
    k->similarity = malloc(entries * sizeof *k->similarity + 1);
    if (!k->item || !k->similarity)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for %zu pairs of items", entries));
    pass(k, sets, shrink, rows, threads);
fail:
    rows_close(rows, threads);
    if (st != OK) itemknn_close(k);
    return st;
}

void itemknn_close(ItemKnn *k)
{
    free(k->offset);
    free(k->item);
    free(k->similarity);
    *k = (ItemKnn){0};
}

static void score(const Bar *self, BarScratch *s, const BarHistory *h)
{
    const ItemKnn *k = self->state;
    const double reach = self->parameter[REACH];
    const int32_t count = bar_recent(s, h, reach < (double)h->length ? (int64_t)reach : h->length);
    for (int32_t j = 0; j < count; j++) {
        const int64_t first = k->offset[s->recent[j]];
        int64_t end = k->offset[s->recent[j] + 1];
        if (end > first + (int64_t)self->parameter[NEIGHBOURS])
            end = first + (int64_t)self->parameter[NEIGHBOURS];
        for (int64_t i = first; i < end; i++) bar_touch(s, k->item[i], k->similarity[i]);
    }
}

Bar itemknn_bar(const ItemKnn *k, int neighbours, int64_t reach)
{
    return (Bar){.name = "ItemKNN",
                 .popularity = k->popularity,
                 .state = k,
                 .parameter = {[NEIGHBOURS] = neighbours, [REACH] = (double)reach},
                 .score = score};
}
