/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/similar.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/scratch.h"
#include "model/counts.h"

enum { CHUNK = 4096 }; /* items whose vectors are computed at once */

static Status check(const Session *s, int32_t item, int64_t k)
{
    const int64_t items = s->model->shape.items;
    if (item < 0 || item >= items)
        return FAIL(ERR_USAGE, "item %" PRId32 ", want 0 to %" PRId64, item, items - 1);
    return k >= 1 ? OK : FAIL(ERR_USAGE, "k = %" PRId64 ", want at least 1", k);
}

static bool is_shut(const Model *m, int64_t item)
{
    return (m->unknown && m->unknown[item]) || (m->retired.item && m->retired.item[item]);
}

/* ---- By vectors ------------------------------------------------------------------------------ */

/* The vectors of items first .. first+count-1, into `to` [count, dim]. */
static Status read_vectors(Session *s, int64_t first, int64_t count, float *to)
{
    Device *dev = s->dev;
    TRY(session_reserve_items(s, count));
    const size_t mark = scratch_mark(dev);
    const ItemTable table = model_items(s->model, session_weights(s), (Tensor){0});
    const Tensor e = SCRATCH(dev, F32, count, s->model->shape.dim);
    for (int64_t i = 0; i < count; i++) s->memory.item[i] = (int32_t)(first + i);
    items_gather(dev, e, &table, scratch_copy(dev, s->memory.item, I32, count));
    device_copy_out(dev, to, e.data, tensor_bytes(e));
    const Status st = device_sync(dev);
    scratch_release(dev, mark);
    scratch_settle(dev);
    return st;
}

static double dot(const float *a, const float *b, int64_t dim)
{
    double sum = 0.0;
    for (int64_t i = 0; i < dim; i++) sum += (double)a[i] * (double)b[i];
    return sum;
}

/* Put an item, which is above all before it in number, among the best k. */
static void insert(SimilarVector *out, int64_t *found, int64_t k, SimilarVector v)
{
    int64_t at = *found;
    while (at > 0 && out[at - 1].cosine < v.cosine) at--;
    if (at == k) return;
    if (*found < k) ++*found;
    memmove(out + at + 1, out + at, (size_t)(*found - 1 - at) * sizeof *out);
    out[at] = v;
}

static Status compare_all(Session *s, int32_t item, int64_t k, float *own, float *others,
                          SimilarVector *out, int64_t *found)
{
    const int64_t items = s->model->shape.items, dim = s->model->shape.dim;
    TRY(read_vectors(s, item, 1, own));
    const double length = sqrt(dot(own, own, dim));
    for (int64_t first = 0; first < items && length > 0.0; first += CHUNK) {
        const int64_t count = items - first < CHUNK ? items - first : CHUNK;
        TRY(read_vectors(s, first, count, others));
        for (int64_t i = 0; i < count; i++) {
            const float *e = others + i * dim;
            const double other = sqrt(dot(e, e, dim));
            if (first + i == item || other == 0.0 || is_shut(s->model, first + i)) continue;
            insert(out, found, k,
                   (SimilarVector){(int32_t)(first + i), dot(own, e, dim) / (length * other)});
        }
    }
    return OK;
}

Status similar_by_vectors(Session *s, int32_t item, int64_t k, SimilarVector *out, int64_t *found)
{
    const size_t dim = (size_t)s->model->shape.dim;
    *found = 0;
    TRY(check(s, item, k));
    float *own = malloc(dim * sizeof *own), *others = malloc(CHUNK * dim * sizeof *others);
    Status st = own && others ? OK : FAIL(ERR_MEMORY, "no memory for the vectors of items");
    if (st == OK) {
        session_lock(s);
        st = compare_all(s, item, k, own, others, out, found);
        session_unlock(s);
    }
    free(own);
    free(others);
    return st;
}

/* ---- By counts ------------------------------------------------------------------------------- */

static double strength(const SimilarCounts *c) { return c->after + c->before / 2.0; }

static int by_strength(const void *a, const void *b)
{
    const SimilarCounts *x = a, *y = b;
    if (strength(x) != strength(y)) return strength(x) > strength(y) ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

/* The neighbours of a row but the item itself, which is one of them where users return to it, into
 * `all` [width]. */
static int64_t neighbours(const Model *m, const CountsRow *r, int32_t item, SimilarCounts *all)
{
    int64_t count = 0;
    for (int64_t j = 0; j < r->width && r->item[j] >= 0; j++)
        if (r->item[j] != item && !is_shut(m, r->item[j]))
            all[count++] = (SimilarCounts){r->item[j], (double)r->next[j], (double)r->after[j],
                                           (double)r->before[j]};
    return count;
}

static Status choose(Session *s, int32_t item, int64_t k, CountsRow *row, SimilarCounts *out,
                     int64_t *found, double *times)
{
    session_lock(s);
    const Status st = counts_row_read(row, &s->model->counts, item, s->dev);
    session_unlock(s);
    TRY(st);
    SimilarCounts *all = calloc((size_t)row->width, sizeof *all);
    if (!all) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " neighbours", row->width);
    const int64_t count = neighbours(s->model, row, item, all);
    qsort(all, (size_t)count, sizeof *all, by_strength);
    *found = count < k ? count : k;
    memcpy(out, all, (size_t)*found * sizeof *out);
    *times = (double)row->popularity;
    free(all);
    return OK;
}

Status similar_by_counts(Session *s, int32_t item, int64_t k, SimilarCounts *out, int64_t *found,
                         double *times)
{
    CountsRow row;
    *found = 0;
    *times = 0.0;
    TRY(check(s, item, k));
    if (s->model->shape.candidates == 0) return OK;
    TRY(counts_row_open(&row, &s->model->counts));
    const Status st = choose(s, item, k, &row, out, found, times);
    counts_row_close(&row);
    return st;
}
