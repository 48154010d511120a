/* SPDX-License-Identifier: Apache-2.0 */
/* SNQN (Xin et al. 2022): SQN, and Q also learns that an action which was not logged earns nothing
 * and leaves the state as it is. The paper draws a few such actions; here is the mean over the
 * whole catalogue. */
#include "learn/losses.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p), target = pass_target_q(dev, p);
    const Tensor value = pass_double_q(dev, &q, &target);
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
