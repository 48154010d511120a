/* Intervals of off-policy estimates at 95 %, users as the units.
 *
 * Percentile bootstrap (Efron 1979): replicate b gives user u the weight c_ub ~ Poisson(1), drawn by
 * Philox(seed, b, u) (Chamandy et al. 2012: the multinomial's limit, in one sweep), forms the estimate
 * of the weighted sums, and the interval runs from the 2.5 % to the 97.5 % quantile of the replicates.
 * It holds as the sample grows; with few rewarded decisions or few effective ones it is too short.
 *
 * Empirical Bernstein (Maurer & Pontil 2009, theorem 4 on either side), of a mean:
 *
 *   +- sqrt(2 V ln(4 / 0.05) / U) + 7 R ln(4 / 0.05) / (3 (U - 1))
 *
 * V the variance over the U users of x_u = (plain_u - value size_u) / mean size, R the range of x_u. It
 * holds at every sample size, and so covers more than 95 %, when R bounds the terms; R here is the
 * range that was observed, which knows nothing of weights that did not occur.
 */
#ifndef SOUK_OPE_INTERVAL_H
#define SOUK_OPE_INTERVAL_H

#include "evaluate/ope_estimators.h"

typedef struct {
    double value;
    double low, high;                     /* percentile bootstrap */
    double bernstein_low, bernstein_high; /* NaN where it does not apply */
} OpeEstimate;

typedef struct {
    int replicates;
    uint64_t seed;
    int threads; /* results do not depend on it */
} OpeBootstrap;

/* Estimates of `count` estimators from their terms, over the same users; size [users]. */
Status ope_estimates(OpeEstimate *out, int count, const OpeEstimator *const *estimator,
                     const OpeTerms *terms, const double *size, int64_t users,
                     const OpeBootstrap *bootstrap);

#endif
