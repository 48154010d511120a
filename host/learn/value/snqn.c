/* SNQN (Xin et al. 2022): SQN whose Q also learns that actions which were not logged earn nothing and lead
 * nowhere. The mean over the whole catalogue stands in the place of a few uniform draws. */
#include "learn/heads.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const ActionValues q = online_values(dev, p), lagged = target_values(dev, p);
    const Tensor value = double_values(dev, &q, &lagged);
    cross_entropy_agent.backward(dev, p);
    backup_loss(dev, p, &q, value, true);
    negatives_loss(dev, p, &q, value);
    scratch_release(dev, mark);
}

const Agent snqn_agent = {
    .name = "snqn",
    .help = "sqn, and Q learns that unlogged actions earn nothing (learn.negatives)",
    .trains = TRAINS_POLICY | TRAINS_Q,
    .imitates = true,
    .target = true,
    .backward = backward,
};
