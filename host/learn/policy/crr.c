/* SPDX-License-Identifier: Apache-2.0 */
/* Critic-regularised regression (Wang et al. 2020). Q learns the values of the policy; the policy
 * imitates the logged actions, each weighted by exp(advantage / T). The expectations under the
 * policy are exact sums over the catalogue; the paper draws a few actions. */
#include "elementwise.h"
#include "learn/losses.h"
#include "losses/policy_gradient.h"

static void backward(Device *dev, const AgentPass *p)
{
    const AgentOptions *o = p->options;
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p), policy = pass_online_policy(dev, p);
    const HeadScores target = pass_target_q(dev, p), target_policy = pass_target_policy(dev, p);
    Tensor advantage = SCRATCH(dev, F32, p->in->tokens);
    scores_at(dev, &q, advantage, p->in->target);
    elementwise_axpy(dev, advantage, -1.0f, pass_expected_q(dev, &policy, &q));
    policy_gradient_advantage(dev, advantage, advantage, p->share, o->temperature, o->weight_max);
    losses_cross_entropy(dev, p, HEAD_POLICY, p->in->target, advantage, LOSS_POLICY);
    losses_td_steps(dev, p, &q, pass_expected_q(dev, &target_policy, &target), true);
    scratch_release(dev, mark);
}

const Agent crr_agent = {
    .name = "crr",
    .help = "Q learns the policy's values; the policy imitates actions by exp(advantage / T)",
    .trains = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q),
    .target = true,
    .backward = backward,
};
