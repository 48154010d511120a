/* SPDX-License-Identifier: Apache-2.0 */
/* SARSA (Rummery & Niranjan 1994): Q learns the values of the policy that made the log. */
#include "learn/losses.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p), target = pass_target_q(dev, p);
    Tensor next = SCRATCH(dev, F32, p->in->tokens);
    scores_at(dev, &target, next, p->in->target);
    losses_td_steps(dev, p, &q, next, false); /* a window's last token has no logged action */
    scratch_release(dev, mark);
}

const Agent sarsa_agent = {
    .name = "sarsa",
    .help = "Q backs up the logged next action's value",
    .trains = HEAD_BIT(HEAD_Q),
    .target = true,
    .guesses = true,
    .single_backups = true,
    .backward = backward,
};
