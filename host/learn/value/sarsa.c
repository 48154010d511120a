/* SARSA (Rummery & Niranjan 1994): the value of the policy that made the log. */
#include "learn/heads.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const ActionValues q = online_values(dev, p), lagged = target_values(dev, p);
    Tensor next = SCRATCH(dev, F32, p->in->tokens);
    values_of(dev, &lagged, next, p->in->target);
    backup_loss(dev, p, &q, next, false); /* a window's last token has no logged action */
    scratch_release(dev, mark);
}

const Agent sarsa_agent = {
    .name = "sarsa",
    .help = "Q backs up the logged next action's value",
    .trains = TRAINS_Q,
    .target = true,
    .singly = true,
    .backward = backward,
};
