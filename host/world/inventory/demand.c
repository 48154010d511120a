/* SPDX-License-Identifier: Apache-2.0 */
#include "world/inventory/demand.h"

#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

#define TAIL 1e-12 /* probability above `max` that may be neglected where this file chooses max */

void demand_close(Demand *d)
{
    free(d->probability);
    free(d->cumulative);
    *d = (Demand){0};
}

static Status allocate(Demand *d, int max)
{
    *d = (Demand){.max = max};
    d->probability = calloc((size_t)max + 1, sizeof *d->probability);
    d->cumulative = calloc((size_t)max + 1, sizeof *d->cumulative);
    if (d->probability && d->cumulative) return OK;
    demand_close(d);
    return FAIL(ERR_MEMORY, "no memory for a demand of up to %d units", max);
}

/* Fills the rest of the table from P(0) .. P(max - 1). */
static void finish(Demand *d)
{
    double below = 0.0;
    for (int k = 0; k < d->max; k++) {
        below += d->probability[k];
        d->cumulative[k] = fmin(below, 1.0);
        d->mean += k * d->probability[k];
    }
    d->probability[d->max] = fmax(1.0 - below, 0.0);
    d->cumulative[d->max] = 1.0;
    d->mean += d->max * d->probability[d->max];
}

/* Regularised lower incomplete gamma function P(shape, x): the series where it converges fast, else
 * one minus the continued fraction (Lentz); Abramowitz and Stegun 6.5.29, 6.5.31. */
static double gamma_cdf(double shape, double x)
{
    if (x <= 0.0) return 0.0;
    const double scale = exp(shape * log(x) - x - lgamma(shape));
    if (x < shape + 1.0) {
        double term = 1.0 / shape, sum = term;
        for (int n = 1; term > sum * 1e-17; n++) sum += term *= x / (shape + n);
        return sum * scale;
    }
    double b = x + 1.0 - shape, c = INFINITY, d = 1.0 / b, fraction = d, change = 0.0;
    for (int n = 1; n < 10000 && fabs(change - 1.0) > 1e-15; n++) {
        const double a = -n * (n - shape);
        b += 2.0;
        d = 1.0 / (a * d + b);
        c = b + a / c;
        fraction *= change = c * d;
    }
    return 1.0 - scale * fraction;
}

typedef struct {
    double mean, cov;
    double r; /* negative binomial: failures; 0: Poisson */
} CountLaw;

static double count_probability(const CountLaw *s, int k)
{
    const double m = s->mean, r = s->r;
    if (m == 0.0) return k == 0;
    if (r == 0.0) return exp(k * log(m) - m - lgamma(k + 1.0));
    return exp(lgamma(k + r) - lgamma(r) - lgamma(k + 1.0) - k * log1p(r / m) - r * log1p(m / r));
}

static double gamma_probability(const CountLaw *s, int k)
{
    const double shape = 1.0 / (s->cov * s->cov), rate = shape / s->mean;
    return gamma_cdf(shape, (k + 0.5) * rate) - (k ? gamma_cdf(shape, (k - 0.5) * rate) : 0.0);
}

static Status tabulate(Demand *d, int max, double (*probability)(const CountLaw *s, int k),
                       const CountLaw *shape)
{
    REQUIRE(max >= 0 && max <= DEMAND_MAX, "demand of up to %d units, want 0 to %d", max,
            DEMAND_MAX);
    if (max == 0) {
        double below = 0.0;
        while (max < DEMAND_MAX && (below += probability(shape, max)) < 1.0 - TAIL) max++;
        if (max == DEMAND_MAX)
            return FAIL(ERR_USAGE,
                        "demand of mean %g goes beyond %d units, want max=N or a smaller mean",
                        shape->mean, DEMAND_MAX);
    }
    TRY(allocate(d, max));
    for (int k = 0; k < max; k++) d->probability[k] = probability(shape, k);
    finish(d);
    return OK;
}

static Status check_mean(const char *name, double mean)
{
    const int most = DEMAND_MAX / 2;
    if (mean >= 0.0 && mean <= most) return OK;
    return FAIL(ERR_USAGE, "%s demand has mean %g, want 0 to %d", name, mean, most);
}

Status demand_poisson(Demand *d, double mean, int max)
{
    TRY(check_mean("Poisson", mean));
    return tabulate(d, max, count_probability, &(CountLaw){.mean = mean});
}

Status demand_negative_binomial(Demand *d, double mean, double cov, int max)
{
    TRY(check_mean("negative binomial", mean));
    const double excess = cov * cov * mean * mean - mean; /* variance minus mean */
    if (!(excess > 0.0 && isfinite(excess)))
        return FAIL(ERR_USAGE,
                    "negative binomial demand of mean %g and coefficient of variation %g, want "
                    "one above Poisson's, %g",
                    mean, cov, 1.0 / sqrt(mean));
    return tabulate(d, max, count_probability, &(CountLaw){mean, cov, mean * mean / excess});
}

Status demand_gamma(Demand *d, double mean, double cov, int max)
{
    TRY(check_mean("gamma", mean));
    if (!(mean > 0.0 && cov >= 0.01 && cov <= 10.0))
        return FAIL(ERR_USAGE,
                    "gamma demand of mean %g and coefficient of variation %g, want a mean above 0 "
                    "and a coefficient of 0.01 to 10",
                    mean, cov);
    return tabulate(d, max, gamma_probability, &(CountLaw){mean, cov, 0.0});
}

Status demand_history(Demand *d, const int64_t *observed, int64_t count)
{
    REQUIRE(count > 0, "a record of %" PRId64 " observations, want at least 1", count);
    int64_t max = 0;
    for (int64_t i = 0; i < count; i++) {
        if (observed[i] < 0 || observed[i] > DEMAND_MAX)
            return FAIL(ERR_FORMAT,
                        "observation %" PRId64 " is a demand of %" PRId64 ", want 0 to %d", i,
                        observed[i], DEMAND_MAX);
        if (observed[i] > max) max = observed[i];
    }
    TRY(allocate(d, (int)max));
    for (int64_t i = 0; i < count; i++) d->cumulative[observed[i]]++;
    for (int64_t k = 0; k < max; k++) d->probability[k] = d->cumulative[k] / (double)count;
    finish(d);
    return OK;
}

int demand_draw(const Demand *d, uint32_t word)
{
    const double u = (double)word * 0x1p-32;
    int low = 0, high = d->max;
    while (low < high) {
        const int middle = (low + high) / 2;
        if (u < d->cumulative[middle])
            high = middle;
        else
            low = middle + 1;
    }
    return low;
}

int demand_fractile(const Demand *d, double fractile)
{
    REQUIRE(fractile >= 0.0 && fractile <= 1.0, "fractile %g, want 0 to 1", fractile);
    int q = 0;
    while (q < d->max && d->cumulative[q] < fractile) q++;
    return q;
}
