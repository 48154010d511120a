/* SPDX-License-Identifier: Apache-2.0 */
/* Implicit Q-learning (Kostrikov et al. 2022). Q backs up V; V is an upper expectile of the target
 * network's Q at the logged actions; the policy imitates the logged actions, each weighted by
 * exp((Q - V) / T). No value of an action that was not logged is ever read. */
#include "elementwise.h"
#include "learn/losses.h"
#include "losses/loss.h"
#include "losses/policy_gradient.h"

static void backward(Device *dev, const AgentPass *p)
{
    const AgentOptions *o = p->options;
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p), target = pass_target_q(dev, p);
    const Tensor v = pass_online_critic(dev, p);
    Tensor logged = SCRATCH(dev, F32, tokens), weight = SCRATCH(dev, F32, tokens);
    Tensor loss = SCRATCH(dev, F32, tokens), dv = SCRATCH(dev, F32, tokens);
    scores_at(dev, &target, logged, p->in->target);
    elementwise_fill(dev, weight, 0.0f);
    elementwise_axpy(dev, weight, o->critic_weight, p->share);
    loss_expectile(dev, loss, dv, v, logged, weight, o->expectile);
    losses_critic_given(dev, p, loss, dv);
    elementwise_axpy(dev, logged, -1.0f, v);
    policy_gradient_advantage(dev, weight, logged, p->share, o->temperature, o->weight_max);
    losses_cross_entropy(dev, p, HEAD_POLICY, p->in->target, weight, LOSS_POLICY);
    losses_td_steps(dev, p, &q, v, true);
    scratch_release(dev, mark);
}

const Agent iql_agent = {
    .name = "iql",
    .help = "Q backs up V, an expectile of Q; the policy imitates actions by exp((Q - V) / T)",
    .trains = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q) | HEAD_BIT(HEAD_CRITIC),
    .target = true,
    .backward = backward,
};
