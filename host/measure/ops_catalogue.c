/* SPDX-License-Identifier: Apache-2.0 */
/* A comment above `fill` names the tensors in their order. */
#include "measure/ops_catalogue.h"

#include <inttypes.h>
#include <stdio.h>

#include "catalogue/catalogue.h"
#include "catalogue/entropy.h"
#include "catalogue/gather.h"
#include "catalogue/merge.h"
#include "catalogue/policy.h"
#include "catalogue/rank.h"
#include "catalogue/regression.h"
#include "catalogue/sample.h"

/* ---- Statistics, cross-entropy --------------------------------------------------------------- */

/* u, id, bias, max, argmax, logsumexp, expectation */
static void stats_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    t[0] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[1] = measure_tensor(c, F32, s->items, s->dim, 0.1f);
    t[2] = measure_tensor(c, F32, s->items, 0, 1.0f);
    t[3] = measure_tensor(c, F32, s->rows, 0, 1.0f);
    t[4] = measure_ids(c, s->rows, s->items);
    t[5] = measure_tensor(c, F32, s->rows, 0, 1.0f);
    t[6] = measure_tensor(c, F32, s->rows, 0, 1.0f);
}

static void stats(Case *c, const Tensor *t, CatalogueStats out)
{
    const ItemTable table = {.id = t[1]};
    catalogue_stats(c->dev, out, t[0], &table, t[2], 1.0f);
}
static void best_call(Case *c, const Tensor *t)
{
    stats(c, t, (CatalogueStats){.max = t[3], .argmax = t[4]});
}
static void sum_call(Case *c, const Tensor *t) { stats(c, t, (CatalogueStats){.logsumexp = t[5]}); }
static void expectation_call(Case *c, const Tensor *t)
{
    stats(c, t, (CatalogueStats){.logsumexp = t[5], .expectation = t[6]});
}

/* The item table is read once, in f32. */
static void stats_cost(const Shape *s, double size, double *bytes, double *flops)
{
    const double rows = (double)s->rows, items = (double)s->items, dim = (double)s->dim;
    *bytes = 4.0 * items * (dim + 1.0) + size * rows * dim;
    *flops = 2.0 * rows * items * dim;
}

/* u, id, bias, loss, target, weight, du, did, dbias */
static void loss_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    stats_fill(c, t);
    t[6] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
    t[7] = measure_zeros(c, F32, s->items, s->dim);
    t[8] = measure_zeros(c, F32, s->items, 0);
}
static void loss_call(Case *c, const Tensor *t)
{
    const ItemTable table = {.id = t[1]};
    catalogue_cross_entropy(c->dev, t[3], t[6], t[7], t[8], t[0], &table, t[2], t[4], t[5]);
}
/* Three products: the scores, du, did. Scores that are not kept are computed twice. */
static void loss_cost(const Shape *s, double size, double *bytes, double *flops)
{
    stats_cost(s, size, bytes, flops);
    *flops *= 3.0;
    *bytes += 8.0 * (double)s->items * (double)s->dim + size * (double)s->rows * (double)s->dim;
}

/* ---- Other ops ------------------------------------------------------------------------------- */

static void entropy_call(Case *c, const Tensor *t)
{
    const ItemTable table = {.id = t[1]};
    catalogue_entropy(c->dev, t[3], t[6], t[7], t[8], t[0], &table, t[2], t[5]);
}

enum { CANDIDATES = 64 };

/* u, id, bias, ids, score, du, did, dbias */
static void gather_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    stats_fill(c, t);
    t[3] = measure_ids(c, s->rows * CANDIDATES, s->items);
    t[3] = TENSOR(t[3].data, I32, s->rows, CANDIDATES);
    t[4] = measure_tensor(c, F32, s->rows, CANDIDATES, 1.0f);
    t[5] = measure_zeros(c, F32, s->rows, s->dim);
    t[6] = measure_zeros(c, F32, s->items, s->dim);
    t[7] = measure_zeros(c, F32, s->items, 0);
}
static void gather_call(Case *c, const Tensor *t)
{
    const ItemTable table = {.id = t[1]};
    catalogue_gather(c->dev, t[4], t[0], &table, t[2], t[3]);
}
static void gather_backward_call(Case *c, const Tensor *t)
{
    const ItemTable table = {.id = t[1]};
    catalogue_gather_backward(c->dev, t[5], t[6], t[7], t[4], t[0], &table, t[3]);
}
/* A vector for each score. */
static void gather_cost(const Shape *s, double size, double *bytes, double *flops)
{
    const double scores = CANDIDATES * (double)s->rows, dim = (double)s->dim;
    *bytes = scores * (4.0 * dim + 12.0) + size * (double)s->rows * dim;
    *flops = 2.0 * scores * dim;
}
/* Rows of did are read and written once for each item at most. */
static void gather_backward_cost(const Shape *s, double size, double *bytes, double *flops)
{
    gather_cost(s, size, bytes, flops);
    *bytes += 8.0 * (double)s->items * (double)s->dim;
    *flops *= 2.0;
}

