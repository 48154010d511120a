/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/interval.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

/* The estimate from the sums of rows, which are size, then plain, top and bottom of each
 * estimator. */
static double estimate_of(const double *sum, int k)
{
    const double *s = sum + 1 + 3 * k;
    return s[0] / sum[0] + (s[2] != 0.0 ? s[1] / s[2] : 0.0);
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

Status ope_interval_estimates(OpeEstimate *out, int count, const OpeEstimator *const *estimator,
                              const OpeTerms *terms, const double *size, int64_t users,
                              const Bootstrap *bootstrap)
{
    REQUIRE(count >= 1 && count <= OPE_INTERVAL_ESTIMATES_MAX, "%d estimators, want 1 to %d", count,
            OPE_INTERVAL_ESTIMATES_MAX);
    const int width = 1 + 3 * count;
    BootstrapInterval interval[OPE_INTERVAL_ESTIMATES_MAX];
    double *row = calloc((size_t)users * (size_t)width + 1, sizeof *row);
    if (!row) return FAIL(ERR_MEMORY, "no memory to resample %" PRId64 " users", users);
    for (int64_t u = 0; u < users; u++) {
        double *to = row + u * width;
        to[0] = size[u];
        for (int k = 0; k < count; k++) {
            to[1 + 3 * k] = terms[k].plain[u];
            to[2 + 3 * k] = terms[k].top[u];
            to[3 + 3 * k] = terms[k].bottom[u];
        }
    }
    const BootstrapSample sample = {users, width, row, count, estimate_of};
    const Status st = bootstrap_run(interval, &sample, bootstrap);
    free(row);
    TRY(st);
    for (int k = 0; k < count; k++) {
        if (!isfinite(interval[k].value)) {
            out[k] = (OpeEstimate){NAN, NAN, NAN, NAN, NAN};
            continue;
        }
        out[k] = (OpeEstimate){interval[k].value, interval[k].low, interval[k].high, NAN, NAN};
        if (estimator[k]->bernstein && users > 1) bernstein(&out[k], terms[k].plain, size, users);
    }
    return OK;
}
