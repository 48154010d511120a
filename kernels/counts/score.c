/* SPDX-License-Identifier: Apache-2.0 */
/* The score of candidates on the CPU: 16 candidates of a row at a time, a lane for each. */
#include "counts/score.h"

#include <math.h>
#include <omp.h>
#include <string.h>

#include "base/scratch.h"

enum { LANES = 16, FEATURES = SCORE_FEATURES_MAX };
typedef float Lanes __attribute__((vector_size(4 * LANES), aligned(4), may_alias));
typedef int32_t Mask __attribute__((vector_size(4 * LANES), aligned(4), may_alias));

typedef struct {
    const int32_t *item;
    const float *feature, *mean, *scale, *base, *dense, *hidden, *pointer; /* pointer: or NULL */
    const float *beta, *linear, *inner, *outer;
    int64_t rows, width, features, units;
} Arrays;

static Arrays checked(Tensor r, const ScoreInput *in, const ScoreWeights *w)
{
    const int64_t rows = r.dim[0], width = r.dim[1];
    const int64_t features = w->inner.dim[1], units = w->inner.dim[0];
    EXPECT(r, F32, rows, width);
    EXPECT(in->item, I32, rows, width);
    EXPECT(in->feature, F32, rows, width, features);
    EXPECT(in->mean, F32, features);
    EXPECT(in->scale, F32, features);
    EXPECT(in->base, F32, rows);
    EXPECT(in->dense, F32, rows, width);
    EXPECT(in->hidden, F32, rows, units);
    if (in->pointer.data) EXPECT(in->pointer, F32, rows, width);
    EXPECT(w->beta, F32, 1);
    EXPECT(w->linear, F32, features);
    EXPECT(w->inner, F32, units, features);
    EXPECT(w->outer, F32, units);
    REQUIRE(features <= FEATURES && units <= SCORE_UNITS_MAX,
            "a score of %d features and %d units, want at most %d and %d", (int)features,
            (int)units, FEATURES, SCORE_UNITS_MAX);
    return (Arrays){i32(in->item),
                    f32(in->feature),
                    f32(in->mean),
                    f32(in->scale),
                    f32(in->base),
                    f32(in->dense),
                    f32(in->hidden),
                    f32(in->pointer),
                    f32(w->beta),
                    f32(w->linear),
                    f32(w->inner),
                    f32(w->outer),
                    rows,
                    width,
                    features,
                    units};
}

/* ---- Sixteen candidates ---------------------------------------------------------------------- */

typedef struct {
    Lanes x[FEATURES]; /* 0 where there is no candidate */
    Mask present;
    int64_t count; /* lanes within the row's width */
} Group;

static Lanes kept(Mask where, Lanes v) { return (Lanes)(where & (Mask)v); }
static Lanes positive(Lanes v) { return kept(v > 0.0f, v); }

/* The numbers of the group's candidates, 0 where there is none; row is the place of the first. */
static Lanes numbers_of(const Group *g, const float *row)
{
    Lanes v = {0};
    if (row) memcpy(&v, row, (size_t)g->count * sizeof(float));
    return kept(g->present, v);
}

/* The candidates from `first` on of row i. Returns whether there is any. */
static bool load_group(Group *g, const Arrays *a, int64_t i, int64_t first)
{
    const int64_t at = i * a->width + first;
    g->count = a->width - first < LANES ? a->width - first : LANES;
    int32_t item[LANES], any = -1;
    for (int l = 0; l < LANES; l++) item[l] = l < g->count ? a->item[at + l] : -1;
    for (int l = 0; l < LANES; l++) any &= item[l];
    memcpy(&g->present, item, sizeof g->present);
    g->present = g->present >= 0;
    if (any < 0) return false; /* all have the sign */
    float x[FEATURES][LANES] = {{0}};
    for (int64_t l = 0; l < g->count; l++)
        for (int64_t k = 0; k < a->features; k++) x[k][l] = a->feature[(at + l) * a->features + k];
    for (int64_t k = 0; k < a->features; k++) {
        Lanes v;
        memcpy(&v, x[k], sizeof v);
        g->x[k] = kept(g->present, (v - a->mean[k]) * a->scale[k]);
    }
    return true;
}

/* n of unit h. */
static inline Lanes unit_of(const Group *g, const Arrays *a, int64_t i, int64_t h)
{
    const float *w = a->inner + h * a->features;
    Lanes n = (Lanes){0} + a->hidden[i * a->units + h];
    for (int64_t k = 0; k < a->features; k++) n += w[k] * g->x[k];
    return n;
}

/* ---- Forward --------------------------------------------------------------------------------- */

static Lanes group_score(const Group *g, const Arrays *a, int64_t i, int64_t first)
{
    const int64_t at = i * a->width + first;
    Lanes r = a->base[i] + a->beta[0] * numbers_of(g, a->dense + at);
    for (int64_t k = 0; k < a->features; k++) r += a->linear[k] * g->x[k];
    for (int64_t h = 0; h < a->units; h++) r += a->outer[h] * positive(unit_of(g, a, i, h));
    return r + numbers_of(g, a->pointer ? a->pointer + at : NULL);
}

void counts_score(Device *dev, Tensor r, const ScoreInput *in, const ScoreWeights *weights)
{
    const Arrays a = checked(r, in, weights);
    if (ON_CUDA(dev)) {
        counts_score_cuda(dev, r, in, weights);
        return;
    }
    if (!device_runs(dev)) return;
    const Lanes none = (Lanes){0} - INFINITY;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < a.rows; i++)
        for (int64_t first = 0; first < a.width; first += LANES) {
            Group g;
            Lanes to = none;
            if (load_group(&g, &a, i, first)) {
                to = group_score(&g, &a, i, first);
                to = (Lanes)((g.present & (Mask)to) | (~g.present & (Mask)none));
            }
            memcpy(f32(r) + i * a.width + first, &to, (size_t)g.count * sizeof(float));
        }
}

