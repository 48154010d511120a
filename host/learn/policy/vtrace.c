/* SPDX-License-Identifier: Apache-2.0 */
/* Actor-critic with V-trace (Espeholt et al. 2018). The policy that made the log is known by its
 * propensities or estimated by the behaviour head. */
#include <math.h>

#include "learn/losses.h"
#include "losses/policy_gradient.h"

static void backward(Device *dev, const AgentPass *p)
{
    const AgentOptions *o = p->options;
    const size_t mark = scratch_mark(dev);
    const int64_t tokens = p->in->tokens;
    const HeadScores z = pass_online_policy(dev, p);
    const Tensor v = pass_online_critic(dev, p);
    const Tensor ratio = pass_log_ratio(dev, p, pass_log_policy(dev, p, &z, 1.0f));
    Tensor y = SCRATCH(dev, F32, tokens), valid = SCRATCH(dev, F32, tokens);
    Tensor advantage = SCRATCH(dev, F32, tokens);
    ReturnsInput in = pass_transitions(p, v, v);
    in.log_ratio = ratio;
    const ReturnsOptions options = {.gamma = o->gamma,
                                    .lambda = o->lambda,
                                    .rho_max = o->ratio_max,
                                    .c_max = 1.0f,
                                    .last_has_value = true};
    returns(dev, y, valid, advantage, in, options);
    losses_critic(dev, p, v, y, valid);
    const ImportanceOptions weights = {
        .low = -INFINITY, .high = INFINITY, .ratio_max = o->ratio_max, .power = 1.0f, .slate = 1};
    policy_gradient_importance(dev, advantage, advantage, ratio, (Tensor){0}, p->share, weights);
    losses_cross_entropy(dev, p, HEAD_POLICY, p->in->target, advantage, LOSS_POLICY);
    losses_behaviour(dev, p);
    losses_entropy(dev, p);
    scratch_release(dev, mark);
}

const Agent vtrace_agent = {
    .name = "vtrace",
    .help = "actor-critic: V by V-trace(learn.lambda), policy gradient by its advantages",
    .trains = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_CRITIC) | HEAD_BIT(HEAD_BEHAVIOUR),
    .backward = backward,
};
