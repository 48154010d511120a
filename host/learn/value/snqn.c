/* SNQN (Xin et al. 2022): SQN whose Q also learns that actions which were not logged earn nothing and lead
 * nowhere. The mean over the whole catalogue stands in the place of a few uniform draws. */
#include "learn/losses.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p), lagged = pass_target_q(dev, p);
    const Tensor value = pass_double_q(dev, &q, &lagged);
    cross_entropy_agent.backward(dev, p);
    losses_td_steps(dev, p, &q, value, true);
    losses_negatives(dev, p, &q, value);
    scratch_release(dev, mark);
}

const Agent snqn_agent = {
    .name = "snqn",
    .help = "sqn, and Q learns that unlogged actions earn nothing (learn.negatives)",
    .trains = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q),
    .imitates = true,
    .target = true,
    .backward = backward,
};
