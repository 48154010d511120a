/* REINFORCE with the top-K off-policy correction (Chen et al. 2019): the log's policy is known by its
 * propensities or estimated by a head of its own, and the slate shows K items at once. */
#include <math.h>

#include "elementwise.h"
#include "learn/heads.h"
#include "losses/policy_gradient.h"

/* Discounted sums of the logged rewards up to the window's end, into `sum`. */
static void rewards_to_go(Device *dev, const AgentPass *p, Tensor sum)
{
    const size_t mark = scratch_mark(dev);
    Tensor zero = SCRATCH(dev, F32, p->in->tokens), valid = SCRATCH(dev, F32, p->in->tokens);
    elementwise_fill(dev, zero, 0.0f);
    const ReturnsOptions options = {
        .gamma = p->options->gamma, .lambda = 1.0f, .c_max = 1.0f, .last_has_value = true};
    returns(dev, sum, valid, (Tensor){0}, transitions(p, zero, zero), options);
    scratch_release(dev, mark);
}

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const ActionValues z = policy_scores(dev, p);
    const ImportanceOptions options = {.low = -INFINITY,
                                       .high = INFINITY,
                                       .ratio_max = p->options->ratio_max,
                                       .power = 1.0f,
                                       .slate = p->options->slate};
    Tensor weight = SCRATCH(dev, F32, p->in->tokens);
    const Tensor chosen = log_policy(dev, p, &z, 1.0f), ratio = log_ratio(dev, p, chosen);
    rewards_to_go(dev, p, weight);
    policy_gradient_importance(dev, weight, weight, ratio, chosen, p->share, options);
    policy_loss(dev, p, weight, LOSS_POLICY);
    behaviour_loss(dev, p);
    entropy_loss(dev, p);
    scratch_release(dev, mark);
}

const Agent reinforce_agent = {
    .name = "reinforce",
    .help =
        "the policy follows logged returns, corrected for the log's policy; top-K by learn.slate",
    .trains = TRAINS_POLICY | TRAINS_BEHAVIOUR,
    .backward = backward,
};
