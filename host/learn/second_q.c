/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/second_q.h"

#include "catalogue/gather.h"
#include "elementwise.h"
#include "gemm.h"
#include "losses/half.h"
#include "losses/loss.h"

/* dq [tokens] = dL/dQ at the logged actions, to the parameters of the head alone. */
static void parameters_backward(Device *dev, const AgentPass *p, const HeadScores *q, Tensor dq)
{
    const HeadParams *at = &p->m->at.head[HEAD_SECOND_Q];
    const int64_t tokens = p->in->tokens;
    const Tensor du = SCRATCH(dev, q->u.dtype, tokens, p->m->shape.dim);
    const Tensor column = elementwise_cast(dev, TENSOR(dq.data, F32, tokens, 1), p->rows.h.dtype);
    elementwise_fill(dev, du, 0.0f);
    catalogue_gather_backward(dev, du, (Tensor){0}, p->grad[at->bias],
                              TENSOR(dq.data, F32, tokens, 1), q->u, &q->items,
                              TENSOR(p->in->target.data, I32, tokens, 1));
    gemm(dev, p->grad[at->weight], du, p->rows.h, GEMM_ADD_TN);
    gemm(dev, p->grad[at->state_weight], column, p->rows.h, GEMM_ADD_TN);
    loss_weighted_sum_add(dev, p->grad[at->state_bias], dq);
}

void second_q_td(Device *dev, const AgentPass *p, Tensor y, Tensor weight)
{
    const int64_t tokens = p->in->tokens;
    if (!model_has(p->m, HEAD_SECOND_Q)) return;
    const size_t mark = scratch_mark(dev);
    const HeadScores q = scores_full(dev, p->m, p->w, HEAD_SECOND_Q, &p->rows);
    const Tensor have = SCRATCH(dev, F32, tokens), loss = SCRATCH(dev, F32, tokens);
    const Tensor dq = SCRATCH(dev, F32, tokens), half = SCRATCH(dev, F32, tokens);
    elementwise_copy(dev, half, weight);
    half_of_users(dev, half, p->in->cu_seqlens, p->in->user, p->options->seed);
    scores_at(dev, &q, have, p->in->target);
    if (p->options->log_values)
        loss_deviance(dev, loss, dq, have, y, half);
    else
        loss_td(dev, loss, dq, have, y, half, p->options->huber);
    parameters_backward(dev, p, &q, dq);
    scratch_release(dev, mark);
}
