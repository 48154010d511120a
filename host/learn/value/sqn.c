/* SQN (Xin et al. 2020): the policy predicts the next item while Q, by Double DQN, shapes the encoder
 * they share. The second network is the target network here, not a twin chosen by a coin. */
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
    .single_backups = true,
    .backward = backward,
};
