/* A comment above `fill` names the tensors in their order. */
#include "measure/ops_catalogue.h"

#include <inttypes.h>
#include <stdio.h>

#include "catalogue/catalogue.h"

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

/* The table is read once, in f32. */
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
    t[7] = measure_tensor(c, F32, s->items, s->dim, 0.0f);
    t[8] = measure_tensor(c, F32, s->items, 0, 0.0f);
}
static void loss_call(Case *c, const Tensor *t)
{
    const ItemTable table = {.id = t[1]};
    catalogue_cross_entropy(c->dev, t[3], t[6], t[7], t[8], t[0], &table, t[2], t[4], t[5]);
}
/* Three products: the scores, du, did. Where they are not kept, the scores are computed twice. */
static void loss_cost(const Shape *s, double size, double *bytes, double *flops)
{
    stats_cost(s, size, bytes, flops);
    *flops *= 3.0;
    *bytes += 8.0 * (double)s->items * (double)s->dim + size * (double)s->rows * (double)s->dim;
}

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

static Status catalogue_of(Bench *b, Shape s)
{
    char text[64];
    const double table = 4.0 * (double)s.items * (double)s.dim;
    const bool gradient = 5.0 * table < (double)device_memory(b->dev);
    if (2.5 * table > (double)device_memory(b->dev)) return OK;
    snprintf(text, sizeof text, "%" PRId64 " x %" PRId64 " items, dim %" PRId64, s.rows, s.items,
             s.dim);
    TRY(measure_case(b, &best, s, text));
    TRY(measure_case(b, &sum, s, text));
    TRY(measure_case(b, &expectation, s, text));
    return gradient ? measure_case(b, &loss, s, text) : OK;
}

typedef struct {
    Dtype dtype;
    int64_t rows, items, dim;
} Head;

static Status heads_of(Bench *b, const Head *head, int count)
{
    const double cache = b->cache;
    b->cache = 0.0; /* a table is larger than the caches, or is reused while it is in them */
    Status st = OK;
    for (int i = 0; i < count && st == OK; i++)
        st = catalogue_of(b, (Shape){.dtype = head[i].dtype,
                                     .rows = head[i].rows,
                                     .items = head[i].items,
                                     .dim = head[i].dim});
    b->cache = cache;
    return st;
}

/* The first are those of a quick run. */
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
