/* SPDX-License-Identifier: Apache-2.0 */
/* Off-policy evaluation: estimates what a policy pi would have earned, from a log of another
 * policy, with intervals, and says whether the log has enough overlap with pi.
 *
 * ope/weights.h has the figures that show the overlap. It is too small where the effective sample
 * size is below the one that is wanted, or the mean weight is too far from 1.
 */
#ifndef SOUK_OPE_H
#define SOUK_OPE_H

#include "evaluate/ope/estimators/list.h"
#include "evaluate/ope/interval.h"

typedef struct {
    double clip;  /* largest weight; 0: the square root of the number of decisions (Ionides 2008) */
    double gamma; /* discount of a sequential log */
    double ridge; /* penalty of the reward model and of the fitted Q */
    int folds;    /* folds of the cross-fitted reward model */
    bool channels;     /* also split the value of the fitted Q by kind of reward */
    int64_t fqe_steps; /* bound of the work of each fit of Q: OpeFqeOptions.steps */
    double ess_wanted;
    Listener *listener; /* hears the progress of the fitted Q, and where it has not converged */
    Bootstrap bootstrap;
} OpeOptions;

typedef struct {
    double clip, ess_wanted;
    OpeOverlap overlap;
    int estimators;
    const OpeEstimator *estimator[ESTIMATORS];
    OpeEstimate estimate[ESTIMATORS];
    OpeFqeFit fit; /* how the fit of Q went; no sweep: none was fitted */
    int channels;  /* kinds of action; 0: not wanted */
    double channel[ACTIONS_MAX];
} OpeResult;

/* Runs every estimator that applies to the log and the policy. */
Status ope_run(OpeResult *result, const OpeLog *log, const OpePolicy *policy,
               const OpeOptions *options);

/* False where the overlap is too small; then `why` says so in one line. */
bool ope_overlaps(const OpeResult *result, const OpeLog *log, char *why, size_t size);

#endif
