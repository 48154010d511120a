/* SPDX-License-Identifier: Apache-2.0 */
/* The importance weights of a log: how much more often the policy would have done what the log did.
 *
 * The ratio of decision i is pi(a_i | x_i) / beta(a_i | x_i). The weight W of an episode is the
 * product of its ratios, so that it is the ratio itself in a bandit log. Over hundreds of steps W
 * leaves the range of a double, in both directions. So its logarithm is kept, and sums are taken of
 * W / exp(log_scale), where log_scale is the greatest logarithm: each term is at most 1, and the
 * greatest is 1. Two figures show the overlap of log and policy:
 *
 *   effective sample size   (sum W)^2 / sum W^2: the log is worth so many episodes under pi
 *   mean weight             sum W / N, whose expectation is 1 if beta is what the log says, and is
 *                           nowhere 0 where pi is not; with its standard error over users
 *
 * The effective sample size is always finite; mean, error and largest are INFINITY where they are
 * above the greatest double.
 */
#ifndef SOUK_OPE_WEIGHTS_H
#define SOUK_OPE_WEIGHTS_H

#include "evaluate/ope/log.h"

/* The mean weight is further from 1 than chance explains where it is further than this, and four
 * standard errors more. */
#define OPE_WEIGHT_SLACK 0.05

/* The figures of the weights. */
typedef struct {
    double log_scale;                 /* the greatest log W; 0 where every W is 0 */
    double scaled_mean, scaled_error; /* of W / exp(log_scale); the error of one user is INFINITY */
    double mean, error, largest;      /* of W */
    double ess;                       /* effective sample size */
} OpeOverlap;

typedef struct {
    double *ratio;       /* [count] */
    double *log_episode; /* [episodes] log W; -INFINITY where W is 0 */
    OpeOverlap overlap;
} OpeWeights;

/* From the policy's probability of each decision, chosen [count]. */
Status ope_weights_open(OpeWeights *w, const OpeLog *log, const double *chosen);
void ope_weights_close(OpeWeights *w); /* safe on {0} */

/* False where the mean weight is too far from 1; -1 or 1 in *side says in which direction. */
bool ope_weights_balanced(const OpeOverlap *o, int *side);

/* "0.9812", or "10^877.2" where mantissa x exp(log_scale) has no double; returns `out`. */
enum { OPE_WEIGHT_TEXT = 32 };
const char *ope_weights_text(char out[OPE_WEIGHT_TEXT], double mantissa, double log_scale);

#endif
