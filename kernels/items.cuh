/* The item encoder inside of kernels: items.h, one number at a time. */
#ifndef SOUK_ITEMS_CUH
#define SOUK_ITEMS_CUH

#include "base/cuda.cuh"
#include "items.h"

typedef struct {
    const float *id, *category_table, *numeric, *numeric_weight;
    const int32_t *category;
    int64_t items, dim;
    int kinds, features; /* 0: absent */
} Encoder;

static inline Encoder encoder_of(const ItemTable *table)
{
    Encoder e = {};
    e.id = f32(table->id);
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

/* E[item, column]. The lanes of a warp take columns side by side. */
static __device__ __forceinline__ float item_value(const Encoder &e, int64_t item, int64_t column)
{
    float v = e.id[item * e.dim + column];
    for (int k = 0; k < e.kinds; k++)
        v += e.category_table[e.category[item * e.kinds + k] * e.dim + column];
    for (int f = 0; f < e.features; f++)
        v += e.numeric[item * e.features + f] * e.numeric_weight[f * e.dim + column];
    return v;
}

#endif
