/* SPDX-License-Identifier: Apache-2.0 */
/* Discrete BCQ (Fujimoto et al. 2019): Double DQN that chooses among the actions which are likely
 * in the log. The policy head estimates how likely they are: it learns by cross-entropy what the
 * log does. */
#include "learn/losses.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p), target = pass_target_q(dev, p);
    const HeadScores behaviour = pass_online_policy(dev, p);
    Tensor chosen = SCRATCH(dev, I32, p->in->tokens), next = SCRATCH(dev, F32, p->in->tokens);
    scores_allowed_best(dev, &behaviour, &q, chosen, p->options->allowed);
    scores_at(dev, &target, next, chosen);
    losses_cross_entropy(dev, p, HEAD_POLICY, p->in->target, p->share, LOSS_CROSS_ENTROPY);
    losses_td_steps(dev, p, &q, next, true);
    scratch_release(dev, mark);
}

const Agent bcq_agent = {
    .name = "bcq",
    .help = "cross_entropy, and double_q over actions that are likely by it (learn.allowed)",
    .trains = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q),
    .imitates = true,
    .constrained = true,
    .target = true,
    .single_backups = true,
    .backward = backward,
};
