/* SPDX-License-Identifier: Apache-2.0 */
/* Proximal policy optimisation (Schulman et al. 2017) with the advantages of GAE(learn.lambda)
 * (Schulman et al. 2016). The old policy is the one that made the log, known by its
 * propensities. */
#include "elementwise.h"
#include "learn/losses.h"
#include "losses/loss.h"
#include "losses/policy_gradient.h"

/* Writes the targets of V into y and valid, and the advantages. */
static void estimate(Device *dev, const AgentPass *p, Tensor v, Tensor y, Tensor valid,
                     Tensor advantage)
{
    const ReturnsOptions options = {.gamma = p->options->gamma,
                                    .lambda = p->options->lambda,
                                    .c_max = 1.0f,
                                    .last_has_value = true};
    returns(dev, y, valid, (Tensor){0}, pass_transitions(p, v, v), options);
    elementwise_copy(dev, advantage, y);
    elementwise_axpy(dev, advantage, -1.0f, v);
}

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const int64_t tokens = p->in->tokens;
    const HeadScores z = pass_online_policy(dev, p);
    const Tensor v = pass_online_critic(dev, p);
    const Tensor ratio = pass_log_ratio(dev, p, pass_log_policy(dev, p, &z, 1.0f));
    Tensor y = SCRATCH(dev, F32, tokens), valid = SCRATCH(dev, F32, tokens);
    Tensor advantage = SCRATCH(dev, F32, tokens), loss = SCRATCH(dev, F32, tokens);
    estimate(dev, p, v, y, valid, advantage);
    losses_critic(dev, p, v, y, valid);
    policy_gradient_clipped(dev, loss, advantage, advantage, ratio, p->share, p->options->clip);
    losses_cross_entropy(dev, p, HEAD_POLICY, p->in->target, advantage, LOSS_POLICY);
    /* The cross-entropy has the gradient of the clipped objective but another value: report the
     * value of the objective. */
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_POLICY), loss);
    losses_entropy(dev, p);
    scratch_release(dev, mark);
}

const Agent ppo_agent = {
    .name = "ppo",
    .help = "PPO: the policy's ratio to the log's policy is clipped; V by GAE(learn.lambda)",
    .trains = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_CRITIC),
    .needs_propensities = true,
    .backward = backward,
};
