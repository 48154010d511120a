/* SQN (Xin et al. 2020): the policy predicts the next item while Q, by Double DQN, shapes the encoder
 * they share. The second network is the target network here, not a twin chosen by a coin. */
#include "learn/agent.h"

static void backward(Device *dev, const AgentPass *p)
{
    agent_cross_entropy.backward(dev, p);
    agent_double_q.backward(dev, p);
}

const Agent agent_sqn = {
    .name = "sqn",
    .help = "cross_entropy and double_q on one encoder",
    .trains = TRAINS_POLICY | TRAINS_Q,
    .imitates = true,
    .target = true,
    .singly = true,
    .backward = backward,
};