/* z and q: u, id, bias each; expectation */
static void policy_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    for (int head = 0; head < 2; head++, t += 3) {
        t[0] = measure_tensor(c, s->dtype, s->rows, s->dim, 1.0f);
        t[1] = measure_tensor(c, F32, s->items, s->dim, 0.1f);
        t[2] = measure_tensor(c, F32, s->items, 0, 1.0f);
    }
    t[0] = measure_tensor(c, F32, s->rows, 0, 1.0f);
}
static void policy_call(Case *c, const Tensor *t)
{
    const ItemTable z = {.id = t[1]}, q = {.id = t[4]};
    catalogue_policy_expectation(c->dev, t[6], (CatalogueHead){t[0], &z, t[2]},
                                 (CatalogueHead){t[3], &q, t[5]}, 1.0f);
}
static void policy_cost(const Shape *s, double size, double *bytes, double *flops)
{
    stats_cost(s, size, bytes, flops);
    *bytes *= 2.0;
    *flops *= 2.0;
}

enum { BEST = 10 };

/* u, id, bias, above, target, ties, best_item, best_score */
static void rank_fill(Case *c, Tensor *t)
{
    const Shape *s = &c->shape;
    stats_fill(c, t);
    t[3] = measure_zeros(c, I32, s->rows, 0);
    t[5] = measure_zeros(c, I32, s->rows, 0);
    t[6] = measure_zeros(c, I32, s->rows, BEST);
    t[7] = measure_zeros(c, F32, s->rows, BEST);
}
static void rank_call(Case *c, const Tensor *t)
{
    const ItemTable table = {.id = t[1]};
    catalogue_rank(c->dev, t[3], t[5], t[6], t[7], t[0], &table, t[2], t[4], (Exclusion){0});
}

static void sample_call(Case *c, const Tensor *t)
{
    const ItemTable table = {.id = t[1]};
    catalogue_sample(c->dev, t[4], t[5], t[0], &table, t[2],
                     (SampleOptions){.seed = 1, .temperature = 1.0f});
}

/* u, id, bias, loss, target, weight, du, did, dbias, y, dshift */
static void regression_fill(Case *c, Tensor *t)
{
    loss_fill(c, t);
    t[9] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
    t[10] = measure_tensor(c, F32, c->shape.rows, 0, 1.0f);
}
static void regression_call(Case *c, const Tensor *t)
{
    const ItemTable table = {.id = t[1]};
    catalogue_regression(
        c->dev,
        (RegressionOut){.loss = t[3], .dshift = t[10], .du = t[6], .did = t[7], .dbias = t[8]},
        t[0], &table, t[2], t[4], t[9], t[5]);
}
/* Two products of [items, dim] and two of [rows, dim] with [dim, dim]. */
static void regression_cost(const Shape *s, double size, double *bytes, double *flops)
{
    const double dim = (double)s->dim;
    loss_cost(s, size, bytes, flops);
    *flops = 4.0 * ((double)s->items + (double)s->rows) * dim * dim;
}

enum { SHARDS = 8 };

/* part, max, argmax, logsumexp, expectation */
static void merge_fill(Case *c, Tensor *t)
{
    const int64_t rows = c->shape.rows;
    t[0] = measure_zeros(c, U8, SHARDS * rows, sizeof(RowStats));
    t[1] = measure_tensor(c, F32, rows, 0, 1.0f);
    t[2] = measure_ids(c, rows, 1);
    t[3] = measure_tensor(c, F32, rows, 0, 1.0f);
    t[4] = measure_tensor(c, F32, rows, 0, 1.0f);
}
static void merge_call(Case *c, const Tensor *t)
{
    const CatalogueStats out = {t[1], t[2], t[3], t[4]};
    const Tensor part = TENSOR(t[0].data, U8, SHARDS, c->shape.rows, sizeof(RowStats));
    catalogue_merge_stats(c->dev, out, part, 1.0f);
}
static void merge_cost(const Shape *s, double size, double *bytes, double *flops)
{
    *bytes = (SHARDS * sizeof(RowStats) + 4.0 * size) * (double)s->rows;
    *flops = 0.0;
}

/* ---- The table ------------------------------------------------------------------------------- */

static const char SCORES_CPU[] =
    "scores through the L2 cache, and an exponential of each: much where dim is small";
static const Op best = {"catalogue best",
                        stats_fill,
                        best_call,
                        stats_cost,
                        "operands through shared memory; begin and end of a block's walk",
                        "laying out the items of a tile for the products, once for all rows"};
static const Op sum = {"catalogue logsumexp",
                       stats_fill,
                       sum_call,
                       stats_cost,
                       "an exponential a score, hidden only in part below dim 256",
                       SCORES_CPU};
static const Op expectation = {"catalogue expectation",
                               stats_fill,
                               expectation_call,
                               stats_cost,
                               "an exponential and a product more a score",
                               SCORES_CPU};
