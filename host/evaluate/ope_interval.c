#include "evaluate/ope_interval.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "base/rng.h"

enum { SUMS_MAX = 1 + 3 * OPE_ESTIMATORS };

typedef struct {
    int count;
    int64_t users;
    const double *row; /* [users, 1 + 3 count] size, then plain, top, bottom of each estimator */
    const OpeBootstrap *bootstrap;
    double *replicate; /* [count, replicates] */
} Draws;

/* A sample's number of times of one user: the inverse of the Poisson(1) distribution at a word. */
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

static double estimate_of(const double *sum, int k)
{
    const double *s = sum + 1 + 3 * k;
    return s[0] / sum[0] + (s[2] != 0.0 ? s[1] / s[2] : 0.0);
}

static Status draw(void *context, int64_t replicate)
{
    const Draws *d = context;
    const int width = 1 + 3 * d->count;
    double sum[SUMS_MAX] = {0};
    Philox words = {0};
    for (int64_t u = 0; u < d->users; u++) {
        if (u % 4 == 0) words = philox(d->bootstrap->seed, (uint64_t)replicate, (uint64_t)u / 4);
        const int times = poisson(words.word[u % 4]);
        if (!times) continue;
        const double *row = d->row + u * width;
        for (int j = 0; j < width; j++) sum[j] += (double)times * row[j];
    }
    for (int k = 0; k < d->count; k++)
        d->replicate[k * d->bootstrap->replicates + replicate] = estimate_of(sum, k);
    return OK;
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a, y = *(const double *)b;
    return (x > y) - (x < y);
}

/* The p-quantile of sorted x, between its order statistics (count+1) p. */
static double quantile(const double *x, int count, double p)
{
    const double at = fmin(fmax((count + 1) * p - 1.0, 0.0), count - 1.0);
    const int below = (int)at, above = below + 1 < count ? below + 1 : below;
    return x[below] + (at - below) * (x[above] - x[below]);
}

static void bernstein(OpeEstimate *e, const double *plain, const double *size, int64_t users)
{
    double total = 0.0, square = 0.0, least = INFINITY, most = -INFINITY;
    for (int64_t u = 0; u < users; u++) total += size[u];
    for (int64_t u = 0; u < users; u++) {
        const double x = (plain[u] - e->value * size[u]) * (double)users / total;
        square += x * x;
        least = fmin(least, x);
        most = fmax(most, x);
    }
    const double n = (double)users, logarithm = log(4.0 / 0.05);
    const double half = sqrt(2.0 * square / (n - 1.0) * logarithm / n) +
                        7.0 * (most - least) * logarithm / (3.0 * (n - 1.0));
    e->bernstein_low = e->value - half;
    e->bernstein_high = e->value + half;
}

static void finish(OpeEstimate *out, const Draws *d, const OpeEstimator *const *estimator,
                   const OpeTerms *terms, const double *size)
{
    const int replicates = d->bootstrap->replicates, width = 1 + 3 * d->count;
    double sum[SUMS_MAX] = {0};
    for (int64_t u = 0; u < d->users; u++)
        for (int j = 0; j < width; j++) sum[j] += d->row[u * width + j];
    for (int k = 0; k < d->count; k++) {
        double *x = d->replicate + (int64_t)k * replicates;
        qsort(x, (size_t)replicates, sizeof *x, by_value);
        out[k] = (OpeEstimate){.value = estimate_of(sum, k),
                               .low = quantile(x, replicates, 0.025),
                               .high = quantile(x, replicates, 0.975),
                               .bernstein_low = NAN,
                               .bernstein_high = NAN};
        if (estimator[k]->bernstein && d->users > 1)
            bernstein(&out[k], terms[k].plain, size, d->users);
    }
}

Status ope_estimates(OpeEstimate *out, int count, const OpeEstimator *const *estimator,
                     const OpeTerms *terms, const double *size, int64_t users,
                     const OpeBootstrap *bootstrap)
{
    REQUIRE(count >= 1 && count <= OPE_ESTIMATORS, "%d estimators", count);
    const size_t width = 1 + 3 * (size_t)count;
    double *row = calloc((size_t)users * width, sizeof *row);
    Draws d = {count, users, row, bootstrap, NULL};
    d.replicate = calloc((size_t)count * (size_t)bootstrap->replicates, sizeof *d.replicate);
    Status st = row && d.replicate
                    ? OK
                    : FAIL(ERR_MEMORY, "no memory to resample %lld users", (long long)users);
    if (st == OK) {
        for (int64_t u = 0; u < users; u++) {
            double *to = row + u * (int64_t)width;
            to[0] = size[u];
            for (int k = 0; k < count; k++) {
                to[1 + 3 * k] = terms[k].plain[u];
                to[2 + 3 * k] = terms[k].top[u];
                to[3 + 3 * k] = terms[k].bottom[u];
            }
        }
        st = parallel_run(bootstrap->threads, bootstrap->replicates, draw, &d);
    }
    if (st == OK) finish(out, &d, estimator, terms, size);
    free(row);
    free(d.replicate);
    return st;
}
