/* SPDX-License-Identifier: Apache-2.0 */
/* What agents compute from a pass over a batch: scores of heads of the online and the target
 * network (model/scores.h), values that need two heads or two networks, and probabilities of the
 * logged actions. All tensors are in scratch of the caller.
 */
#ifndef SOUK_PASS_H
#define SOUK_PASS_H

#include "base/scratch.h"
#include "learn/agent.h"
#include "losses/returns.h"
#include "model/scores.h"

/* ---- Heads of one network -------------------------------------------------------------------- */

/* Q[i, a] with its state term. With learn.log_values these are logarithms of values, and so is all
 * that is computed from them; the losses of learn/losses.h expect logarithms then. */
HeadScores pass_online_q(Device *dev, const AgentPass *p);
HeadScores pass_target_q(Device *dev, const AgentPass *p);
/* z[i, a], the logits of the policy. */
HeadScores pass_online_policy(Device *dev, const AgentPass *p);
HeadScores pass_target_policy(Device *dev, const AgentPass *p);
/* V[i] of the online network's critic, f32 [tokens]. */
Tensor pass_online_critic(Device *dev, const AgentPass *p);

/* ---- Values of two heads --------------------------------------------------------------------- */

/* The target network's Q of the action that is best by the online network's Q, f32 [tokens] (van
 * Hasselt et al. 2016). */
Tensor pass_double_q(Device *dev, const HeadScores *online, const HeadScores *target);
/* sum_a pi(a|s_i) Q[i, a], f32 [tokens], pi the softmax of `policy`. */
Tensor pass_expected_q(Device *dev, const HeadScores *policy, const HeadScores *q);

/* ---- Probabilities of the logged actions ----------------------------------------------------- */

/* log softmax(z / temperature) at the logged actions, f32 [tokens]; undefined at tokens without
 * one. The second function takes the logsumexp of z / temperature, for callers that know it. */
Tensor pass_log_policy(Device *dev, const AgentPass *p, const HeadScores *z, float temperature);
Tensor pass_log_policy_given(Device *dev, const AgentPass *p, const HeadScores *z, Tensor logsumexp,
                             float temperature);
/* log pi(a_i|s_i) - log beta(a_i|s_i), f32 [tokens], given log_policy = log pi. beta is the policy
 * that made the log: its propensities, or, where the log has none, the estimate of the behaviour
 * head. */
Tensor pass_log_ratio(Device *dev, const AgentPass *p, Tensor log_policy);

/* The batch's transitions as losses/returns.h takes them, without log_ratio. */
ReturnsInput pass_transitions(const AgentPass *p, Tensor value, Tensor next_value);

#endif
