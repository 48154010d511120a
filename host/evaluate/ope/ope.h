/* SPDX-License-Identifier: Apache-2.0 */
/* Off-policy evaluation: estimates what a policy pi would have earned, from a log of another
 * policy, with intervals, and says whether the log has enough overlap with pi.
 *
 * The weight W of an episode is the product of pi / beta over its decisions. Two figures show the
 * overlap:
 *
 *   effective sample size   (sum W)^2 / sum W^2: the log is worth so many episodes under pi
 *   mean weight             sum W / N, whose expectation is 1 if beta is what the log says, and is
 *                           nowhere 0 where pi is not; with its standard error over users
 *
 * The overlap is too small where the effective sample size is below the one that is wanted, or the
 * mean weight is further from 1 than OPE_WEIGHT_SLACK + 4 standard errors.
 */
#ifndef SOUK_OPE_H
#define SOUK_OPE_H

#include "evaluate/ope/estimators/list.h"
#include "evaluate/ope/interval.h"

#define OPE_WEIGHT_SLACK 0.05

typedef struct {
    double clip;  /* largest weight; 0: the square root of the number of decisions (Ionides 2008) */
    double gamma; /* discount of a sequential log */
    double ridge; /* penalty of the reward model and of the fitted Q */
    int folds;    /* folds of the cross-fitted reward model */
    bool channels; /* also split the value of the fitted Q by kind of reward */
    double ess_wanted;
    Bootstrap bootstrap;
} OpeOptions;

typedef struct {
    double clip;
    double mean, error, largest; /* mean, standard error and maximum of the weights W */
    double ess, ess_wanted;
    int estimators;
    const OpeEstimator *estimator[ESTIMATORS];
    OpeEstimate estimate[ESTIMATORS];
    int sweeps; /* the sweeps of the fitted Q; 0: none was fitted */
    bool converged;
    double residual;
    int channels; /* kinds of action; 0: not wanted */
    double channel[ACTIONS_MAX];
} OpeResult;

/* Runs every estimator that applies to the log and the policy. */
Status ope_run(OpeResult *result, const OpeLog *log, const OpePolicy *policy,
               const OpeOptions *options);

/* False where the overlap is too small; then `why` says so in one line. */
bool ope_overlaps(const OpeResult *result, const OpeLog *log, char *why, size_t size);

#endif
