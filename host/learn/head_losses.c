#include "catalogue/catalogue.h"
#include "catalogue/entropy.h"
#include "catalogue/regression.h"
#include "elementwise.h"
#include "learn/heads.h"
#include "losses/loss.h"
#include "losses/td.h"

/* dL/dv [tokens] of a number of each state. */
static void states_backward(Device *dev, const AgentPass *p, Tensor dv, int weight, int bias)
{
    const size_t mark = scratch_mark(dev);
    const Tensor column = elementwise_cast(dev, TENSOR(dv.data, F32, dv.dim[0], 1), p->h.dtype);
    gemm(dev, p->grad[weight], column, p->h, ADD_TRANSPOSED);
    gemm(dev, p->dh, column, p->w[weight], ADD);
    loss_weighted_sum_add(dev, p->grad[bias], dv);
    scratch_release(dev, mark);
}

/* dL/du of the queries u = h W^T of a head. */
static void queries_backward(Device *dev, const AgentPass *p, Tensor du, int weight)
{
    gemm(dev, p->grad[weight], du, p->h, ADD_TRANSPOSED);
    gemm(dev, p->dh, du, p->w[weight], ADD);
}

/* ---- Policies -------------------------------------------------------------------------------------- */

void policy_loss(Device *dev, const AgentPass *p, Tensor weight, int loss)
{
    const ModelParams *at = &p->m->at;
    const size_t mark = scratch_mark(dev);
    const ActionValues z = policy_scores(dev, p);
    Tensor du = SCRATCH(dev, p->h.dtype, p->in->tokens, p->m->shape.dim);
    Tensor losses = SCRATCH(dev, F32, p->in->tokens);
    catalogue_cross_entropy(dev, losses, du, p->grad[at->item_id], p->grad[at->policy_bias], z.u,
                            &z.items, z.bias, p->in->target, weight);
    queries_backward(dev, p, du, at->policy_weight);
    loss_weighted_sum(dev, loss_at(p->sums, loss), losses);
    scratch_release(dev, mark);
}

void behaviour_loss(Device *dev, const AgentPass *p)
{
    const ModelParams *at = &p->m->at;
    const ItemTable items = model_items(p->m, p->w);
    const int64_t tokens = p->in->tokens, dim = p->m->shape.dim;
    if (at->behaviour_weight < 0) return;
    const size_t mark = scratch_mark(dev);
    Tensor u = SCRATCH(dev, p->h.dtype, tokens, dim), du = SCRATCH(dev, p->h.dtype, tokens, dim);
    Tensor losses = SCRATCH(dev, F32, tokens);
    gemm(dev, u, p->h, p->w[at->behaviour_weight], TIMES_TRANSPOSED);
    catalogue_cross_entropy(dev, losses, du, (Tensor){0}, p->grad[at->behaviour_bias], u, &items,
                            p->w[at->behaviour_bias], p->in->target, p->share);
    gemm(dev, p->grad[at->behaviour_weight], du, p->h, ADD_TRANSPOSED);
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_BEHAVIOUR), losses);
    scratch_release(dev, mark);
}

void entropy_loss(Device *dev, const AgentPass *p)
{
    const ModelParams *at = &p->m->at;
    if (p->options->entropy == 0.0f) return;
    const size_t mark = scratch_mark(dev);
    const ActionValues z = policy_scores(dev, p);
    Tensor du = SCRATCH(dev, p->h.dtype, p->in->tokens, p->m->shape.dim);
    Tensor losses = SCRATCH(dev, F32, p->in->tokens), weight = SCRATCH(dev, F32, p->in->tokens);
    elementwise_fill(dev, weight, 0.0f);
    elementwise_axpy(dev, weight, -p->options->entropy, p->share);
    catalogue_entropy(dev, losses, du, p->grad[at->item_id], p->grad[at->policy_bias], z.u,
                      &z.items, z.bias, weight);
    queries_backward(dev, p, du, at->policy_weight);
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_ENTROPY), losses);
    scratch_release(dev, mark);
}

/* ---- State values ---------------------------------------------------------------------------------- */

void state_loss(Device *dev, const AgentPass *p, Tensor loss, Tensor dv)
{
    const ModelParams *at = &p->m->at;
    states_backward(dev, p, dv, at->critic_weight, at->critic_bias);
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_VALUE), loss);
}

void state_error_loss(Device *dev, const AgentPass *p, Tensor v, Tensor y, Tensor valid)
{
    const size_t mark = scratch_mark(dev);
    Tensor loss = SCRATCH(dev, F32, p->in->tokens), dv = SCRATCH(dev, F32, p->in->tokens);
    loss_share_weights(dev, valid, sum_at(p->sums, SUM_BACKUPS), p->options->value_weight);
    loss_td(dev, loss, dv, v, y, valid, 0.0f);
    state_loss(dev, p, loss, dv);
    scratch_release(dev, mark);
}

