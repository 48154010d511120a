/* Discrete CQL (Kumar et al. 2020): Double DQN, and a loss that keeps the values of actions which the log
 * does not show below those it does. */
#include "catalogue/catalogue.h"
#include "elementwise.h"
#include "learn/heads.h"
#include "losses/loss.h"

/* alpha times the mean of logsumexp_a Q - Q(logged): the cross-entropy of Q; the state value cancels. */
static void conservative_loss(Device *dev, const AgentPass *p)
{
    const ModelParams *at = &p->m->at;
    const int64_t tokens = p->in->tokens;
    const ActionValues q = online_values(dev, p);
    Tensor loss = SCRATCH(dev, F32, tokens), weight = SCRATCH(dev, F32, tokens);
    Tensor du = SCRATCH(dev, p->h.dtype, tokens, p->m->shape.dim);
    elementwise_fill(dev, weight, 0.0f);
    elementwise_axpy(dev, weight, p->options->alpha, p->share);
    catalogue_cross_entropy(dev, loss, du, p->grad[at->item_id], p->grad[at->q_bias], q.u, &q.items,
                            q.bias, p->in->target, weight);
    gemm(dev, p->grad[at->q_weight], du, p->h, ADD_TRANSPOSED);
    gemm(dev, p->dh, du, p->w[at->q_weight], ADD);
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_CONSERVATIVE), loss);
}

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    double_q_agent.backward(dev, p);
    conservative_loss(dev, p);
    scratch_release(dev, mark);
}

const Agent cql_agent = {
    .name = "cql",
    .help = "double_q, and values of unlogged actions held down by learn.alpha",
    .trains = TRAINS_Q,
    .target = true,
    .backward = backward,
};
