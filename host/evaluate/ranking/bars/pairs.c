/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/bars/pairs.h"

#include <inttypes.h>
#include <omp.h>
#include <stdlib.h>

/* The train events, one history after the other, and where each item occurs in them. */
typedef struct {
    int64_t count;
    int32_t *item;           /* [count] */
    uint8_t *before, *after; /* [count] neighbours within the window and the history */
    int64_t *offset;         /* [items+1] item x occurs at[offset[x]] .. at[offset[x+1]-1] */
    int64_t *at;             /* [count] */
} Occurrences;

static void occurrences_close(Occurrences *o)
{
    free(o->item);
    free(o->before);
    free(o->after);
    free(o->offset);
    free(o->at);
}

static void occurrences_fill(Occurrences *o, const Histories *h, int window)
{
    int64_t i = 0;
    for (int64_t u = 0; u < h->users; u++) {
        const int64_t first = h->train[u][0], end = h->train[u][1];
        for (int64_t e = first; e < end; e++, i++) {
            o->item[i] = h->item[e];
            o->before[i] = (uint8_t)(e - first < window ? e - first : window);
            o->after[i] = (uint8_t)(end - 1 - e < window ? end - 1 - e : window);
            o->offset[h->item[e] + 1]++;
        }
    }
    for (int32_t x = 0; x < h->items; x++) o->offset[x + 1] += o->offset[x];
    for (i = 0; i < o->count; i++) o->at[o->offset[o->item[i]]++] = i;
    for (int32_t x = h->items; x > 0; x--) o->offset[x] = o->offset[x - 1];
    o->offset[0] = 0;
}

static Status occurrences_open(Occurrences *o, const Histories *h, int window)
{
    *o = (Occurrences){0};
    for (int64_t u = 0; u < h->users; u++) o->count += h->train[u][1] - h->train[u][0];
    o->item = malloc((size_t)o->count * sizeof *o->item + 1);
    o->before = malloc((size_t)o->count + 1);
    o->after = malloc((size_t)o->count + 1);
    o->offset = calloc((size_t)h->items + 1, sizeof *o->offset);
    o->at = malloc((size_t)o->count * sizeof *o->at + 1);
    if (!o->item || !o->before || !o->after || !o->offset || !o->at)
        return FAIL(ERR_MEMORY, "no memory to index %" PRId64 " train events", o->count);
    occurrences_fill(o, h, window);
    return OK;
}

/* A row under construction, as dense sums; all but those of `touched` are zero. */
typedef struct {
    double *sum;      /* [items] */
    int32_t *touched; /* [items] */
    int32_t count;
} PairRow;

static void row_add(PairRow *r, int32_t y, int64_t weight)
{
    if (!weight) return;
    if (r->sum[y] == 0.0) r->touched[r->count++] = y;
    r->sum[y] += (double)weight;
}

static void row_build(PairRow *r, const Occurrences *o, const PairWeights *w, int32_t x)
{
    for (int64_t i = o->offset[x]; i < o->offset[x + 1]; i++) {
        const int64_t at = o->at[i];
        for (int g = 1; g <= o->after[at]; g++) row_add(r, o->item[at + g], w->forward[g]);
        for (int g = 1; g <= o->before[at]; g++) row_add(r, o->item[at - g], w->backward[g]);
    }
}

static void row_clear(PairRow *r)
{
    for (int32_t k = 0; k < r->count; k++) r->sum[r->touched[k]] = 0.0;
    r->count = 0;
}

static Status rows_open(PairRow **rows, int threads, int32_t items)
{
    *rows = calloc((size_t)threads, sizeof **rows);
    for (int i = 0; *rows && i < threads; i++) {
        (*rows)[i].sum = calloc((size_t)items + 1, sizeof(double));
        (*rows)[i].touched = malloc(((size_t)items + 1) * sizeof(int32_t));
        if (!(*rows)[i].sum || !(*rows)[i].touched)
            return FAIL(ERR_MEMORY, "no memory for rows of %" PRId32 " items", items);
    }
    return *rows ? OK : FAIL(ERR_MEMORY, "no memory for %d threads", threads);
}

static void rows_close(PairRow *rows, int threads)
{
    for (int i = 0; rows && i < threads; i++) {
        free(rows[i].sum);
        free(rows[i].touched);
    }
    free(rows);
}

static int by_item(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* Sorts the items of a row, so that adding up rows reads memory forwards. A row with many items is
 * collected from the sums, which is faster than sorting. */
static void row_sort(PairRow *r, int32_t items)
{
    if (r->count < items / 32) {
        qsort(r->touched, (size_t)r->count, sizeof *r->touched, by_item);
        return;
    }
    int32_t count = 0;
    for (int32_t y = 0; y < items; y++)
        if (r->sum[y] != 0.0) r->touched[count++] = y;
}

static void row_store(const PairTable *t, const PairRow *r, int32_t x, double divisor)
{
    const int64_t first = t->offset[x];
    for (int32_t k = 0; k < r->count; k++) {
        t->item[first + k] = r->touched[k];
        t->weight[first + k] = r->sum[r->touched[k]] / divisor;
    }
}

/* One pass over all rows. Before the table is allocated it finds their sizes, offset[x+1]; after
 * that it stores them. */
static void pass(PairTable *t, const Occurrences *o, const PairWeights *w, PairRow *rows,
                 int threads)
{
#pragma omp parallel for num_threads(threads) schedule(dynamic, 64)
    for (int32_t x = 0; x < t->items; x++) {
        PairRow *r = &rows[omp_get_thread_num()];
        row_build(r, o, w, x);
        if (t->item) {
            row_sort(r, t->items);
            row_store(t, r, x, w->divisor);
        } else {
            t->offset[x + 1] = r->count;
        }
        row_clear(r);
    }
}

static Status build(PairTable *t, const Occurrences *o, const PairWeights *w, PairRow *rows,
                    int threads)
{
    t->offset = calloc((size_t)t->items + 1, sizeof *t->offset);
    if (!t->offset) return FAIL(ERR_MEMORY, "no memory for %" PRId32 " rows of pairs", t->items);
    pass(t, o, w, rows, threads);
    for (int32_t x = 0; x < t->items; x++) t->offset[x + 1] += t->offset[x];
    const int64_t entries = t->offset[t->items];
    t->item = malloc((size_t)entries * sizeof *t->item + 1);
    t->weight = malloc((size_t)entries * sizeof *t->weight + 1);
    if (!t->item || !t->weight)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " pairs of items", entries);
    pass(t, o, w, rows, threads);
    return OK;
}

Status pairs_count(PairTable *t, const Histories *h, const PairWeights *weights, int threads)
{
    REQUIRE(weights->window >= 1 && weights->window <= PAIR_WINDOW_MAX, "window %d, want 1 to %d",
            weights->window, PAIR_WINDOW_MAX);
    REQUIRE(threads >= 1, "%d threads, want at least 1", threads);
    *t = (PairTable){.items = h->items};
    Occurrences o = {0};
    PairRow *rows = NULL;
    Status st;
    TRY_OR_FAIL(st, occurrences_open(&o, h, weights->window));
    TRY_OR_FAIL(st, rows_open(&rows, threads, h->items));
    TRY_OR_FAIL(st, build(t, &o, weights, rows, threads));
fail:
    if (st != OK) pairs_close(t);
    rows_close(rows, threads);
    occurrences_close(&o);
    return st;
}

void pairs_close(PairTable *t)
{
    free(t->offset);
    free(t->item);
    free(t->weight);
    *t = (PairTable){0};
}
