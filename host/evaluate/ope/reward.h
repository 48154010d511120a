/* SPDX-License-Identifier: Apache-2.0 */
/* The reward model of DM and DR: ridge regression on the features of a decision, cross-fitted.
 *
 *   r(x, a) = c + item[a] + sum over a's category and number features
 *               + slot[x] + sum over the user's category and number features
 *   theta   = argmin sum_i (r_i - r(x_i, a_i))^2 + ridge |theta without c|^2
 *
 * The ridge shrinks the coefficient of an item towards 0, most of all for a rare item, whose value
 * then follows from its features. Users are assigned to `folds` folds in turn. Model k is fitted to
 * the users outside fold k, and is used for those inside, so that no decision is predicted by a
 * model that was fitted to it (Chernozhukov et al. 2018). The normal equations are never formed:
 * they are solved in double precision by conjugate gradients over the sparse rows, with the
 * diagonal as preconditioner (Hestenes & Stiefel 1952). Time: decisions x iterations x folds.
 * Memory: 8 doubles per coefficient. The same result for any number of threads.
 *
 * The direct estimate is the mean of direct_i below. Its models were estimated from the same log.
 * To first order, decision i contributes to the estimate through the coefficients by its influence
 *
 *   inf_i = sum_{k != fold(i)} (r_i - r_k(x_i, a_i)) phi_i^T A_k^-1 sum_{j in fold k} E_pi phi_j
 *
 * where phi_i are the features of decision i and A_k is the ridge matrix of model k. The influences
 * are centred, so that their sum is 0. Adding them to the terms does not change the estimate, but
 * its interval then includes the error of the models, provided that the true rewards have this
 * form.
 */
#ifndef SOUK_OPE_REWARD_H
#define SOUK_OPE_REWARD_H

#include "evaluate/ope/policy.h"

typedef struct {
    double ridge; /* > 0 */
    int folds;    /* 2 .. 255, at most the number of users */
    int threads;
} OpeRewardOptions;

typedef struct {
    double *fitted;    /* [count] r(x_i, a_i) */
    double *direct;    /* [count] sum_a pi(a | x_i) r(x_i, a) */
    double *influence; /* [count] */
} OpeReward;

/* Fits the model and asks the policy. chosen [count] gets the policy's probabilities. */
Status ope_reward_fit(OpeReward *r, double *chosen, const OpeLog *log, const OpePolicy *policy,
                      const OpeRewardOptions *options);
void ope_reward_close(OpeReward *r); /* safe on {0} */

#endif
