/* SPDX-License-Identifier: Apache-2.0 */
/* The policy as a classifier of the next item over the whole catalogue. */
#include "learn/losses.h"

static void backward(Device *dev, const AgentPass *p)
{
    losses_cross_entropy(dev, p, HEAD_POLICY, p->share, LOSS_CROSS_ENTROPY);
}

const Agent cross_entropy_agent = {
    .name = "cross_entropy",
    .help = "the policy predicts the next item",
    .trains = HEAD_BIT(HEAD_POLICY),
    .imitates = true,
    .backward = backward,
};
