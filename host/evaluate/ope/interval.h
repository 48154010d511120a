/* SPDX-License-Identifier: Apache-2.0 */
/* 95 % intervals of off-policy estimates, with users as the independent units.
 *
 * One is the percentile bootstrap of the estimate's sums over users
 * (evaluate/statistics/bootstrap.h). It is too short where few decisions have rewards, or where the
 * effective sample size is small.
 *
 * The other is the empirical Bernstein interval of a mean (Maurer & Pontil 2009, theorem 4 on
 * either side):
 *
 *   +- sqrt(2 V ln(4 / 0.05) / U) + 7 R ln(4 / 0.05) / (3 (U - 1))
 *
 * where V is the variance over the U users of x_u = (plain_u - value size_u) / mean size, and R the
 * range of x_u. It holds for every sample size if R bounds the terms, and therefore covers more
 * than 95 %. Here R is the observed range, which does not cover weights that did not occur in the
 * log.
 */
#ifndef SOUK_OPE_INTERVAL_H
#define SOUK_OPE_INTERVAL_H

#include "evaluate/ope/estimators/estimator.h"
#include "evaluate/statistics/bootstrap.h"

enum { OPE_INTERVAL_ESTIMATES_MAX = (BOOTSTRAP_WIDTH_MAX - 1) / 3 };

typedef struct {
    double value;                         /* NaN where a term is not finite; then all are */
    double low, high;                     /* percentile bootstrap */
    double bernstein_low, bernstein_high; /* NaN where it does not apply */
} OpeEstimate;

/* The estimates of `count` estimators, at most OPE_INTERVAL_ESTIMATES_MAX, from their terms over
 * the same users; size [users]. */
Status ope_interval_estimates(OpeEstimate *out, int count, const OpeEstimator *const *estimator,
                              const OpeTerms *terms, const double *size, int64_t users,
                              const Bootstrap *bootstrap);

#endif
