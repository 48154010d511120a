/* SPDX-License-Identifier: Apache-2.0 */
/* The contract of an estimator of off-policy evaluation, and the formulas of all of them.
 *
 * For a bandit log (weighting.h, doubly.h) let w_i = pi(a_i | x_i) / beta(a_i | x_i), n the number
 * of decisions, M the clip, r(x, a) the reward model, and D_i = sum_a pi(a | x_i) r(x_i, a):
 *
 *   IPS          1/n sum w_i r_i                               Horvitz & Thompson 1952, Precup 2000
 *   clipped IPS  1/n sum min(w_i, M) r_i                       Ionides 2008
 *   SNIPS        sum w_i r_i / sum w_i                         Swaminathan & Joachims 2015
 *   DM           1/n sum D_i
 *   DR           1/n sum [D_i + w_i (r_i - r(x_i, a_i))]       Dudik et al. 2011
 *   SN-DR        1/n sum D_i + sum w_i (r_i - r(x_i, a_i)) / sum w_i
 *   Switch-DR    DR with w_i [w_i <= M]                        Wang et al. 2017
 *   DRos         DR with lambda w_i / (w_i^2 + lambda), lambda = M^2     Su et al. 2020
 *
 * For a sequential log (sequential.h) of N episodes let w_t = prod_{s<=t} pi(a_s | x_s) / beta(a_s
 * | x_s). The estimators give the expected discounted sum of the rewards of an episode:
 *
 *   TIS          1/N sum w_T sum_t gamma^t r_t                 (T the last step) Precup 2000
 *   PDIS         1/N sum sum_t gamma^t w_t r_t                 Precup 2000
 *   SN-TIS       sum w_T sum_t gamma^t r_t / sum w_T
 *   FQE          1/N sum V(x_first), V fitted (ope/fqe.h)      Le et al. 2019
 *   seq-DR       1/N sum D_first, with V and Q of FQE          Jiang & Li 2016
 *                D_t = V(x_t) + pi / beta(a_t | x_t) (r_t + gamma D_{t+1} - Q(x_t, a_t)),
 *                with D = 0 after the last step
 *
 * For any log there is "the log", the mean that the logging policy earned, as a comparison.
 *
 * Every estimator has the form
 *
 *   sum_u plain_u / sum_u size_u + sum_u top_u / sum_u bottom_u
 *
 * over users u, where size_u is the number of u's decisions or episodes. Its intervals
 * (ope/interval.h) are made from these terms.
 */
#ifndef SOUK_OPE_ESTIMATOR_H
#define SOUK_OPE_ESTIMATOR_H

#include "evaluate/ope/fqe.h"
#include "evaluate/ope/reward.h"
#include "evaluate/ope/weights.h"

typedef struct {
    const OpeLog *log;
    const OpeWeights *weights;
    const OpeReward *reward; /* NULL: there is no reward model */
    const OpeFqe *fqe;       /* NULL: there is no fitted Q */
    double clip, gamma;
} OpeData;

/* [users] each, zero before. An estimator without a quotient leaves `top` and `bottom` at 0; the
 * two may have one factor of any size in common. A term above the greatest double is infinite. */
typedef struct {
    double *plain, *top, *bottom;
} OpeTerms;

/* The logs for which an estimator is made: any log; a bandit log; a bandit log with a reward model;
 * a sequential log; a sequential log with a fitted Q. */
typedef enum { OPE_ANY, OPE_BANDIT, OPE_MODEL, OPE_SEQUENTIAL, OPE_FITTED } OpeKind;

typedef struct {
    const char *name;
    const char *help;    /* what it does */
    const char *assumes; /* what it assumes in addition to true propensities */
    OpeKind kind;
    bool bernstein; /* a mean of independent terms, which has a Bernstein interval */
    void (*terms)(const OpeData *data, const OpeTerms *terms);
} OpeEstimator;

#endif
