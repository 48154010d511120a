/* The reward model of DM and DR: ridge regression on what shows in a decision, cross-fitted.
 *
 *   r(x, a) = c + item[a] + sum over a's category and number features
 *               + slot[x] + sum over the user's category and number features
 *   theta   = argmin sum_i (r_i - r(x_i, a_i))^2 + ridge |theta without c|^2
 *
 * An item's own coefficient is shrunk towards what its features say, a rare one the more. Users are dealt
 * to `folds` folds in turn; model k is fitted to the users outside fold k, and its values are
 * used for those inside: so no decision is judged by a model that saw it (Chernozhukov et al. 2018).
 * The normal equations are never formed: conjugate gradients over the sparse rows, with the diagonal as
 * preconditioner (Hestenes & Stiefel 1952), in double. Time decisions x iterations x folds, memory
 * 8 doubles a coefficient. Deterministic for any number of threads.
 *
 * The value of `direct` below is sum_i d_i / n. The models in it were estimated too, from the same log;
 * to first order a user's part in that is the influence of its decisions on the coefficients,
 *
 *   inf_i = sum over k != fold(i) of (r_i - r_k(x_i, a_i)) phi_iᵀ A_k^-1 sum_{j in fold k} E_pi phi_j
 *
 * (A_k the ridge matrix of model k), centred to sum 0: adding it to the terms leaves the value and makes
 * the interval one of the estimated models, given that the form above holds.
 */
#ifndef SOUK_OPE_REWARD_H
#define SOUK_OPE_REWARD_H

#include "evaluate/ope/policy.h"

typedef struct {
    double ridge; /* > 0 */
    int folds;    /* >= 2, at most the number of users */
    int threads;
} OpeRewardOptions;

typedef struct {
    double *fitted;    /* [count] r(x_i, a_i) */
    double *direct;    /* [count] sum_a pi(a | x_i) r(x_i, a) */
    double *influence; /* [count] */
} OpeReward;

/* Fit, and ask the policy; chosen [count] gets its probabilities on the way. */
Status ope_reward_fit(OpeReward *r, double *chosen, const OpeLog *log, const OpePolicy *policy,
                      const OpeRewardOptions *options);
void ope_reward_close(OpeReward *r); /* safe on {0} */

#endif
