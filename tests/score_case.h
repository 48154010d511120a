/* SPDX-License-Identifier: Apache-2.0 */
/* What tests of the counted half's score share: candidates with features, and weights. */
#ifndef SOUK_TEST_SCORE_CASE_H
#define SOUK_TEST_SCORE_CASE_H

#include "op.h"

#include "counts/score.h"

typedef struct {
    int64_t rows, width, features, units;
    bool pointer;
} ScoreShape;

/* Ragged: around the 16 candidates that the CPU takes at once, the 32 rows of a chunk, the 32 lanes
 * of a warp. */
static const ScoreShape score_shapes[] = {
    {1, 1, 1, 1, false},   {3, 5, 2, 3, true},     {33, 17, 13, 24, true},
    {2, 64, 16, 64, true}, {70, 64, 13, 24, true}, {5, 33, 13, 5, false},
};
enum { SCORE_SHAPES = sizeof score_shapes / sizeof *score_shapes };

typedef struct {
    ScoreShape shape;
    ScoreInput in;
    ScoreWeights weights;
    Tensor dr;
} ScoreCase;

/* Where there is no candidate, nothing may be read. */
static inline void spoil_absent(ScoreCase *c)
{
    const ScoreShape s = c->shape;
    for (int64_t n = 0; n < s.rows * s.width; n++) {
        if (i32(c->in.item)[n] >= 0) continue;
        f32(c->in.dense)[n] = f32(c->dr)[n] = NAN;
        if (s.pointer) f32(c->in.pointer)[n] = NAN;
        for (int64_t k = 0; k < s.features; k++) f32(c->in.feature)[n * s.features + k] = NAN;
    }
}

/* Row 1 has no candidate; the others have one to all. */
static inline ScoreCase make_score(ScoreShape s, uint64_t seed)
{
    ScoreCase c = {.shape = s};
    c.in.item = NEW(I32, s.rows, s.width);
    for (int64_t i = 0; i < s.rows; i++) {
        const int64_t count =
            i == 1 ? 0 : 1 + (int64_t)(philox_u64(seed, 1, (uint64_t)i) % (uint64_t)s.width);
        for (int64_t j = 0; j < s.width; j++)
            i32(c.in.item)[i * s.width + j] = j < count ? (int32_t)(7 * j + i) : -1;
    }
    c.in.feature = NORMAL(seed + 1, 2, s.rows, s.width, s.features);
    c.in.mean = NORMAL(seed + 2, 1, s.features);
    c.in.scale = NORMAL(seed + 3, 0.5f, s.features);
    c.in.base = NORMAL(seed + 4, 1, s.rows);
    c.in.dense = NORMAL(seed + 5, 1, s.rows, s.width);
    c.in.hidden = NORMAL(seed + 6, 1, s.rows, s.units);
    if (s.pointer) c.in.pointer = NORMAL(seed + 7, 1, s.rows, s.width);
    c.weights.beta = NORMAL(seed + 8, 1, 1);
    c.weights.linear = NORMAL(seed + 9, 0.3f, s.features);
    c.weights.inner = NORMAL(seed + 10, 0.3f, s.units, s.features);
    c.weights.outer = NORMAL(seed + 11, 0.2f, s.units);
    c.dr = NORMAL(seed + 12, 1, s.rows, s.width);
    spoil_absent(&c);
    return c;
}

/* Gradients to write to; those that are added to begin with `start`. */
static inline ScoreGradient new_score_gradient(ScoreShape s, float start)
{
    const ScoreGradient g = {
        NEW(F32, s.rows),     NEW(F32, s.rows, s.width),     NEW(F32, s.rows, s.units), NEW(F32, 1),
        NEW(F32, s.features), NEW(F32, s.units, s.features), NEW(F32, s.units)};
    const Tensor added[] = {g.beta, g.linear, g.inner, g.outer};
    for (int k = 0; k < 4; k++)
        for (int64_t n = 0; n < tensor_count(added[k]); n++) f32(added[k])[n] = start;
    return g;
}

/* All that has a gradient, in one array. */
typedef struct {
    int64_t base, dense, hidden, beta, linear, inner, outer, count;
} ScoreLayout;

static inline ScoreLayout score_layout(ScoreShape s)
{
    ScoreLayout at = {.dense = s.rows};
    at.hidden = at.dense + s.rows * s.width;
    at.beta = at.hidden + s.rows * s.units;
    at.linear = at.beta + 1;
    at.inner = at.linear + s.features;
    at.outer = at.inner + s.units * s.features;
    at.count = at.outer + s.units;
    return at;
}

/* The caller frees. */
static inline double *score_parameters(const ScoreCase *c)
{
    const ScoreLayout at = score_layout(c->shape);
    double *x = malloc((size_t)at.count * sizeof *x);
    to_double(x + at.base, c->in.base);
    to_double(x + at.dense, c->in.dense);
    to_double(x + at.hidden, c->in.hidden);
    to_double(x + at.beta, c->weights.beta);
    to_double(x + at.linear, c->weights.linear);
    to_double(x + at.inner, c->weights.inner);
    to_double(x + at.outer, c->weights.outer);
    return x;
}

#endif
