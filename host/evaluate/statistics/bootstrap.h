/* Percentile bootstrap (Efron 1979) of statistics of sums over users, users as the units.
 *
 * Replicate b gives user u the weight c_ub ~ Poisson(1), drawn by Philox(seed, b, u) (Chamandy et al.
 * 2012: the multinomial's limit, in one sweep), forms the statistics of the weighted sums, and a 95 %
 * interval runs from the 2.5 % to the 97.5 % quantile of the replicates. It holds as the sample grows;
 * with few users that count it is too short.
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

/* Statistics of the plain sums with their intervals: out [count]. */
Status bootstrap_run(BootstrapInterval *out, const BootstrapSample *sample,
                     const Bootstrap *options);

#endif
