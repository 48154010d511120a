/* Fitted Q evaluation (Le et al. 2019) of a model's policy on a sequential log, linear on the model's own
 * states: with h the encoder's state before a decision and E the item vectors, both as they are,
 *
 *   Q(h, a) = <W h, E[a]> + v . h + c + b[a],      V(h) = sum_a pi(a | h) Q(h, a) over the whole catalogue
 *   theta  <- argmin sum_i (r_i + gamma V(h_{i+1}) - Q(h_i, a_i))^2 + penalty(theta)
 *
 * by sweeps from theta = 0 until V moves no more; an episode's last decision has no h_{i+1}. V is that of the
 * last sweep. The penalty weighs as much as `ridge` decisions do: on b as ridge |b|^2, so that an item that was
 * rarely shown is judged by its vector, on the rest as ridge / n of the squares' own weight. Each sweep is
 * solved by conjugate gradients on the normal equations, which are never formed (as ope_reward.h).
 *
 * The value is the mean of V over the episodes' first states. Q was fitted to the same log; to first order a
 * decision's part in that is
 *
 *   inf_i = N w_i (r_i + gamma V(h_{i+1}) - Q(h_i, a_i)),    w_i = phi_i . lambda,
 *   lambda = M^-1 (1/N sum_episodes E_pi phi(h_first) + gamma sum_i w_i E_pi phi(h_{i+1}))
 *
 * (phi the features of theta, M their matrix, N episodes; w is the linear estimate of the density ratio,
 * Uehara et al. 2020), also by sweeps. Centred to sum 0 it leaves the value and makes the interval one of the
 * fitted Q, given that Q is of that form.
 *
 * By linearity Q is the sum of the Q of each kind of reward: asked for channels, it is fitted to the rewards of
 * each kind of action (/events/action) by itself.
 *
 * Memory: 28 dim bytes a decision at most: states, two vectors, and four more in scratch. Time: sweeps x conjugate
 * gradients x decisions x dim x dim, and a pass over the catalogue a sweep. On the model's device; deterministic
 * for any number of threads. Values that grow beyond what is finite are an error (ERR_USAGE).
 */
#ifndef SOUK_OPE_FQE_H
#define SOUK_OPE_FQE_H

#include "evaluate/ope/policy.h"

typedef struct {
    double gamma, ridge;
    bool channels;
} OpeFqeOptions;

typedef struct {
    double *value;     /* [count] V(h_i) */
    double *fitted;    /* [count] Q(h_i, a_i) */
    double *influence; /* [count] */
    int sweeps;        /* of the sum of all rewards */
    bool converged;
    double residual; /* root mean square of the TD errors */
    /* [actions, episodes] V of the first state by the rewards of one kind of action; NULL: not asked */
    double *channel;
} OpeFqe;

Status ope_fqe_fit(OpeFqe *fqe, const OpeLog *log, const OpeModelPolicy *policy,
                   const OpeFqeOptions *options);
void ope_fqe_close(OpeFqe *fqe); /* safe on {0} */

#endif
