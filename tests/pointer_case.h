/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the pointer share: windows of events with repeated items, and their candidates. */
#ifndef SOUK_TEST_POINTER_CASE_H
#define SOUK_TEST_POINTER_CASE_H

#include "op.h"

#include "counts/pointer.h"

typedef struct {
    int64_t windows, longest, width, distances, dim;
} PointerShape;

/* Windows shorter and longer than the distances; rows around a chunk of 256. */
static const PointerShape pointer_shapes[] = {
    {1, 1, 1, 1, 1},      {3, 9, 5, 4, 7},      {2, 70, 64, 50, 32},
    {12, 60, 16, 50, 32}, {4, 20, 33, 64, 128},
};
enum { POINTER_SHAPES = sizeof pointer_shapes / sizeof *pointer_shapes };

typedef struct {
    PointerShape shape;
    PointerInput in;
    Tensor dp;
    int64_t rows, tokens;
} PointerCase;

/* Tokens with `past` tokens of padding after the last window. A row for each token: some have no
 * token, some the token of the row before. Items are few, so that they repeat; -1 is one of
 * them. */
static inline PointerCase make_pointer(PointerShape s, uint64_t seed)
{
    enum { PAST = 3 };
    PointerCase c = {.shape = s};
    c.in.cu_seqlens = NEW(I32, s.windows + 1);
    int32_t *offset = i32(c.in.cu_seqlens);
    for (int64_t w = 0; w < s.windows; w++)
        offset[w + 1] =
            offset[w] + 1 + (int32_t)(philox_u64(seed, 1, (uint64_t)w) % (uint64_t)s.longest);
    c.rows = c.tokens = offset[s.windows] + PAST;
    c.in.item = NEW(I32, c.tokens);
    c.in.token = NEW(I32, c.rows);
    c.in.candidate = NEW(I32, c.rows, s.width);
    for (int64_t i = 0; i < c.tokens; i++) {
        const uint64_t word = philox_u64(seed, 2, (uint64_t)i);
        i32(c.in.item)[i] = (int32_t)(word % (uint64_t)(s.width + 2)) - 1;
        i32(c.in.token)[i] = word >> 32 & 1 || i == 0 ? (int32_t)i : (int32_t)i - 1;
        if ((word >> 40) % 5 == 0 || i >= c.tokens - PAST) i32(c.in.token)[i] = -1;
        for (int64_t j = 0; j < s.width; j++) /* each item once, from a place that depends on i */
            i32(c.in.candidate)[i * s.width + j] =
                j + i % 3 < s.width ? (int32_t)((5 * i + j) % s.width) : -1;
    }
    for (int64_t i = 1; i < c.rows; i++) /* never falling */
        if (i32(c.in.token)[i] >= 0 && i32(c.in.token)[i] < i32(c.in.token)[i - 1])
            i32(c.in.token)[i] = i32(c.in.token)[i - 1];
    c.in.q = NORMAL(seed + 1, 1, c.rows, s.dim);
    c.in.k = NORMAL(seed + 2, 1, c.tokens, s.dim);
    c.in.bias = NORMAL(seed + 3, 1, s.distances);
    c.dp = NORMAL(seed + 4, 1, c.rows, s.width);
    return c;
}

static inline PointerGradient new_pointer_gradient(const PointerCase *c, Dtype dtype, float start)
{
    const PointerGradient g = {NEW(dtype, c->rows, c->shape.dim),
                               NEW(dtype, c->tokens, c->shape.dim), NEW(F32, c->shape.distances)};
    for (int64_t d = 0; d < c->shape.distances; d++) f32(g.bias)[d] = start;
    return g;
}

#endif
