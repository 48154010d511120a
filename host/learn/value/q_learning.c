/* SPDX-License-Identifier: Apache-2.0 */
/* Q-learning (Watkins & Dayan 1992) with a target network (Mnih et al. 2015). */
#include "catalogue/catalogue.h"
#include "elementwise.h"
#include "learn/losses.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p), target = pass_target_q(dev, p);
    Tensor next = SCRATCH(dev, F32, p->in->tokens);
    scores_stats(dev, &target, (CatalogueStats){.max = next}, 1);
    elementwise_add(dev, next, target.state);
    losses_td_steps(dev, p, &q, next, true);
    scratch_release(dev, mark);
}

const Agent q_learning_agent = {
    .name = "q_learning",
    .help = "Q backs up the best action's value",
    .trains = HEAD_BIT(HEAD_Q),
    .target = true,
    .guesses = true,
    .single_backups = true,
    .backward = backward,
};
