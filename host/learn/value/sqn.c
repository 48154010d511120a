/* SPDX-License-Identifier: Apache-2.0 */
/* SQN (Xin et al. 2020): the policy predicts the next item, and Q, learned by Double DQN, shapes
 * the encoder that both share. The paper trains two networks and tosses a coin for which is the
 * target; here the target network is a target copy. */
#include "learn/agent.h"

static void backward(Device *dev, const AgentPass *p)
{
    cross_entropy_agent.backward(dev, p);
    double_q_agent.backward(dev, p);
}

const Agent sqn_agent = {
    .name = "sqn",
    .help = "cross_entropy and double_q on one encoder",
    .trains = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q),
    .imitates = true,
    .target = true,
    .guesses = true,
    .single_backups = true,
    .backward = backward,
};
