/* SPDX-License-Identifier: Apache-2.0 */
/* A row's shape is a number of states, each with WIDTH candidates; windows have LENGTH events. A
 * comment above `fill` names the tensors in their order. */
#include "measure/ops_counts.h"

#include <inttypes.h>
#include <stdio.h>

#include "counts/candidates.h"
#include "counts/mass.h"
#include "counts/part.h"
#include "counts/pointer.h"
#include "counts/score.h"

enum {
    WIDTH = 64,
    FEATURES = 13,
    UNITS = 24,
    DIM = 32,
    DISTANCES = 50,
    LENGTH = 50,
    ITEMS = 20000
};

static Tensor candidates_of(Case *c, int64_t below)
{
    const Tensor ids = measure_ids(c, c->shape.rows * WIDTH, below);
    return TENSOR(ids.data, I32, c->shape.rows, WIDTH);
}

/* ---- Candidates ------------------------------------------------------------------------------ */

/* out: item, feature, state; in: item, cu_seqlens, time, own_offset, own, token; the table: item,
 * next, after, before, popularity, weight. Every token is a row, and each window's own events are
 * as many as its tokens. A row reads the neighbours of 20 items, which are all different. */
static void candidates_fill(Case *c, Tensor *t)
{
    const int64_t rows = c->shape.rows, items = c->shape.items;
    t[0] = candidates_of(c, 1);
    t[1] = measure_zeros(c, F32, rows * WIDTH, FEATURES);
    t[1] = TENSOR(t[1].data, F32, rows, WIDTH, FEATURES);
    t[2] = measure_zeros(c, F32, rows, COUNT_STATE_FEATURES);
    t[3] = measure_ids(c, rows, items);
    t[4] = measure_windows(c, rows, LENGTH, 0);
    t[5] = measure_zeros(c, I64, rows, 0);
    t[6] = measure_windows(c, rows, LENGTH, 0);
    t[7] = measure_events(c, rows, items);
    t[8] = tensor_rows(measure_windows(c, rows, 1, 0), 0, rows);
    t[9] = measure_neighbours(c, items, WIDTH);
    for (int k = 10; k < 13; k++) t[k] = measure_between(c, F32, items, WIDTH, 50.0f, 100.0f);
    t[13] = measure_between(c, F32, items, 0, 100.0f, 1000.0f);
    t[14] = measure_between(c, F32, items, 0, 1e4f, 1e5f);
}
static void candidates_call(Case *c, const Tensor *t)
{
    const CandidatesOutput out = {t[0], t[1], t[2]};
    const CandidatesInput in = {t[3], t[4], t[5], t[6], t[7], t[8]};
    const CountTable table = {t[9], t[10], t[11], t[12], t[13], t[14]};
    candidates(c->dev, out, in, &table);
}
/* The rows of the table that a row's history shares with that of the row before are in a cache. */
static void candidates_cost(const Shape *s, double size, double *bytes, double *flops)
{
    const double feature = FEATURES, neighbours = 4 * WIDTH;
    *bytes = size * (double)s->rows * ((1.0 + feature) * WIDTH + neighbours + 16.0);
    *flops = 0.0;
}

/* ---- Score ----------------------------------------------------------------------------------- */

/* item, feature, mean, scale, base, dense, hidden, pointer; beta, linear, inner, outer; r or dr;
 * the gradients of base, dense, hidden, beta, linear, inner, outer */
