/* SPDX-License-Identifier: Apache-2.0 */
/* Fitted Q evaluation (Le et al. 2019) of a model's policy on a sequential log, with a Q that is
 * linear in the model's states (linear_q.h):
 *
 *   theta <- argmin sum_i (r_i + gamma V(h_{i+1}) - Q(h_i, a_i))^2 + penalty(theta)
 *
 * by sweeps from theta = 0, until V changes by less than 5e-4 of itself. The last decision of an
 * episode has no h_{i+1}. The result V is that of the last sweep. Each sweep improves the solution
 * of the normal equations by conjugate gradients, to a hundredth of the error that the sweep before
 * left; converged are those that solve them to 5e-5. A fit ends after `steps` products with their
 * matrix in all its sweeps, converged or not.
 *
 * A decision without a history has no state. There the policy does what the log did (log.h), so
 * that its Q and V are r_i + gamma V(h_{i+1}), as it was logged.
 *
 * The estimate is the mean of V over the first states of the episodes. Q was fitted to the same
 * log. To first order, decision i contributes to the estimate
 *
 *   inf_i = N w_i (r_i + gamma V(h_{i+1}) - Q(h_i, a_i)),    w_i = phi_i . lambda,
 *   lambda = M^-1 (1/N sum_episodes gamma^t E_pi phi(h_t) + gamma sum_i w_i E_pi phi(h_{i+1}))
 *
 * with N episodes and t the first step of each that has a state; w is the linear estimate of the
 * density ratio (Uehara et al. 2020), which is found by sweeps too. The influences are centred, so
 * that their sum is 0. Adding them to the terms of the estimate does not change the estimate, but
 * its interval then includes the error of the fit, provided that the true Q has this form.
 *
 * The fit is linear in the rewards, so Q is the sum of the Qs of each kind of reward: with
 * `channels` it is also fitted to the rewards of each kind of action (/events/action) alone.
 *
 * Time: at most steps x decisions x dim x dim for each fit, and one pass over the catalogue per
 * sweep. The fits are that of Q, that of the ratios and one for each channel; each is a stage of
 * the progress. A fit that ends before it has converged is a warning. Values that become infinite
 * are an error (ERR_USAGE). Runs on the device of the model's session, with the same result for any
 * number of threads.
 */
#ifndef SOUK_OPE_FQE_H
#define SOUK_OPE_FQE_H

#include "evaluate/ope/policy_model.h"

typedef struct {
    double gamma, ridge;
    bool channels;
    int64_t steps;      /* of conjugate gradients, of each fit; at least 1 */
    Listener *listener; /* NULL: nobody listens */
} OpeFqeOptions;

/* How the fit of the Q of all rewards went. */
typedef struct {
    int sweeps;
    int64_t steps;
    bool converged;
    double residual; /* root mean square of the TD errors */
} OpeFqeFit;

typedef struct {
    double *value;     /* [count] V(h_i) */
    double *fitted;    /* [count] Q(h_i, a_i) */
    double *influence; /* [count] */
    OpeFqeFit fit;
    /* [actions, episodes] V of the first state, from the rewards of one kind of action; NULL
     * without `channels`. */
    double *channel;
} OpeFqe;

Status ope_fqe_fit(OpeFqe *fqe, const OpeLog *log, const OpeModelPolicy *policy,
                   const OpeFqeOptions *options);
void ope_fqe_close(OpeFqe *fqe); /* safe on {0} */

#endif
