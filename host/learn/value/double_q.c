/* Double DQN (van Hasselt et al. 2016): the online network chooses, the target network values. */
#include "learn/heads.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const ActionValues q = online_values(dev, p), lagged = target_values(dev, p);
    backup_loss(dev, p, &q, double_values(dev, &q, &lagged), true);
    scratch_release(dev, mark);
}

const Agent double_q_agent = {
    .name = "double_q",
    .help = "Q backs up the target network's value of the online network's best action",
    .trains = TRAINS_Q,
    .target = true,
    .singly = true,
    .backward = backward,
};