/* ---- Actions that were not logged ------------------------------------------------------------------ */

void negatives_loss(Device *dev, const AgentPass *p, const ActionValues *q, Tensor state)
{
    const ModelParams *at = &p->m->at;
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    Tensor weight = SCRATCH(dev, F32, tokens), y = SCRATCH(dev, F32, tokens);
    const RegressionOut out = {.loss = SCRATCH(dev, F32, tokens),
                               .dshift = SCRATCH(dev, F32, tokens),
                               .du = SCRATCH(dev, q->u.dtype, tokens, p->m->shape.dim),
                               .did = p->grad[at->item_id],
                               .dbias = p->grad[at->q_bias]};
    elementwise_fill(dev, weight, 0.0f);
    elementwise_axpy(dev, weight, p->options->td_weight * p->options->negatives, p->share);
    elementwise_fill(dev, y, 0.0f);
    elementwise_axpy(dev, y, p->options->gamma, state);
    elementwise_axpy(dev, y, -1.0f, q->state);
    catalogue_regression(dev, out, q->u, &q->items, q->bias, p->in->target, y, weight);
    queries_backward(dev, p, out.du, at->q_weight);
    states_backward(dev, p, out.dshift, at->value_weight, at->value_bias);
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_NEGATIVES), out.loss);
    scratch_release(dev, mark);
}

/* ---- Temporal differences ------------------------------------------------------------------------ */

/* dL/dQ at the logged actions goes to the state value, the advantage and the item vectors. */
static void values_backward(Device *dev, const AgentPass *p, const ActionValues *q, Tensor dq)
{
    const ModelParams *at = &p->m->at;
    const size_t mark = scratch_mark(dev);
    Tensor du = SCRATCH(dev, q->u.dtype, p->in->tokens, p->m->shape.dim);
    catalogue_score_backward(dev, du, p->grad[at->item_id], p->grad[at->q_bias], dq, q->u,
                             &q->items, p->in->target);
    queries_backward(dev, p, du, at->q_weight);
    states_backward(dev, p, dq, at->value_weight, at->value_bias);
    scratch_release(dev, mark);
}

/* Values of Q, given what the head says of them: themselves, or with learn.log_values their logarithms. */
static Tensor in_rewards(Device *dev, const AgentPass *p, Tensor scores)
{
    if (!p->options->log_values || !scores.data) return scores;
    const Tensor values = SCRATCH(dev, F32, p->in->tokens);
    elementwise_exp(dev, values, scores);
    return values;
}

void value_loss(Device *dev, const AgentPass *p, const ActionValues *q, Tensor y, Tensor valid)
{
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    Tensor have = SCRATCH(dev, F32, tokens), loss = SCRATCH(dev, F32, tokens);
    Tensor dq = SCRATCH(dev, F32, tokens);
    loss_share_weights(dev, valid, sum_at(p->sums, SUM_BACKUPS), p->options->td_weight);
    values_of(dev, q, have, p->in->target);
    if (p->options->log_values)
        loss_deviance(dev, loss, dq, have, y, valid);
    else
        loss_td(dev, loss, dq, have, y, valid, p->options->huber);
    values_backward(dev, p, q, dq);
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_TD), loss);
    scratch_release(dev, mark);
}

void backup_loss(Device *dev, const AgentPass *p, const ActionValues *q, Tensor next,
                 bool last_has_value)
{
    const AgentOptions *o = p->options;
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    Tensor y = SCRATCH(dev, F32, tokens), valid = SCRATCH(dev, F32, tokens);
    td_targets(dev, y, valid, p->reward, p->in->end, in_rewards(dev, p, next), p->in->cu_seqlens,
               o->gamma, (int)o->n_step, last_has_value);
    value_loss(dev, p, q, y, valid);
    scratch_release(dev, mark);
}

void trace_loss(Device *dev, const AgentPass *p, const ActionValues *q, TraceValues of,
                bool last_has_value)
{
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    Tensor y = SCRATCH(dev, F32, tokens), valid = SCRATCH(dev, F32, tokens);
    ReturnsInput in = transitions(p, in_rewards(dev, p, of.logged), in_rewards(dev, p, of.next));
    in.log_ratio = of.log_ratio;
    const ReturnsOptions options = {.gamma = p->options->gamma,
                                    .lambda = p->options->lambda,
                                    .c_max = 1.0f,
                                    .trace_of_next = of.log_ratio.data != NULL,
                                    .last_has_value = last_has_value};
    returns(dev, y, valid, (Tensor){0}, in, options);
    value_loss(dev, p, q, y, valid);
    scratch_release(dev, mark);
}
