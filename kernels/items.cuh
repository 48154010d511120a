/* SPDX-License-Identifier: Apache-2.0 */
/* The item encoder of items.h for kernels. `item` is a row of the table. */
#ifndef SOUK_ITEMS_CUH
#define SOUK_ITEMS_CUH

#include "base/cuda/cuda.cuh"
#include "items.h"

typedef struct {
    /* NULL: no texts; all ids are kept */
    const float *id, *text, *category_table, *numeric, *numeric_weight, *kept;
    const int32_t *category;
    int64_t items, dim;
    int kinds, features; /* 0: absent */
} Encoder;

static inline Encoder items_encoder(const ItemTable *table)
{
    Encoder e = {};
    e.id = f32(table->id);
    e.kept = f32(table->kept);
    e.text = f32(table->text);
    e.items = table->id.dim[0];
    e.dim = table->id.dim[1];
    e.category = i32(table->category);
    e.category_table = f32(table->category_table);
    e.kinds = table->category.data ? (int)table->category.dim[1] : 0;
    e.numeric = f32(table->numeric);
    e.numeric_weight = f32(table->numeric_weight);
    e.features = table->numeric.data ? (int)table->numeric.dim[1] : 0;
    return e;
}

/* v = E[item, column .. column + N - 1]. Neighbouring lanes should take neighbouring columns, so
 * that a warp reads whole lines of each table. */
template <int N>
static __device__ __forceinline__ void items_values(float (&v)[N], const Encoder &e, int64_t item,
                                                    int64_t column)
{
    float more[N];
    load(v, e.id + item * e.dim + column);
    if (e.kept && e.kept[item] == 0.0f) {
#pragma unroll
        for (int i = 0; i < N; i++) v[i] = 0.0f;
    }
    if (e.text) {
        load(more, e.text + item * e.dim + column);
#pragma unroll
        for (int i = 0; i < N; i++) v[i] += more[i];
    }
    for (int k = 0; k < e.kinds; k++) {
        load(more, e.category_table + e.category[item * e.kinds + k] * e.dim + column);
#pragma unroll
        for (int i = 0; i < N; i++) v[i] += more[i];
    }
    for (int f = 0; f < e.features; f++) {
        const float number = e.numeric[item * e.features + f];
        load(more, e.numeric_weight + f * e.dim + column);
#pragma unroll
        for (int i = 0; i < N; i++) v[i] += number * more[i];
    }
}

static __device__ __forceinline__ float items_value(const Encoder &e, int64_t item, int64_t column)
{
    float v[1];
    items_values(v, e, item, column);
    return v[0];
}

/* Whether items_values may be called with N = `columns` (4 or 8): its loads are of 16 bytes. */
static inline bool items_are_wide(const Encoder &e, int columns)
{
    return e.dim % columns == 0 && aligned16(e.id) && aligned16(e.text) &&
           aligned16(e.category_table) && aligned16(e.numeric_weight);
}

#endif
