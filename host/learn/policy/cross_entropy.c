/* SPDX-License-Identifier: Apache-2.0 */
/* The policy as a classifier of the next item that is taken, over the whole catalogue. */
#include "learn/losses.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const Tensor taken = p->in->taken, share = SCRATCH(dev, F32, p->in->tokens);
    losses_mean(dev, p, share, taken, SUM_TAKEN, 1.0);
    losses_cross_entropy(dev, p, HEAD_POLICY, taken, share, LOSS_CROSS_ENTROPY);
    scratch_release(dev, mark);
}

const Agent cross_entropy_agent = {
    .name = "cross_entropy",
    .help = "the policy predicts the next item",
    .trains = HEAD_BIT(HEAD_POLICY),
    .imitates = true,
    .backward = backward,
};
