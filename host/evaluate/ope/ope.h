/* Off-policy evaluation: what a policy pi would have earned, told from a log of another one, with
 * intervals; and whether the log can tell at all.
 *
 * Two things are watched over the episodes' weights W (of a bandit log: the decisions' pi / beta):
 *
 *   effective sample size   (sum W)^2 / sum W^2          how many episodes under pi the log is worth
 *   mean weight             sum W / N, expectation 1     when beta is what the log says and is nowhere
 *                                                        0 where pi is not; its standard error over users
 *
 * The overlap is too small when the effective sample size is below what is wanted, or the mean weight is
 * further from 1 than OPE_WEIGHT_SLACK + 4 standard errors.
 */
#ifndef SOUK_OPE_H
#define SOUK_OPE_H

#include "evaluate/ope/interval.h"

#define OPE_WEIGHT_SLACK 0.05

typedef struct {
    double clip;   /* 0: the square root of the number of decisions (Ionides 2008) */
    double gamma;  /* discount of a sequential log */
    double ridge;  /* of the reward model */
    int folds;     /* of its cross-fitting */
    bool channels; /* the fitted Q by kind of reward too */
    double ess_wanted;
    Bootstrap bootstrap;
} OpeOptions;

typedef struct {
    double clip;
    double mean, error, largest; /* of the weights W */
    double ess, ess_wanted;
    int estimators;
    const OpeEstimator *estimator[OPE_ESTIMATORS];
    OpeEstimate estimate[OPE_ESTIMATORS];
    int sweeps; /* of the fitted Q; 0: none was fitted */
    bool converged;
    double residual;
    int channels; /* kinds of action; 0: not asked */
    double channel[ACTIONS_MAX];
} OpeResult;

/* Every estimator that fits the log and the policy. */
Status ope_run(OpeResult *result, const OpeLog *log, const OpePolicy *policy,
               const OpeOptions *options);

/* False when the overlap is too small; `why` then says so in one line. */
bool ope_overlaps(const OpeResult *result, const OpeLog *log, char *why, size_t size);

#endif