static void score_fill(Case *c, Tensor *t)
{
    const int64_t rows = c->shape.rows;
    t[0] = candidates_of(c, 1000);
    t[1] = measure_tensor(c, F32, rows * WIDTH, FEATURES, 1.0f);
    t[1] = TENSOR(t[1].data, F32, rows, WIDTH, FEATURES);
    t[2] = measure_tensor(c, F32, FEATURES, 0, 1.0f);
    t[3] = measure_tensor(c, F32, FEATURES, 0, 1.0f);
    t[4] = measure_tensor(c, F32, rows, 0, 1.0f);
    t[5] = measure_tensor(c, F32, rows, WIDTH, 1.0f);
    t[6] = measure_tensor(c, F32, rows, UNITS, 1.0f);
    t[7] = measure_tensor(c, F32, rows, WIDTH, 1.0f);
    t[8] = measure_tensor(c, F32, 1, 0, 1.0f);
    t[9] = measure_tensor(c, F32, FEATURES, 0, 1.0f);
    t[10] = measure_tensor(c, F32, UNITS, FEATURES, 1.0f);
    t[11] = measure_tensor(c, F32, UNITS, 0, 1.0f);
    t[12] = measure_tensor(c, F32, rows, WIDTH, 1.0f);
    t[13] = measure_zeros(c, F32, rows, 0);
    t[14] = measure_zeros(c, F32, rows, WIDTH);
    t[15] = measure_zeros(c, F32, rows, UNITS);
    t[16] = measure_zeros(c, F32, 1, 0);
    t[17] = measure_zeros(c, F32, FEATURES, 0);
    t[18] = measure_zeros(c, F32, UNITS, FEATURES);
    t[19] = measure_zeros(c, F32, UNITS, 0);
}
static void score_call(Case *c, const Tensor *t)
{
    const ScoreInput in = {t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]};
    const ScoreWeights weights = {t[8], t[9], t[10], t[11]};
    counts_score(c->dev, t[12], &in, &weights);
}
static void score_backward_call(Case *c, const Tensor *t)
{
    const ScoreInput in = {t[0], t[1], t[2], t[3], t[4], t[5], t[6], t[7]};
    const ScoreWeights weights = {t[8], t[9], t[10], t[11]};
    const ScoreGradient to = {t[13], t[14], t[15], t[16], t[17], t[18], t[19]};
    counts_score_backward(c->dev, &to, t[12], &in, &weights);
}
static void score_cost(const Shape *s, double size, double *bytes, double *flops)
{
    const double candidates = (double)s->rows * WIDTH;
    *bytes = size * (candidates * (FEATURES + 4) + (double)s->rows * (UNITS + 1));
    *flops = 2.0 * candidates * (FEATURES + 1) * (UNITS + 1);
}
/* The units are computed again, then the gradient of their weights. */
static void score_backward_cost(const Shape *s, double size, double *bytes, double *flops)
{
    score_cost(s, size, bytes, flops);
    *bytes += size * (double)s->rows * (UNITS + 1);
    *flops *= 2.0;
}

/* ---- Pointer --------------------------------------------------------------------------------- */

/* q, k, bias, item, cu_seqlens, token, candidate, p, dp, dq, dk, dbias. About a third of the events
 * are those of a candidate. */
static void pointer_fill(Case *c, Tensor *t)
{
    const int64_t rows = c->shape.rows;
    t[0] = measure_tensor(c, c->shape.dtype, rows, DIM, 1.0f);
    t[1] = measure_tensor(c, c->shape.dtype, rows, DIM, 1.0f);
    t[2] = measure_tensor(c, F32, DISTANCES, 0, 1.0f);
    t[3] = measure_ids(c, rows, 200);
    t[4] = measure_windows(c, rows, LENGTH, 0);
    t[5] = tensor_rows(measure_windows(c, rows, 1, 0), 0, rows);
    t[6] = candidates_of(c, 200);
    t[7] = measure_tensor(c, F32, rows, WIDTH, 1.0f);
    t[8] = measure_tensor(c, F32, rows, WIDTH, 1.0f);
    t[9] = measure_tensor(c, c->shape.dtype, rows, DIM, 1.0f);
    t[10] = measure_tensor(c, c->shape.dtype, rows, DIM, 1.0f);
    t[11] = measure_zeros(c, F32, DISTANCES, 0);
}
static void pointer_call(Case *c, const Tensor *t)
{
    const PointerInput in = {t[0], t[1], t[2], t[3], t[4], t[5], t[6]};
    counts_pointer(c->dev, t[7], &in);
}
static void pointer_backward_call(Case *c, const Tensor *t)
{
    const PointerInput in = {t[0], t[1], t[2], t[3], t[4], t[5], t[6]};
    const PointerGradient to = {t[9], t[10], t[11]};
    counts_pointer_backward(c->dev, &to, t[8], t[7], &in);
}
static void pointer_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = (double)s->rows * (2.0 * size * DIM + 4.0 * (2 * WIDTH + 2));
    *flops = 2.0 * (double)s->rows * DISTANCES * DIM / 3.0;
}
static void pointer_backward_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = (double)s->rows * (4.0 * size * DIM + 4.0 * (3 * WIDTH + 2));
    *flops = 6.0 * (double)s->rows * DISTANCES * DIM / 3.0;
}

