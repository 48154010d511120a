/* The reward model of DM and DR: ridge regression on the features of a decision, cross-fitted.
 *
 *   r(x, a) = c + item[a] + sum over a's category and number features
 *               + slot[x] + sum over the user's category and number features
 *   theta   = argmin sum_i (r_i - r(x_i, a_i))^2 + ridge |theta without c|^2
 *
 * The ridge shrinks the coefficient of an item towards what its features say, of a rare item the
 * most. Users are dealt to `folds` folds in turn. Model k is fitted to the users outside fold k,
 * and is used for those inside, so that no decision is judged by a model that saw it (Chernozhukov
 * et al. 2018). The normal equations are never formed: they are solved in double precision by
 * conjugate gradients over the sparse rows, with the diagonal as preconditioner (Hestenes & Stiefel
 * 1952). Time: decisions x iterations x folds. Memory: 8 doubles per coefficient. The same result
 * for any number of threads.
 *
 * The direct estimate is the mean of direct_i below. Its models were estimated from the same log.
 * To first order the part that a decision has in it, through the coefficients, is its influence
 *
 *   inf_i = sum_{k != fold(i)} (r_i - r_k(x_i, a_i)) phi_i^T A_k^-1 sum_{j in fold k} E_pi phi_j
 *
 * where phi_i are the features of decision i and A_k is the ridge matrix of model k. The influences
 * are centred to sum 0: adding them to the terms leaves the estimate as it is, and makes its
 * interval that of estimated models, provided that the true rewards have this form.
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
