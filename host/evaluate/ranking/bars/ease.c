/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/bars/ease.h"

#include <inttypes.h>
#include <stdlib.h>

#include "evaluate/ranking/bars/inverse.h"

static int32_t count_items(const Sets *sets)
{
    int32_t count = 0;
    for (int32_t x = 0; x < sets->items; x++) count += sets_holders(sets, x) > 0;
    return count;
}

int64_t ease_bytes(const Sets *sets, int threads, int32_t *count)
{
    *count = count_items(sets);
    const int64_t pairs = (int64_t)*count * *count;
    return pairs * (int64_t)(sizeof(double) + 2 * sizeof(float)) + inverse_scratch(*count, threads);
}

/* The lower triangle of X'X + lambda I. */
static void fill(double *gram, const Ease *e, const Sets *sets, double lambda, int threads)
{
#pragma omp parallel for num_threads(threads) schedule(dynamic, 64)
    for (int32_t k = 0; k < e->count; k++) {
        double *row = gram + (int64_t)k * e->count;
        for (int32_t j = 0; j <= k; j++) row[j] = 0.0;
        for (int64_t i = sets->offset[e->item[k]]; i < sets->offset[e->item[k] + 1]; i++) {
            const int32_t p = sets->holder[i];
            for (int64_t s = sets->first[p]; s < sets->first[p + 1]; s++) {
                const int32_t j = e->place[sets->item[s]];
                if (j <= k) row[j] += 1.0;
            }
        }
        row[k] += lambda;
    }
}

static Status allocate(Ease *e, const Sets *sets)
{
    const size_t pairs = (size_t)e->count * (size_t)e->count;
    e->item = malloc((size_t)e->count * sizeof *e->item + 1);
    e->place = malloc((size_t)sets->items * sizeof *e->place + 1);
    e->inverse = malloc(pairs * sizeof *e->inverse + 1);
    e->scale = malloc((size_t)e->count * sizeof *e->scale + 1);
    if (!e->item || !e->place || !e->inverse || !e->scale)
        return FAIL(ERR_MEMORY, "no memory for EASE over %" PRId32 " items", e->count);
    return OK;
}

Status ease_fit(Ease *e, const Sets *sets, const Popularity *popularity, double lambda, int threads)
{
    *e = (Ease){.popularity = popularity, .count = count_items(sets)};
    double *gram = malloc((size_t)e->count * (size_t)e->count * sizeof *gram + 1);
    Status st;
    TRY_OR_FAIL(st, allocate(e, sets));
    if (!gram)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for EASE over %" PRId32 " items", e->count));
    for (int32_t x = 0, k = 0; x < sets->items; x++) {
        e->place[x] = sets_holders(sets, x) > 0 ? k : -1;
        if (e->place[x] >= 0) e->item[k++] = x;
    }
    fill(gram, e, sets, lambda, threads);
    TRY_OR_FAIL(st, inverse_of_spd(e->inverse, e->scale, gram, e->count, threads));
    for (int32_t k = 0; k < e->count; k++) {
        e->scale[k] = -1.0 / e->scale[k];
        e->inverse[(int64_t)k * e->count + k] = 0.0f;
    }
fail:
    free(gram);
    if (st != OK) ease_close(e);
    return st;
}

void ease_close(Ease *e)
{
    free(e->item);
    free(e->place);
    free(e->inverse);
    free(e->scale);
    *e = (Ease){0};
}

/* The sums of the rows of P, by place. */
static void add_row(double *sum, const float *row, int32_t count)
{
    for (int32_t k = 0; k < count; k++) sum[k] += (double)row[k];
}

static void *sums_open(const Bar *self)
{
    const Ease *e = self->state;
    return malloc((size_t)e->count * sizeof(double) + 1);
}

static void score(const Bar *self, BarScratch *s, const BarHistory *h)
{
    const Ease *e = self->state;
    double *sum = s->own;
    const int32_t count = bar_recent(s, h, h->length);
    for (int32_t k = 0; k < e->count; k++) sum[k] = 0.0;
    for (int32_t k = 0; k < count; k++) {
        const int32_t place = e->place[s->recent[k]];
        if (place >= 0) add_row(sum, e->inverse + (int64_t)place * e->count, e->count);
    }
    for (int32_t k = 0; k < e->count; k++) s->score[e->item[k]] = sum[k] * e->scale[k];
}

Bar ease_bar(const Ease *e)
{
    return (Bar){.name = "EASE",
                 .popularity = e->popularity,
                 .dense = true,
                 .tie = 0x1p-20,
                 .state = e,
                 .score = score,
                 .scratch_open = sums_open,
                 .scratch_close = free};
}
