/* SPDX-License-Identifier: Apache-2.0 */
/* The percentile bootstrap (Efron 1979) of statistics of sums over users. Users are the independent
 * units.
 *
 * Replicate b gives user u the weight c_ub ~ Poisson(1), drawn by Philox(seed, b, u) (Chamandy et
 * al. 2012: the limit of the multinomial weights, which needs one pass), and forms the statistics
 * of the weighted sums. The 95 % interval runs from the 2.5 % to the 97.5 % quantile of the
 * replicates. It is right for large samples; with few users it is too short.
 */
#ifndef SOUK_BOOTSTRAP_H
#define SOUK_BOOTSTRAP_H

#include <stdint.h>

#include "base/status.h"

enum { BOOTSTRAP_WIDTH_MAX = 48 };

typedef struct {
    int replicates;
    uint64_t seed;
    int threads; /* results do not depend on it */
} Bootstrap;

typedef struct {
    int64_t users;
    int width;         /* terms of a user, at most BOOTSTRAP_WIDTH_MAX */
    const double *row; /* [users, width] */
    int count;         /* statistics */
    /* Statistic k of the sums [width] over users. */
    double (*statistic)(const double *sum, int k);
} BootstrapSample;

typedef struct {
    double value, low, high;
} BootstrapInterval;

/* The statistics of the plain sums, with their intervals: out [count]. */
Status bootstrap_run(BootstrapInterval *out, const BootstrapSample *sample,
                     const Bootstrap *options);

#endif