/* ---- Mass ------------------------------------------------------------------------------------ */

/* r, item, target, mass, target_score, weight, logsumexp, share, dr */
static void mass_fill(Case *c, Tensor *t)
{
    const int64_t rows = c->shape.rows;
    t[0] = measure_tensor(c, F32, rows, WIDTH, 1.0f);
    t[1] = candidates_of(c, 1000);
    t[2] = measure_ids(c, rows, 1000);
    for (int k = 3; k < 8; k++) t[k] = measure_tensor(c, F32, rows, 0, 1.0f);
    t[8] = measure_tensor(c, F32, rows, WIDTH, 1.0f);
}
static void mass_call(Case *c, const Tensor *t)
{
    const MassLoss loss = {t[0], t[1], t[2], t[5], t[6], t[7]};
    counts_mass(c->dev, t[3], t[4], t[0], t[1], t[2]);
    counts_mass_backward(c->dev, t[8], &loss);
}
static void mass_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = size * (double)s->rows * (3 * WIDTH + 7);
    *flops = 0.0;
}

/* ---- The candidates as one more shard -------------------------------------------------------- */

/* item, z, r, s, part */
static void part_fill(Case *c, Tensor *t)
{
    const int64_t rows = c->shape.rows;
    t[0] = measure_ids(c, rows * WIDTH, 1000);
    t[0] = TENSOR(t[0].data, I32, rows, WIDTH);
    for (int k = 1; k < 4; k++) t[k] = measure_tensor(c, F32, rows, WIDTH, 1.0f);
    t[4] = measure_zeros(c, F64, rows * (int64_t)(sizeof(RowStats) / sizeof(double)), 0);
    t[4] = TENSOR(t[4].data, U8, rows, (int64_t)sizeof(RowStats));
}
static void part_call(Case *c, const Tensor *t)
{
    counts_part_scores(c->dev, t[3], t[1], t[2]);
    counts_part_stats(c->dev, t[4], (CountsPart){t[0], t[1], t[3]}, (Tensor){0}, 1.0f);
}
static void part_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = size * (double)s->rows * (6 * WIDTH + sizeof(RowStats) / size);
    *flops = 0.0;
}

/* ---- The table ------------------------------------------------------------------------------- */

static const char GATHERED_WHY[] = "keys of events that do not follow one another in memory";
static const Op proposed = {"counts candidates",
                            candidates_fill,
                            candidates_call,
                            candidates_cost,
                            "20 rounds of dependent reads and barriers",
                            "a thousand scattered sums a state, and the choice among them"};
static const Op score = {"counts score forward",
                         score_fill,
                         score_call,
                         score_cost,
                         "products too small for the tensor cores",
                         "features that are transposed for the lanes"};
static const Op score_backward = {"counts score backward",
                                  score_fill,
                                  score_backward_call,
                                  score_backward_cost,
                                  "sums over all candidates for a few hundred weights",
                                  "features that are transposed for the lanes"};
static const Op pointer = {
    "counts pointer forward",   pointer_fill, pointer_call, pointer_cost, GATHERED_WHY,
    "the search for each event"};
static const Op pointer_backward = {"counts pointer backward",
                                    pointer_fill,
                                    pointer_backward_call,
                                    pointer_backward_cost,
                                    GATHERED_WHY,
                                    "the search for each event; sums of the keys' gradients"};
static const Op part = {"counts part",
                        part_fill,
                        part_call,
                        part_cost,
                        "two exponentials for each candidate, by a thread a row",
                        "two exponentials for each candidate, in double"};
static const Op mass = {"counts mass", mass_fill,      mass_call,
                        mass_cost,     "two launches", "an exponential for each score, twice"};

Status measure_ops_counts(Bench *b)
{
    const Op *const ops[] = {&proposed, &score, &score_backward, &pointer, &pointer_backward,
                             &mass,     &part};
    const int64_t rows = b->options->tiny ? 100 : ON_CUDA(b->dev) ? 32768 : 4096;
    const Shape s = {.dtype = F32, .rows = rows, .items = ITEMS};
    char text[64];
    snprintf(text, sizeof text, "%" PRId64 " x %d candidates", rows, WIDTH);
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) TRY(measure_case(b, ops[i], s, text));
    return OK;
}
