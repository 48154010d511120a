/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the ops on two heads over a catalogue share: queries, items with features, scores
 * in double. */
#ifndef SOUK_TEST_HEADS_H
#define SOUK_TEST_HEADS_H

#include "op.h"

#include "base/rng.h"
#include "items.h"

typedef struct {
    int64_t rows, items, dim;
    bool features, bias;
} HeadShape;

typedef struct {
    HeadShape shape;
    ItemTable table;
    Tensor u, bias;
} HeadCase;

static inline HeadCase make_head(HeadShape s, uint64_t seed)
{
    enum { CATEGORIES = 5, NUMBERS = 2 };
    HeadCase c = {.shape = s, .u = NORMAL(seed, 1, s.rows, s.dim)};
    c.table.id = NORMAL(seed + 1, 0.7f, s.items, s.dim);
    if (s.bias) c.bias = NORMAL(seed + 2, 0.5f, s.items);
    if (!s.features) return c;
    c.table.category = NEW(I32, s.items, 1);
    c.table.category_table = NORMAL(seed + 3, 0.3f, CATEGORIES, s.dim);
    for (int64_t a = 0; a < s.items; a++)
        i32(c.table.category)[a] = (int32_t)(philox_u64(seed, 1, (uint64_t)a) % CATEGORIES);
    c.table.numeric = NORMAL(seed + 4, 1, s.items, NUMBERS);
    c.table.numeric_weight = NORMAL(seed + 5, 0.3f, NUMBERS, s.dim);
    return c;
}

static inline double item_vector(const HeadCase *c, int64_t a, int64_t d)
{
    const int64_t dim = c->shape.dim;
    double e = f32(c->table.id)[a * dim + d];
    if (!c->shape.features) return e;
    e += f32(c->table.category_table)[i32(c->table.category)[a] * dim + d];
    for (int64_t f = 0; f < c->table.numeric.dim[1]; f++)
        e += (double)f32(c->table.numeric)[a * c->table.numeric.dim[1] + f] *
             f32(c->table.numeric_weight)[f * dim + d];
    return e;
}

/* z[i, a] of all rows and items, [rows, items]; the caller frees. */
static inline double *dense_scores(const HeadCase *c)
{
    const HeadShape s = c->shape;
    double *e = malloc((size_t)s.dim * sizeof *e);
    double *z = malloc((size_t)(s.rows * s.items) * sizeof *z);
    for (int64_t a = 0; a < s.items; a++) {
        for (int64_t d = 0; d < s.dim; d++) e[d] = item_vector(c, a, d);
        for (int64_t i = 0; i < s.rows; i++) {
            double sum = s.bias ? f32(c->bias)[a] : 0.0;
            for (int64_t d = 0; d < s.dim; d++) sum += (double)f32(c->u)[i * s.dim + d] * e[d];
            z[i * s.items + a] = sum;
        }
    }
    free(e);
    return z;
}

/* log sum exp(z scale) */
static inline double dense_logsumexp(const double *z, int64_t items, double scale)
{
    double max = -INFINITY, sum = 0.0;
    for (int64_t a = 0; a < items; a++) max = fmax(max, z[a] * scale);
    for (int64_t a = 0; a < items; a++) sum += exp(z[a] * scale - max);
    return max + log(sum);
}

/* The noise that catalogue/sample.h defines, in double. */
static inline double dense_noise(uint64_t seed, int64_t stream, int64_t step, int64_t a)
{
    const uint64_t counter = ((uint64_t)step << 32) + (uint64_t)a / 4;
    const uint32_t word = philox(seed, (uint64_t)stream, counter).word[a % 4];
    return -log(-log1p(-fmin(((double)word + 0.5) * 0x1p-32, 1.0 - 0x1p-24)));
}

#endif
