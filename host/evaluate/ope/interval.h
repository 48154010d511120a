/* Intervals of off-policy estimates at 95 %, users as the units.
 *
 * Percentile bootstrap of the estimate's sums over users (evaluate/bootstrap.h); with few rewarded
 * decisions or few effective ones it is too short.
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

#include "evaluate/ope/estimators.h"
#include "evaluate/statistics/bootstrap.h"

typedef struct {
    double value;
    double low, high;                     /* percentile bootstrap */
    double bernstein_low, bernstein_high; /* NaN where it does not apply */
} OpeEstimate;

/* Estimates of `count` estimators from their terms, over the same users; size [users]. */
Status ope_interval_estimates(OpeEstimate *out, int count, const OpeEstimator *const *estimator,
                              const OpeTerms *terms, const double *size, int64_t users,
                              const Bootstrap *bootstrap);

#endif