/* ---- Backward -------------------------------------------------------------------------------- */

/* Sums over the rows of a chunk, a lane for each of 16 candidates. */
typedef struct {
    Lanes *beta, *linear, *outer, *inner; /* [1], [features], [units], [units, features] */
} Sums;

static int64_t sums_count(const Arrays *a)
{
    return 1 + a->features + a->units + a->units * a->features;
}

static Sums sums_in(Lanes *space, const Arrays *a)
{
    Sums s = {.beta = space, .linear = space + 1};
    s.outer = s.linear + a->features;
    s.inner = s.outer + a->units;
    return s;
}

static float lanes_sum(Lanes v)
{
    float sum = 0.0f;
    for (int l = 0; l < LANES; l++) sum += v[l];
    return sum;
}

/* Adds to `sums` and to dhidden, a row's gradient of `hidden`. d: the group's dr. */
static void group_backward(const Sums *sums, Lanes *restrict dhidden, const Group *g,
                           const Arrays *a, int64_t i, Lanes d)
{
    for (int64_t k = 0; k < a->features; k++) sums->linear[k] += d * g->x[k];
    for (int64_t h = 0; h < a->units; h++) {
        const Lanes n = unit_of(g, a, i, h), e = kept(n > 0.0f, a->outer[h] * d);
        Lanes *restrict inner = sums->inner + h * a->features;
        sums->outer[h] += d * positive(n);
        dhidden[h] += e;
        for (int64_t k = 0; k < a->features; k++) inner[k] += e * g->x[k];
    }
}

static void row_backward(const ScoreGradient *to, const Sums *sums, const Arrays *a, int64_t i,
                         const float *dr)
{
    Lanes dhidden[SCORE_UNITS_MAX], all = {0};
    memset(dhidden, 0, (size_t)a->units * sizeof *dhidden);
    for (int64_t first = 0; first < a->width; first += LANES) {
        const int64_t at = i * a->width + first;
        Group g;
        Lanes ddense = {0};
        if (load_group(&g, a, i, first)) {
            const Lanes d = numbers_of(&g, dr + at);
            all += d;
            sums->beta[0] += d * numbers_of(&g, a->dense + at);
            group_backward(sums, dhidden, &g, a, i, d);
            ddense = a->beta[0] * d;
        }
        memcpy(f32(to->dense) + at, &ddense, (size_t)g.count * sizeof(float));
    }
    f32(to->base)[i] = lanes_sum(all);
    for (int64_t h = 0; h < a->units; h++)
        f32(to->hidden)[i * a->units + h] = lanes_sum(dhidden[h]);
}

/* to[n] += the sum of the chunks' part[first + n]. */
static void add_parts(Tensor to, const float *part, int64_t chunks, int64_t count, int64_t first)
{
    for (int64_t n = 0; n < tensor_count(to); n++) {
        double sum = 0.0;
        for (int64_t c = 0; c < chunks; c++) sum += part[c * count + first + n];
        f32(to)[n] += (float)sum;
    }
}

static void expect_gradient(const ScoreGradient *to, Tensor dr, const ScoreInput *in,
                            const ScoreWeights *w)
{
    EXPECT(to->base, F32, dr.dim[0]);
    EXPECT(to->dense, F32, dr.dim[0], dr.dim[1]);
    EXPECT(to->hidden, F32, dr.dim[0], in->hidden.dim[1]);
    EXPECT(to->beta, F32, 1);
    EXPECT(to->linear, F32, w->linear.dim[0]);
    EXPECT(to->inner, F32, w->inner.dim[0], w->inner.dim[1]);
    EXPECT(to->outer, F32, w->outer.dim[0]);
}

void counts_score_backward(Device *dev, const ScoreGradient *to, Tensor dr, const ScoreInput *in,
                           const ScoreWeights *weights)
{
    const Arrays a = checked(dr, in, weights);
    expect_gradient(to, dr, in, weights);
    if (ON_CUDA(dev)) {
        counts_score_backward_cuda(dev, to, dr, in, weights);
        return;
    }
    const int64_t chunks = (a.rows + SCORE_CHUNK - 1) / SCORE_CHUNK, count = sums_count(&a);
    const size_t mark = scratch_mark(dev);
    float *part = f32(SCRATCH(dev, F32, chunks, count));
    float *space = f32(SCRATCH(dev, F32, dev->threads, count, LANES));
    if (!scratch_ready(dev, mark)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t c = 0; c < chunks; c++) {
        const int64_t end = (c + 1) * SCORE_CHUNK < a.rows ? (c + 1) * SCORE_CHUNK : a.rows;
        Lanes *own = (Lanes *)(space + omp_get_thread_num() * count * LANES);
        const Sums sums = sums_in(own, &a);
        memset(own, 0, (size_t)count * sizeof *own);
        for (int64_t i = c * SCORE_CHUNK; i < end; i++) row_backward(to, &sums, &a, i, f32(dr));
        for (int64_t n = 0; n < count; n++) part[c * count + n] = lanes_sum(own[n]);
    }
    add_parts(to->beta, part, chunks, count, 0);
    add_parts(to->linear, part, chunks, count, 1);
    add_parts(to->outer, part, chunks, count, 1 + a.features);
    add_parts(to->inner, part, chunks, count, 1 + a.features + a.units);
    scratch_release(dev, mark);
}