static const Op loss = {"catalogue cross-entropy",
                        loss_fill,
                        loss_call,
                        loss_cost,
                        "scores twice (4 products for 3); their gradient through the L2 cache",
                        "an exponential a score, scores twice through a cache, or computed twice"};

static const char SAMPLE_CPU[] = "a block of Philox for four scores, two logarithms a score";
static const Op entropy = {"catalogue entropy",
                           loss_fill,
                           entropy_call,
                           loss_cost,
                           "scores twice; their gradient through the L2 cache",
                           SCORES_CPU};
static const char VECTORS_WHY[] = "vectors of items that do not follow one another in memory";
static const Op gather = {
    "catalogue gather forward", gather_fill, gather_call, gather_cost, VECTORS_WHY, VECTORS_WHY};
static const Op gather_backward = {"catalogue gather backward",
                                   gather_fill,
                                   gather_backward_call,
                                   gather_backward_cost,
                                   "sorting the candidates by item",
                                   "sorting the candidates by item, in one thread"};
static const Op policy = {"catalogue policy",
                          policy_fill,
                          policy_call,
                          policy_cost,
                          "scores of both heads through the L2 cache",
                          SCORES_CPU};
static const Op rank = {"catalogue rank",
                        rank_fill,
                        rank_call,
                        stats_cost,
                        "scores twice, through the L2 cache; lists of the best",
                        "scores twice, through the L2 cache; lists of the best"};
static const Op sample = {"catalogue sample", stats_fill, sample_call,
                          stats_cost,         SAMPLE_CPU, SAMPLE_CPU};
static const Op regression = {"catalogue regression",
                              regression_fill,
                              regression_call,
                              regression_cost,
                              "several passes over the table",
                              "several passes over the table"};
static const Op merge = {"catalogue merge",
                         merge_fill,
                         merge_call,
                         merge_cost,
                         "too little work to fill the processors: a launch's latency",
                         "exponentials in double"};

/* The ops that not every training step has. They are measured at one shape, because they use the
 * same code as the ops above. */
static Status others_of(Bench *b, Shape s, const char *text)
{
    const Op *const ops[] = {&entropy, &gather, &gather_backward, &policy,
                             &rank,    &sample, &regression};
    char rows[64];
    for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) TRY(measure_case(b, ops[i], s, text));
    snprintf(rows, sizeof rows, "%d shards, %" PRId64 " rows", SHARDS, s.rows);
    return measure_case(b, &merge, (Shape){.dtype = F32, .rows = s.rows}, rows);
}

static Status catalogue_of(Bench *b, Shape s, bool others)
{
    char text[64];
    const double table = 4.0 * (double)s.items * (double)s.dim;
    const bool gradient = 5.0 * table < (double)device_available(b->dev);
    if (2.5 * table > (double)device_available(b->dev)) return OK;
    snprintf(text, sizeof text, "%" PRId64 " x %" PRId64 " items, dim %" PRId64, s.rows, s.items,
             s.dim);
    TRY(measure_case(b, &best, s, text));
    TRY(measure_case(b, &sum, s, text));
    TRY(measure_case(b, &expectation, s, text));
    if (gradient) TRY(measure_case(b, &loss, s, text));
    return others ? others_of(b, s, text) : OK;
}

typedef struct {
    Dtype dtype;
    int64_t rows, items, dim;
} Head;

static Status each_head(Bench *b, const Head *head, int count)
{
    for (int i = 0; i < count; i++) {
        const Shape s = {.dtype = head[i].dtype,
                         .rows = head[i].rows,
                         .items = head[i].items,
                         .dim = head[i].dim};
        TRY(catalogue_of(b, s, i == 0));
    }
    return OK;
}

static Status heads_of(Bench *b, const Head *head, int count)
{
    const double cache = b->cache;
    /* One set is enough: a table that fits the caches is in them during a training step too. */
    b->cache = 0.0;
    const Status st = each_head(b, head, count);
    b->cache = cache;
    return st;
}

/* A quick run takes the first of each list. */
Status measure_ops_catalogue(Bench *b)
{
    static const Head gpu[] = {
        {BF16, 16384, 20000, 128},    {BF16, 16384, 20000, 256},   {BF16, 16384, 100000, 256},
        {BF16, 16384, 100000, 512},   {BF16, 16384, 100000, 1024}, {F32, 4096, 20000, 256},
        {BF16, 4096, 100000, 512},    {BF16, 16384, 10000, 512},   {BF16, 16384, 1000000, 512},
        {BF16, 16384, 10000000, 512},
    };
    static const Head cpu[] = {{F32, 512, 20000, 64},
                               {F32, 512, 100000, 64},
                               {F32, 512, 20000, 256},
                               {BF16, 512, 20000, 64}};
    static const Head tiny[] = {{F32, 40, 300, 64}, {BF16, 40, 300, 64}};
    if (b->options->tiny) return heads_of(b, tiny, 2);
    if (ON_CUDA(b->dev)) return heads_of(b, gpu, b->options->quick ? 5 : 10);
    return heads_of(b, cpu, b->options->quick ? 1 : 4);
}
