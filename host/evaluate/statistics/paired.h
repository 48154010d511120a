/* SPDX-License-Identifier: Apache-2.0 */
/* Compares the arms of an experiment. Each arm was trained with the same several seeds and measured
 * on the same users, so that the random variation of users and of seeds is the same for all arms
 * and cancels in differences.
 *
 * Let y_asu be the sum of a measure over the n_u events of user u under arm a and seed s. The value
 * of an arm is V_a = 1/S sum_s sum_u y_asu / sum_u n_u, the difference of two arms D = V_a - V_b.
 * An arm and a difference alike get three 95 % intervals:
 *
 *   over users   the bootstrap of sum_u (mean_s y_asu - mean_s y_bsu) / sum_u n_u (bootstrap.h):
 *                other users, the same trained models
 *   over seeds   D +- t(S-1) sd(D_s) / sqrt(S), D_s the difference under seed s: other trainings,
 *                the same users
 *   both         low = D - sqrt((D - low_users)^2 + (D - low_seeds)^2), and high likewise: the
 *                squares of the half widths add where the two kinds of variation are independent
 *                (Newcombe 1998; Zou & Donner 2008, MOVER). The variation of a user together with a
 *                seed is in both of the other intervals, so this interval is a little too wide
 *
 * The verdict is that of `both`. Each interval is a 95 % interval by itself; none is widened
 * because there are several comparisons. With fewer than PAIRED_USERS_MIN users that have events
 * the bootstrap is not reliable: the intervals are NaN.
 */
#ifndef SOUK_PAIRED_H
#define SOUK_PAIRED_H

#include "evaluate/statistics/bootstrap.h"

enum { PAIRED_ARMS_MAX = 8, PAIRED_USERS_MIN = 20 };

typedef struct {
    double low, high;
} PairedRange;

typedef struct {
    double value;
    double spread; /* standard deviation of the value over the seeds */
    PairedRange users, seeds, both;
} PairedEstimate;

typedef struct {
    int arms, seeds;    /* 1 .. PAIRED_ARMS_MAX, at least 2 */
    const double *seed; /* [arms, seeds] the value under each seed */
    /* 0: the arms have no users in common, as each seed has users of its own. Then the interval
     * over seeds contains all variation, and `both` is the same interval. */
    int64_t users;
    const double *size; /* [users] n_u */
    const double *sum;  /* [arms, users] mean over the seeds of y_asu */
} PairedSample;

/* Fills arm [arms] with V_a, and difference [arms, arms] with V_a - V_b at [a * arms + b]; that of
 * an arm and itself is 0 throughout. */
Status paired_estimates(PairedEstimate *arm, PairedEstimate *difference, const PairedSample *sample,
                        const Bootstrap *bootstrap);

typedef enum { PAIRED_UNDECIDED, PAIRED_BEATS, PAIRED_IS_BEATEN } PairedVerdict;
/* For the difference a - b: whether the interval `both` is above 0, below 0, or neither. */
PairedVerdict paired_verdict(const PairedEstimate *difference);
/* "beats", "is beaten by", "cannot be told apart from" */
const char *paired_verdict_words(PairedVerdict v);

#endif
