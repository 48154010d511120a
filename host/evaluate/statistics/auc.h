/* Area under the receiver operating characteristic, exact, with an interval over users.
 *
 *   A = P(score of a positive > score of a negative) + 1/2 P(equal)      (Mann & Whitney 1947)
 *
 * over all pairs. Interval: with v_i, for a positive, the share of negatives below it (ties half),
 * and for a negative the share of positives above it, a user's influence on A is
 *
 *   d_u = sum over its positives of (v_i - A) / positives
 *       + sum over its negatives of (v_i - A) / negatives
 *
 * and var(A) = U/(U-1) sum_u d_u^2: DeLong et al. 1988 with users as clusters (Obuchowski 1997).
 * The interval is A +- t standard errors, cut at 0 and 1, with one degree of freedom less than there
 * are users with positives, or with negatives if these are fewer: the rarer kind decides how much is
 * known.
 */
#ifndef SOUK_AUC_H
#define SOUK_AUC_H

#include "evaluate/ranking/ranking.h"

typedef struct {
    int64_t positives, negatives;
    Estimate auc; /* NaN with no positive or no negative; no interval with one user of a kind */
} Auc;

/* score[i] (finite), label[i] 0 or 1, of `first[users]` events; those of user u are first[u] ..
 * first[u+1]-1. Time events log events, memory 24 bytes an event. */
Status auc_measure(Auc *out, const float *score, const uint8_t *label, const int64_t *first,
                   int64_t users);

#endif
