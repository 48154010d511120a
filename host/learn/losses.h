/* SPDX-License-Identifier: Apache-2.0 */
/* The losses that train the heads. Each adds its gradients to the parameters of its head, to the
 * item vectors and to p->dh, and writes its value, as it enters the total, into p->sums.
 *
 * A = the tokens with a target, A' = those of them whose next event was taken (in->taken).
 * Formulas: host/model/README.md section 6. Weights and targets are constants: no gradient flows
 * into them. Scratch is released on return.
 */
#ifndef SOUK_LOSSES_H
#define SOUK_LOSSES_H

#include "learn/pass.h"

/* weight[i] = target[i] < 0 ? 0 : total / |A|, f32 [tokens], with the count |A| of all ranks in
 * SUM_TARGETS; of targets that are negative where in->taken is, the same of A' in SUM_TAKEN.
 * target i32 [tokens]. `sum`: SUM_TARGETS or SUM_TAKEN. */
void losses_mean(Device *dev, const AgentPass *p, Tensor weight, Tensor target, int sum,
                 double total);

/* ---- Heads that score items ------------------------------------------------------------------ */

/* sum_i weight[i] (logsumexp_a z[i, a] - z[i, target[i]]) of the online network's scores z by
 * `head` over the tokens with target[i] >= 0, written as the loss `loss`. target i32, weight f32
 * [tokens]. The state term cancels. */
void losses_cross_entropy(Device *dev, const AgentPass *p, HeadId head, Tensor target,
                          Tensor weight, int loss);
/* The mean cross-entropy of the behaviour head over A, LOSS_BEHAVIOUR. Only the parameters of the
 * head get a gradient, the states and the item vectors do not, so that nothing else learns from
 * this loss (Chen et al. 2019). Does nothing where the log has propensities. */
void losses_behaviour(Device *dev, const AgentPass *p);
/* The mean entropy of the policy over A, LOSS_ENTROPY. The total contains it with the weight
 * -learn.entropy, so a higher entropy lowers the total. */
void losses_entropy(Device *dev, const AgentPass *p);
/* td_weight learn.negatives times the mean of (Q[i, a] - gamma state[i])^2 / 2 over the tokens i in
 * A and all items a but the logged one, LOSS_NEGATIVES: an action that was not logged earns nothing
 * and leaves the state as it is. This is the expectation of the uniform negatives of Xin et al.
 * 2022. state f32 [tokens]: the value of the state. */
void losses_negatives(Device *dev, const AgentPass *p, const HeadScores *q, Tensor state);

/* ---- Temporal differences of Q --------------------------------------------------------------- */

/* td_weight times the mean loss of Q at the logged actions against y, over the tokens with valid =
 * 1 and a target, LOSS_TD: squared or Huber, with learn.log_values half the Poisson deviance. y and
 * valid f32 [tokens]; y is in the unit of rewards; valid is overwritten. */
void losses_td(Device *dev, const AgentPass *p, const HeadScores *q, Tensor y, Tensor valid);
/* losses_td on n-step targets: next[i] is the value that backs up state i, last_has_value as in
 * losses/td.h. */
void losses_td_steps(Device *dev, const AgentPass *p, const HeadScores *q, Tensor next,
                     bool last_has_value);
/* losses_td on traces that decay at the rate learn.lambda (losses/returns.h). All f32 [tokens]:
 * `logged` has the target network's values of the logged actions, `next` the values that back up
 * the states, and log_ratio = log pi - log beta at the logged actions (absent: on-policy). */
typedef struct {
    Tensor logged, next, log_ratio;
} TraceValues;
void losses_td_traces(Device *dev, const AgentPass *p, const HeadScores *q, TraceValues of,
                      bool last_has_value);

/* ---- The critic ------------------------------------------------------------------------------ */

/* Adds a loss [tokens] of V that the caller has computed, with its gradient dv, as LOSS_CRITIC. */
void losses_critic_given(Device *dev, const AgentPass *p, Tensor loss, Tensor dv);
/* critic_weight times the mean of (V - y)^2 / 2 over the tokens with valid = 1 and a target,
 * LOSS_CRITIC; valid is overwritten. */
void losses_critic(Device *dev, const AgentPass *p, Tensor v, Tensor y, Tensor valid);

/* ---- The kind of the next event -------------------------------------------------------------- */

/* action_weight times the mean cross-entropy of the next event's kind over A', LOSS_NEXT_ACTION. */
void losses_next_action(Device *dev, const AgentPass *p);

/* ---- What comes of showing an item ----------------------------------------------------------- */

/* learn.outcome times the mean over A of the negative log-likelihood of the answers, LOSS_OUTCOME
 * (losses/answer.h): the item that was shown in the state is target, and its answer is the event of
 * target, taken or not. */
void losses_outcome(Device *dev, const AgentPass *p);

#endif
