/* SPDX-License-Identifier: Apache-2.0 */
/* REINFORCE with the top-K off-policy correction (Chen et al. 2019), for a slate that shows K items
 * at once. The policy that made the log is known by its propensities or estimated by the behaviour
 * head. */
#include <math.h>

#include "elementwise.h"
#include "learn/losses.h"
#include "losses/policy_gradient.h"

/* sum[i] = the discounted sum of the logged rewards from token i to the end of its episode or
 * window. */
static void rewards_to_go(Device *dev, const AgentPass *p, Tensor sum)
{
    const size_t mark = scratch_mark(dev);
    Tensor zero = SCRATCH(dev, F32, p->in->tokens), valid = SCRATCH(dev, F32, p->in->tokens);
    elementwise_fill(dev, zero, 0.0f);
    const ReturnsOptions options = {
        .gamma = p->options->gamma, .lambda = 1.0f, .c_max = 1.0f, .last_has_value = true};
    returns(dev, sum, valid, (Tensor){0}, pass_transitions(p, zero, zero), options);
    scratch_release(dev, mark);
}

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const HeadScores z = pass_online_policy(dev, p);
    const ImportanceOptions options = {.low = -INFINITY,
                                       .high = INFINITY,
                                       .ratio_max = p->options->ratio_max,
                                       .power = 1.0f,
                                       .slate = p->options->slate};
    Tensor weight = SCRATCH(dev, F32, p->in->tokens);
    const Tensor chosen = pass_log_policy(dev, p, &z, 1.0f), ratio = pass_log_ratio(dev, p, chosen);
    rewards_to_go(dev, p, weight);
    policy_gradient_importance(dev, weight, weight, ratio, chosen, p->share, options);
    losses_cross_entropy(dev, p, HEAD_POLICY, p->in->target, weight, LOSS_POLICY);
    losses_behaviour(dev, p);
    losses_entropy(dev, p);
    scratch_release(dev, mark);
}

const Agent reinforce_agent = {
    .name = "reinforce",
    .help = "policy gradient of logged returns, importance weighted; top-K by learn.slate",
    .trains = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_BEHAVIOUR),
    .backward = backward,
};
