/* SPDX-License-Identifier: Apache-2.0 */
/* Discrete CQL (Kumar et al. 2020): Double DQN, and a loss that keeps the values of the actions
 * which the log does not show below the values of those it shows. */
#include "elementwise.h"
#include "learn/losses.h"

/* learn.alpha times the mean of logsumexp_a Q - Q(logged). This is the cross-entropy of the logged
 * item under softmax(Q). */
static void conservative_loss(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    Tensor weight = SCRATCH(dev, F32, p->in->tokens);
    elementwise_fill(dev, weight, 0.0f);
    elementwise_axpy(dev, weight, p->options->alpha, p->share);
    losses_cross_entropy(dev, p, HEAD_Q, p->in->target, weight, LOSS_CONSERVATIVE);
    scratch_release(dev, mark);
}

static void backward(Device *dev, const AgentPass *p)
{
    double_q_agent.backward(dev, p);
    conservative_loss(dev, p);
}

const Agent cql_agent = {
    .name = "cql",
    .help = "double_q, and a loss of weight learn.alpha that lowers the values of unlogged actions",
    .trains = HEAD_BIT(HEAD_Q),
    .target = true,
    .backward = backward,
};
