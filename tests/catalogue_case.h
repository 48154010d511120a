/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the catalogue head on CUDA share: random catalogues with rows to score. */
#ifndef SOUK_TEST_CATALOGUE_CASE_H
#define SOUK_TEST_CATALOGUE_CASE_H

#include "pair.h"

#include "catalogue/catalogue.h"

typedef struct {
    int64_t rows, items, dim, kinds, categories, numbers;
    bool bias;
} Shape;

typedef struct {
    Shape shape;
    ItemTable table, table_gpu;
    Tensor u, bias, target, weight;
} Case;

static inline Case make_case(Shape s, uint64_t seed)
{
    Case c = {.shape = s, .u = rounded(NORMAL(seed, 1, s.rows, s.dim))};
    c.table.id = rounded(NORMAL(seed + 1, 0.7f, s.items, s.dim));
    if (s.bias) c.bias = NORMAL(seed + 2, 0.5f, s.items);
    if (s.kinds) {
        c.table.category = NEW(I32, s.items, s.kinds);
        c.table.category_table = NORMAL(seed + 3, 0.3f, s.categories, s.dim);
        for (int64_t i = 0; i < s.items * s.kinds; i++)
            i32(c.table.category)[i] =
                (int32_t)(philox_u64(seed, 1, (uint64_t)i) % (uint64_t)s.categories);
    }
    if (s.numbers) {
        c.table.numeric = NORMAL(seed + 4, 1, s.items, s.numbers);
        c.table.numeric_weight = NORMAL(seed + 5, 0.3f, s.numbers, s.dim);
    }
    if (!items_are_ids(&c.table)) { /* every third item is without its id, but not the last */
        c.table.kept = NEW(F32, s.items);
        for (int64_t i = 0; i < s.items; i++)
            f32(c.table.kept)[i] = i % 3 || i + 1 == s.items ? 1.0f : 0.0f;
    }
    if (s.kinds && s.numbers) c.table.text = NORMAL(seed + 6, 0.3f, s.items, s.dim);
    c.table_gpu = table_on_gpu(&c.table);
    c.target = NEW(I32, s.rows);
    c.weight = NEW(F32, s.rows);
    for (int64_t i = 0; i < s.rows; i++) {
        i32(c.target)[i] = (int32_t)(philox_u64(seed, 2, (uint64_t)i) % (uint64_t)s.items);
        if (i % 5 == 4) i32(c.target)[i] = -1;
        f32(c.weight)[i] = 0.1f + (float)(i % 3);
    }
    return c;
}

/* Small whole numbers, so that scores are exact and ties plenty. */
static inline void make_exact(Case *c)
{
    for (int64_t i = 0; i < tensor_count(c->u); i++) f32(c->u)[i] = (float)(i * 7 % 3 - 1);
    for (int64_t i = 0; i < tensor_count(c->table.id); i++)
        f32(c->table.id)[i] = f32(c->table.id)[i] > 0 ? 1.0f : -1.0f;
    for (int64_t i = 0; i < c->shape.rows; i++)
        if (i32(c->target)[i] < 0) i32(c->target)[i] = 0;
    c->table_gpu = table_on_gpu(&c->table);
}

#endif
