/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/statistics/bootstrap.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/parallel.h"
#include "base/rng.h"

typedef struct {
    const BootstrapSample *sample;
    const Bootstrap *options;
    double *replicate; /* [count, replicates] */
} Draws;

/* How often a replicate counts a user: the inverse of the Poisson(1) distribution at a uniform
 * word. */
static int poisson(uint32_t word)
{
    const double u = ((double)word + 0.5) * 0x1p-32;
    double term = 0.36787944117144233, sum = term;
    int c = 0;
    while (u > sum && c < 14) {
        term /= (double)++c;
        sum += term;
    }
    return c;
}

static Status draw(void *context, int64_t replicate)
{
    const Draws *d = context;
    const BootstrapSample *s = d->sample;
    double sum[BOOTSTRAP_WIDTH_MAX] = {0};
    Philox words = {0};
    for (int64_t u = 0; u < s->users; u++) {
        if (u % 4 == 0) words = philox(d->options->seed, (uint64_t)replicate, (uint64_t)u / 4);
        const int times = poisson(words.word[u % 4]);
        if (!times) continue;
        const double *row = s->row + u * s->width;
        for (int j = 0; j < s->width; j++) sum[j] += (double)times * row[j];
    }
    for (int k = 0; k < s->count; k++)
        d->replicate[k * d->options->replicates + replicate] = s->statistic(sum, k);
    return OK;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The p-quantile of sorted x: the order statistic with the number (count+1) p, interpolated. */
static double quantile(const double *x, int count, double p)
{
    const double at = fmin(fmax((count + 1) * p - 1.0, 0.0), count - 1.0);
    const int below = (int)at, above = below + 1 < count ? below + 1 : below;
    return x[below] + (at - below) * (x[above] - x[below]);
}

static void finish(BootstrapInterval *out, const Draws *d)
{
    const BootstrapSample *s = d->sample;
    const int replicates = d->options->replicates;
    double sum[BOOTSTRAP_WIDTH_MAX] = {0};
    for (int64_t u = 0; u < s->users; u++)
        for (int j = 0; j < s->width; j++) sum[j] += s->row[u * s->width + j];
    for (int k = 0; k < s->count; k++) {
        double *x = d->replicate + (int64_t)k * replicates;
        qsort(x, (size_t)replicates, sizeof *x, by_value);
        out[k] = (BootstrapInterval){s->statistic(sum, k), quantile(x, replicates, 0.025),
                                     quantile(x, replicates, 0.975)};
    }
}

Status bootstrap_run(BootstrapInterval *out, const BootstrapSample *sample,
                     const Bootstrap *options)
{
    REQUIRE(sample->width >= 1 && sample->width <= BOOTSTRAP_WIDTH_MAX, "%d terms, want 1 to %d",
            sample->width, BOOTSTRAP_WIDTH_MAX);
    Draws d = {sample, options, NULL};
    d.replicate =
        calloc((size_t)sample->count * (size_t)options->replicates + 1, sizeof *d.replicate);
    if (!d.replicate)
        return FAIL(ERR_MEMORY, "no memory to resample %" PRId64 " users", sample->users);
    const Status st = parallel_run(options->threads, options->replicates, draw, &d);
    if (st == OK) finish(out, &d);
    free(d.replicate);
    return st;
}
