/* The policy as a classifier of the next item, over the whole catalogue. */
#include "learn/heads.h"

static void backward(Device *dev, const AgentPass *p)
{
    policy_loss(dev, p, p->share, LOSS_CROSS_ENTROPY);
}

const Agent cross_entropy_agent = {
    .name = "cross_entropy",
    .help = "the policy predicts the next item",
    .trains = TRAINS_POLICY,
    .imitates = true,
    .backward = backward,
};
