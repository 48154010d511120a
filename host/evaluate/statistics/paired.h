/* Arms of an experiment held against each other: each was trained with the same several seeds and judged
 * on the same users, so that the luck of users and of seeds falls on all alike and drops out of
 * differences.
 *
 * With y_asu the sum of a measure over the n_u events of user u under arm a and seed s, the value of an
 * arm is V_a = 1/S sum_s sum_u y_asu / sum_u n_u, and the difference of two is D = V_a - V_b. Three 95 %
 * intervals, of an arm and of a difference alike:
 *
 *   over users   bootstrap of sum_u (mean_s y_asu - mean_s y_bsu) / sum_u n_u (evaluate/bootstrap.h): these
 *                very trained models, other users
 *   over seeds   D +- t(S-1) sd(D_s) / sqrt(S), D_s the difference under seed s alone: other trainings,
 *                these very users
 *   both         low = D - sqrt((D - low_users)^2 + (D - low_seeds)^2), high likewise: squares of the half
 *                widths add where the two kinds of luck are independent (Newcombe 1998; Zou & Donner 2008,
 *                MOVER). What a user and a seed do together lies in either, so it is rather too wide
 *
 * The verdict is by `both`. Each interval stands for itself; none is widened for there being several.
 * Below PAIRED_USERS_MIN users with events the bootstrap knows too little: the intervals are NaN.
 */
#ifndef SOUK_PAIRED_H
#define SOUK_PAIRED_H

#include "evaluate/statistics/bootstrap.h"

enum { PAIRED_ARMS_MAX = 8, PAIRED_USERS_MIN = 20 };

typedef struct {
    double low, high;
} Range;

typedef struct {
    double value;
    double spread; /* standard deviation of the value over the seeds */
    Range users, seeds, both;
} PairedEstimate;

typedef struct {
    int arms, seeds;    /* 1 .. PAIRED_ARMS_MAX, at least 2 */
    const double *seed; /* [arms, seeds] value under each seed alone */
    /* users 0: there are none apart, the seeds' interval is the whole (each seed met its own luck). */
    int64_t users;
    const double *size; /* [users] n_u */
    const double *sum;  /* [arms, users] mean over the seeds of y_asu */
} PairedSample;

/* out[a * arms + b]: of V_a - V_b, 0 throughout where a = b; arm[a]: of V_a. [arms, arms] and [arms]. */
Status paired_estimates(PairedEstimate *arm, PairedEstimate *difference, const PairedSample *sample,
                        const Bootstrap *bootstrap);

typedef enum { CANNOT_BE_TOLD_APART, BEATS, IS_BEATEN } Verdict;
/* Of a difference a - b: does the interval of both kinds of luck leave out 0? */
Verdict paired_verdict(const PairedEstimate *difference);
/* "beats", "is beaten by", "cannot be told apart from" */
const char *paired_verdict_words(Verdict v);

#endif
