#include "learn/heads.h"

#include "catalogue.h"
#include "elementwise.h"
#include "loss.h"
#include "returns.h"
#include "td.h"

/* ---- Action values ------------------------------------------------------------------------------- */

static ActionValues values(Device *dev, const Model *m, Weights w, Tensor h)
{
    ActionValues q = {.u = SCRATCH(dev, h.dtype, h.dim[0], m->shape.dim),
                      .state = SCRATCH(dev, F32, h.dim[0], 1),
                      .items = model_items(m, w),
                      .bias = w[m->at.q_bias]};
    gemm(dev, q.u, h, w[m->at.q_weight], TIMES_TRANSPOSED);
    gemm(dev, q.state, h, w[m->at.value_weight], TIMES_TRANSPOSED);
    elementwise_shift(dev, q.state, w[m->at.value_bias]);
    q.state = TENSOR(q.state.data, F32, h.dim[0]);
    return q;
}

ActionValues online_values(Device *dev, const AgentPass *p)
{
    return values(dev, p->m, p->w, p->h);
}

ActionValues target_values(Device *dev, const AgentPass *p)
{
    return values(dev, p->m, p->target, p->target_h);
}

ActionValues policy_scores(Device *dev, const AgentPass *p)
{
    const ActionValues z = {.u = SCRATCH(dev, p->h.dtype, p->h.dim[0], p->m->shape.dim),
                            .items = model_items(p->m, p->w),
                            .bias = p->w[p->m->at.policy_bias]};
    gemm(dev, z.u, p->h, p->w[p->m->at.policy_weight], TIMES_TRANSPOSED);
    return z;
}

void values_of(Device *dev, const ActionValues *v, Tensor q, Tensor item)
{
    catalogue_score(dev, q, v->u, &v->items, v->bias, item);
    elementwise_add(dev, q, v->state);
}

/* ---- Cross-entropy ------------------------------------------------------------------------------- */

void policy_loss(Device *dev, const AgentPass *p, Tensor weight)
{
    const ModelParams *at = &p->m->at;
    const ItemTable items = model_items(p->m, p->w);
    const int64_t tokens = p->in->tokens, dim = p->m->shape.dim;
    const size_t mark = scratch_mark(dev);
    Tensor u = SCRATCH(dev, p->h.dtype, tokens, dim), du = SCRATCH(dev, p->h.dtype, tokens, dim);
    Tensor loss = SCRATCH(dev, F32, tokens);
    gemm(dev, u, p->h, p->w[at->policy_weight], TIMES_TRANSPOSED);
    catalogue_cross_entropy(dev, loss, du, p->grad[at->item_id], p->grad[at->policy_bias], u,
                            &items, p->w[at->policy_bias], p->in->target, weight);
    gemm(dev, p->grad[at->policy_weight], du, p->h, ADD_TRANSPOSED);
    gemm(dev, p->dh, du, p->w[at->policy_weight], ADD);
    weighted_sum(dev, sum_at(p->sums, SUM_CROSS_ENTROPY), loss);
    scratch_release(dev, mark);
}

/* ---- Temporal differences ------------------------------------------------------------------------ */

/* dL/dQ at the logged actions goes to the state value, the advantage and the item vectors. */
static void values_backward(Device *dev, const AgentPass *p, const ActionValues *q, Tensor dq)
{
    const ModelParams *at = &p->m->at;
    const size_t mark = scratch_mark(dev);
    Tensor du = SCRATCH(dev, q->u.dtype, p->in->tokens, p->m->shape.dim);
    const Tensor column = elementwise_cast(dev, TENSOR(dq.data, F32, dq.dim[0], 1), p->h.dtype);
    catalogue_score_backward(dev, du, p->grad[at->item_id], p->grad[at->q_bias], dq, q->u,
                             &q->items, p->in->target);
    gemm(dev, p->grad[at->q_weight], du, p->h, ADD_TRANSPOSED);
    gemm(dev, p->dh, du, p->w[at->q_weight], ADD);
    gemm(dev, p->grad[at->value_weight], column, p->h, ADD_TRANSPOSED);
    gemm(dev, p->dh, column, p->w[at->value_weight], ADD);
    weighted_sum_add(dev, p->grad[at->value_bias], dq);
    scratch_release(dev, mark);
}

void value_loss(Device *dev, const AgentPass *p, const ActionValues *q, Tensor y, Tensor valid)
{
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    Tensor have = SCRATCH(dev, F32, tokens), loss = SCRATCH(dev, F32, tokens);
    Tensor dq = SCRATCH(dev, F32, tokens);
    share_weights(dev, valid, sum_at(p->sums, SUM_BACKUPS), p->options->td_weight);
    values_of(dev, q, have, p->in->target);
    td_loss(dev, loss, dq, have, y, valid, p->options->huber);
    values_backward(dev, p, q, dq);
    weighted_sum(dev, sum_at(p->sums, SUM_TD), loss);
    scratch_release(dev, mark);
}

void backup_loss(Device *dev, const AgentPass *p, const ActionValues *q, Tensor next,
                 bool last_has_value)
{
    const AgentOptions *o = p->options;
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    Tensor y = SCRATCH(dev, F32, tokens), valid = SCRATCH(dev, F32, tokens);
    td_targets(dev, y, valid, p->in->reward, p->in->end, next, p->in->cu_seqlens, o->gamma,
               (int)o->n_step, last_has_value);
    value_loss(dev, p, q, y, valid);
    scratch_release(dev, mark);
}

void trace_loss(Device *dev, const AgentPass *p, const ActionValues *q, TraceValues of,
                bool last_has_value)
{
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    Tensor y = SCRATCH(dev, F32, tokens), valid = SCRATCH(dev, F32, tokens);
    const ReturnsInput in = {.reward = p->in->reward,
                             .end = p->in->end,
                             .value = of.logged,
                             .next_value = of.next,
                             .log_ratio = of.log_ratio,
                             .cu_seqlens = p->in->cu_seqlens};
    const ReturnsOptions options = {.gamma = p->options->gamma,
                                    .lambda = p->options->lambda,
                                    .c_max = 1.0f,
                                    .trace_of_next = of.log_ratio.data != NULL,
                                    .last_has_value = last_has_value};
    returns(dev, y, valid, (Tensor){0}, in, options);
    value_loss(dev, p, q, y, valid);
    scratch_release(dev, mark);
}
