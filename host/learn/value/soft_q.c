/* SPDX-License-Identifier: Apache-2.0 */
/* Soft Q-learning (Haarnoja et al. 2017): a state is worth T logsumexp(Q / T), the value of acting
 * by softmax(Q / T) with a bonus of T times the entropy. */
#include "catalogue/catalogue.h"
#include "elementwise.h"
#include "learn/losses.h"

static void backward(Device *dev, const AgentPass *p)
{
    const float temperature = p->options->temperature;
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p), target = pass_target_q(dev, p);
    Tensor next = SCRATCH(dev, F32, p->in->tokens), sum = SCRATCH(dev, F32, p->in->tokens);
    scores_stats(dev, &target, (CatalogueStats){.logsumexp = sum}, temperature);
    elementwise_copy(dev, next, target.state);
    elementwise_axpy(dev, next, temperature, sum);
    losses_td_steps(dev, p, &q, next, true);
    scratch_release(dev, mark);
}

const Agent soft_q_agent = {
    .name = "soft_q",
    .help = "Q backs up T logsumexp(Q / T), T = learn.temperature",
    .trains = HEAD_BIT(HEAD_Q),
    .target = true,
    .guesses = true,
    .backward = backward,
};
