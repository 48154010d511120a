/* SPDX-License-Identifier: Apache-2.0 */
/* The area under the receiver operating characteristic, exact, with an interval over users.
 *
 *   A = P(score of a positive > score of a negative) + 1/2 P(equal)      (Mann & Whitney 1947)
 *
 * over all pairs. For a positive event i let v_i be the share of negatives below it (ties count
 * half); for a negative event, the share of positives above it. The influence of user u on A is
 *
 *   d_u = sum over u's positives of (v_i - A) / positives
 *       + sum over u's negatives of (v_i - A) / negatives
 *
 * and var(A) = U/(U-1) sum_u d_u^2: DeLong et al. 1988 with users as clusters (Obuchowski 1997).
 * The interval is A +- t standard errors, cut at 0 and 1. Its degrees of freedom are one less than
 * the number of users with positives, or with negatives if these are fewer: the rarer kind limits
 * the precision.
 */
#ifndef SOUK_AUC_H
#define SOUK_AUC_H

#include <stdint.h>

#include "base/status.h"
#include "evaluate/statistics/estimate.h"

typedef struct {
    int64_t positives, negatives;
    /* NaN without positives or without negatives; without an interval if one user has all of a
     * kind. */
    Estimate auc;
} Auc;

/* score[i] (finite) and label[i] (0 or 1) of first[users] events; those of user u are first[u] ..
 * first[u+1]-1. Takes time events log(events) and 24 bytes per event. */
Status auc_measure(Auc *out, const float *score, const uint8_t *label, const int64_t *first,
                   int64_t users);

#endif
