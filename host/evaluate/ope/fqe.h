/* SPDX-License-Identifier: Apache-2.0 */
/* Fitted Q evaluation (Le et al. 2019) of a model's policy on a sequential log, with a Q that is
 * linear in the model's states (linear_q.h):
 *
 *   theta <- argmin sum_i (r_i + gamma V(h_{i+1}) - Q(h_i, a_i))^2 + penalty(theta)
 *
 * by sweeps from theta = 0, until V changes by less than 1e-4 of itself. The last decision of an
 * episode has no h_{i+1}. The result V is that of the last sweep. Each sweep solves the normal
 * equations by conjugate gradients.
 *
 * The estimate is the mean of V over the first states of the episodes. Q was fitted to the same
 * log. To first order, decision i contributes to the estimate
 *
 *   inf_i = N w_i (r_i + gamma V(h_{i+1}) - Q(h_i, a_i)),    w_i = phi_i . lambda,
 *   lambda = M^-1 (1/N sum_episodes E_pi phi(h_first) + gamma sum_i w_i E_pi phi(h_{i+1}))
 *
 * with N episodes; w is the linear estimate of the density ratio (Uehara et al. 2020), which is
 * found by sweeps too. The influences are centred, so that their sum is 0. Adding them to the terms
 * of the estimate does not change the estimate, but its interval then includes the error of the
 * fit, provided that the true Q has this form.
 *
 * The fit is linear in the rewards, so Q is the sum of the Qs of each kind of reward: with
 * `channels` it is also fitted to the rewards of each kind of action (/events/action) alone.
 *
 * Time: sweeps x conjugate gradients x decisions x dim x dim, and one pass over the catalogue per
 * sweep. Values that become infinite are an error (ERR_USAGE). Runs on the device of the model's
 * session, with the same result for any number of threads.
 */
#ifndef SOUK_OPE_FQE_H
#define SOUK_OPE_FQE_H

#include "evaluate/ope/policy_model.h"

typedef struct {
    double gamma, ridge;
    bool channels;
} OpeFqeOptions;

typedef struct {
    double *value;     /* [count] V(h_i) */
    double *fitted;    /* [count] Q(h_i, a_i) */
    double *influence; /* [count] */
    int sweeps;        /* the sweeps of the Q of all rewards */
    bool converged;
    double residual; /* root mean square of the TD errors */
    /* [actions, episodes] V of the first state, from the rewards of one kind of action; NULL
     * without `channels`. */
    double *channel;
} OpeFqe;

Status ope_fqe_fit(OpeFqe *fqe, const OpeLog *log, const OpeModelPolicy *policy,
                   const OpeFqeOptions *options);
void ope_fqe_close(OpeFqe *fqe); /* safe on {0} */

#endif
