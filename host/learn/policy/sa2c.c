/* SPDX-License-Identifier: Apache-2.0 */
/* SA2C (Xin et al. 2022): SNQN, and the policy imitates the logged actions, each weighted by its
 * advantage over the mean action and by a power of the ratio of the policy's probability to the
 * log's. */
#include <math.h>

#include "catalogue/catalogue.h"
#include "catalogue/regression.h"
#include "elementwise.h"
#include "learn/losses.h"
#include "losses/policy_gradient.h"

static const float ADVANTAGE_MAX = 10.0f;

/* The advantage of the logged action over the mean of itself and N uniform other ones, in
 * expectation: N / (N + 1) (Q - mean of Q over the other items). */
static Tensor advantages(Device *dev, const AgentPass *p, const HeadScores *q)
{
    const float n = p->options->negatives, items = (float)p->m->shape.items;
    const Tensor advantage = SCRATCH(dev, F32, p->in->tokens);
    const size_t mark = scratch_mark(dev);
    const Tensor logged = SCRATCH(dev, F32, p->in->tokens), mean = SCRATCH(dev, F32, p->in->tokens);
    const float others = n / (n + 1.0f) * items / fmaxf(items - 1.0f, 1.0f);
    catalogue_score(dev, logged, q->u, &q->items, q->bias, p->in->target);
    catalogue_regression_mean(dev, mean, q->u, &q->items, q->bias);
    elementwise_axpy(dev, logged, -1.0f, mean);
    elementwise_fill(dev, advantage, 0.0f);
    elementwise_axpy(dev, advantage, others, logged);
    scratch_release(dev, mark);
    return advantage;
}

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p), target = pass_target_q(dev, p);
    const HeadScores z = pass_online_policy(dev, p);
    const Tensor value = pass_double_q(dev, &q, &target), weight = advantages(dev, p, &q);
    const Tensor ratio = pass_log_ratio(dev, p, pass_log_policy(dev, p, &z, 1.0f));
    const ImportanceOptions options = {
        .high = ADVANTAGE_MAX, .ratio_max = INFINITY, .power = p->options->smooth, .slate = 1};
    policy_gradient_importance(dev, weight, weight, ratio, (Tensor){0}, p->share, options);
    losses_cross_entropy(dev, p, HEAD_POLICY, p->in->target, weight, LOSS_POLICY);
    losses_behaviour(dev, p);
    losses_td_steps(dev, p, &q, value, true);
    losses_negatives(dev, p, &q, value);
    scratch_release(dev, mark);
}

const Agent sa2c_agent = {
    .name = "sa2c",
    .help = "snqn, and the policy imitates actions by their advantage over the mean (learn.smooth)",
    .trains = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q) | HEAD_BIT(HEAD_BEHAVIOUR),
    .target = true,
    .backward = backward,
};
