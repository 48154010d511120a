/* SPDX-License-Identifier: Apache-2.0 */
/* Double DQN (van Hasselt et al. 2016): the online network chooses the action, the target network
 * gives its value. */
#include "learn/losses.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p), target = pass_target_q(dev, p);
    losses_td_steps(dev, p, &q, pass_double_q(dev, &q, &target), true);
    scratch_release(dev, mark);
}

const Agent double_q_agent = {
    .name = "double_q",
    .help = "Q backs up the target network's value of the online network's best action",
    .trains = HEAD_BIT(HEAD_Q),
    .target = true,
    .guesses = true,
    .single_backups = true,
    .backward = backward,
};
