/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/losses.h"

#include "catalogue/catalogue.h"
#include "catalogue/entropy.h"
#include "catalogue/gather.h"
#include "catalogue/regression.h"
#include "counts/mass.h"
#include "elementwise.h"
#include "gemm.h"
#include "learn/second_q.h"
#include "losses/answer.h"
#include "losses/loss.h"
#include "losses/td.h"
#include "model/outcome/outcome.h"

/* ---- Means over the batch of all ranks ------------------------------------------------------- */

void losses_mean(Device *dev, const AgentPass *p, Tensor weight, Tensor target, int sum,
                 double total)
{
    const Tensor count = sum_at(p->sums, sum);
    loss_count_targets(dev, count, target);
    comm_all_reduce(p->comm, dev, count);
    loss_mean_weights(dev, weight, count, target, total);
}

/* valid[i], 1 or 0, becomes valid[i] total / |V|, V the tokens of the batch with valid = 1 and a
 * target: another window has the targets of a window's first tokens. */
static void mean_over_valid(Device *dev, const AgentPass *p, Tensor valid, float total)
{
    loss_mask_weights(dev, valid, p->in->target);
    const Tensor count = sum_at(p->sums, SUM_BACKUPS);
    loss_weighted_sum(dev, count, valid);
    comm_all_reduce(p->comm, dev, count);
    loss_share_weights(dev, valid, count, total);
}

/* ---- From a head's outputs to its parameters and the states ---------------------------------- */

/* dv [tokens] = dL/dv, where v[i] is the one number that a head gives for state i. */
static void states_backward(Device *dev, const AgentPass *p, Tensor dv, int weight, int bias)
{
    const size_t mark = scratch_mark(dev);
    const Tensor column =
        elementwise_cast(dev, TENSOR(dv.data, F32, dv.dim[0], 1), p->rows.h.dtype);
    gemm(dev, p->grad[weight], column, p->rows.h, GEMM_ADD_TN);
    gemm(dev, p->dh, column, p->w[weight], GEMM_ADD_NN);
    loss_weighted_sum_add(dev, p->grad[bias], dv);
    scratch_release(dev, mark);
}

/* du = dL/du of the queries u = h W^T of a head. */
static void queries_backward(Device *dev, const AgentPass *p, Tensor du, int weight)
{
    gemm(dev, p->grad[weight], du, p->rows.h, GEMM_ADD_TN);
    gemm(dev, p->dh, du, p->w[weight], GEMM_ADD_NN);
}

/* ---- Heads that score items ------------------------------------------------------------------ */

/* The mixture of the policy with its candidates; the loss writes `logsumexp` and `share`. */
static CatalogueMixture mixture_of(Device *dev, const AgentPass *p, const CountedScores *c,
                                   Tensor target)
{
    const int64_t tokens = p->in->tokens;
    const CatalogueMixture mixture = {.other = SCRATCH(dev, F32, tokens),
                                      .other_target = SCRATCH(dev, F32, tokens),
                                      .logsumexp = SCRATCH(dev, F32, tokens),
                                      .share = SCRATCH(dev, F32, tokens)};
    counts_mass(dev, mixture.other, mixture.other_target, c->score, c->item, target);
    return mixture;
}

/* The part of the gradient that goes through the scores of the candidates. */
static void candidates_backward(Device *dev, const AgentPass *p, const HeadScores *z,
                                const CatalogueMixture *mixture, Tensor target, Tensor weight,
                                Tensor du)
{
    const size_t mark = scratch_mark(dev);
    const CountedScores *c = &z->counted;
    const Tensor dscore = scratch_tensor(dev, F32, 2, c->score.dim);
    counts_mass_backward(dev, dscore,
                         &(MassLoss){.r = c->score,
                                     .item = c->item,
                                     .target = target,
                                     .weight = weight,
                                     .logsumexp = mixture->logsumexp,
                                     .share = mixture->share});
    counted_scores_backward(dev, p->m, p->w, &p->rows, c, z->u, &z->items, dscore,
                            &(CountedGradient){p->grad, du, p->dh, p->dall});
    scratch_release(dev, mark);
}

void losses_cross_entropy(Device *dev, const AgentPass *p, HeadId head, Tensor target,
                          Tensor weight, int loss)
{
    const HeadParams *at = &p->m->at.head[head];
    const size_t mark = scratch_mark(dev);
    const HeadScores z = scores_ranking(dev, p->m, p->w, head, &p->rows);
    const bool mixed = z.counted.item.data;
    const CatalogueMixture mixture =
        mixed ? mixture_of(dev, p, &z.counted, target) : (CatalogueMixture){0};
    Tensor du = SCRATCH(dev, p->rows.h.dtype, p->in->tokens, p->m->shape.dim);
    Tensor losses = SCRATCH(dev, F32, p->in->tokens);
    catalogue_cross_entropy_with(dev, losses, du, p->grad[p->m->at.item_id], p->grad[at->bias], z.u,
                                 &z.items, z.bias, target, weight, mixture);
    if (mixed) candidates_backward(dev, p, &z, &mixture, target, weight, du);
    queries_backward(dev, p, du, at->weight);
    loss_weighted_sum(dev, loss_at(p->sums, loss), losses);
    scratch_release(dev, mark);
}

void losses_behaviour(Device *dev, const AgentPass *p)
{
    const HeadParams *at = &p->m->at.head[HEAD_BEHAVIOUR];
    if (!model_has(p->m, HEAD_BEHAVIOUR)) return;
    const size_t mark = scratch_mark(dev);
    const HeadScores z = scores_ranking(dev, p->m, p->w, HEAD_BEHAVIOUR, &p->rows);
    Tensor du = SCRATCH(dev, p->rows.h.dtype, p->in->tokens, p->m->shape.dim);
    Tensor losses = SCRATCH(dev, F32, p->in->tokens);
    catalogue_cross_entropy(dev, losses, du, (Tensor){0}, p->grad[at->bias], z.u, &z.items, z.bias,
                            p->in->target, p->share);
    gemm(dev, p->grad[at->weight], du, p->rows.h, GEMM_ADD_TN);
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_BEHAVIOUR), losses);
    scratch_release(dev, mark);
}

/* The part of the entropy's gradient that the candidates make; total and mean f32 [tokens] are
 * logsumexp_a s and sum_a p_a s_a. */
static void candidates_entropy(Device *dev, const AgentPass *p, const HeadScores *z, Tensor weight,
                               Tensor total, Tensor mean, Tensor du)
{
    const size_t mark = scratch_mark(dev);
    const CountedScores *c = &z->counted;
    const Tensor dz = scratch_tensor(dev, F32, 2, c->score.dim);
    const Tensor dscore = scratch_tensor(dev, F32, 2, c->score.dim);
    counts_part_entropy(dev, dz, dscore, scores_part(dev, z),
                        (CountsEntropy){c->score, weight, total, mean});
    catalogue_gather_backward(dev, du, p->grad[p->m->at.item_id],
                              p->grad[p->m->at.head[HEAD_POLICY].bias], dz, z->u, &z->items,
                              c->item);
    counted_scores_backward(dev, p->m, p->w, &p->rows, c, z->u, &z->items, dscore,
                            &(CountedGradient){p->grad, du, p->dh, p->dall});
    scratch_release(dev, mark);
}

void losses_entropy(Device *dev, const AgentPass *p)
{
    const HeadParams *at = &p->m->at.head[HEAD_POLICY];
    const int64_t tokens = p->in->tokens;
    if (p->options->entropy == 0.0f) return;
    const size_t mark = scratch_mark(dev);
    const HeadScores z = pass_online_policy(dev, p);
    Tensor du = SCRATCH(dev, p->rows.h.dtype, tokens, p->m->shape.dim);
    Tensor losses = SCRATCH(dev, F32, tokens), weight = SCRATCH(dev, F32, tokens);
    Tensor total = SCRATCH(dev, F32, tokens), mean = SCRATCH(dev, F32, tokens);
    elementwise_fill(dev, weight, 0.0f);
    elementwise_axpy(dev, weight, -p->options->entropy, p->share);
    scores_stats(dev, &z, (CatalogueStats){.logsumexp = total, .expectation = mean}, 1.0f);
    catalogue_entropy_given(dev, losses, du, p->grad[p->m->at.item_id], p->grad[at->bias], z.u,
                            &z.items, z.bias, weight, total, mean);
    if (z.counted.item.data) candidates_entropy(dev, p, &z, weight, total, mean, du);
    queries_backward(dev, p, du, at->weight);
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_ENTROPY), losses);
    scratch_release(dev, mark);
}

void losses_negatives(Device *dev, const AgentPass *p, const HeadScores *q, Tensor state)
{
    const HeadParams *at = &p->m->at.head[HEAD_Q];
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    Tensor weight = SCRATCH(dev, F32, tokens), y = SCRATCH(dev, F32, tokens);
    const RegressionOut out = {.loss = SCRATCH(dev, F32, tokens),
                               .dshift = SCRATCH(dev, F32, tokens),
                               .du = SCRATCH(dev, q->u.dtype, tokens, p->m->shape.dim),
                               .did = p->grad[p->m->at.item_id],
                               .dbias = p->grad[at->bias]};
    elementwise_fill(dev, weight, 0.0f);
    elementwise_axpy(dev, weight, p->options->td_weight * p->options->negatives, p->share);
    elementwise_fill(dev, y, 0.0f);
    elementwise_axpy(dev, y, p->options->gamma, state);
    elementwise_axpy(dev, y, -1.0f, q->state);
    catalogue_regression(dev, out, q->u, &q->items, q->bias, p->in->target, y, weight);
    queries_backward(dev, p, out.du, at->weight);
    states_backward(dev, p, out.dshift, at->state_weight, at->state_bias);
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_NEGATIVES), out.loss);
    scratch_release(dev, mark);
}

/* ---- Temporal differences of Q --------------------------------------------------------------- */

/* dq [tokens] = dL/dQ at the logged actions; it goes to the state term, the queries and the item
 * vectors. */
static void q_backward(Device *dev, const AgentPass *p, const HeadScores *q, Tensor dq)
{
    const HeadParams *at = &p->m->at.head[HEAD_Q];
    const size_t mark = scratch_mark(dev);
    Tensor du = SCRATCH(dev, q->u.dtype, p->in->tokens, p->m->shape.dim);
    catalogue_score_backward(dev, du, p->grad[p->m->at.item_id], p->grad[at->bias], dq, q->u,
                             &q->items, p->in->target);
    queries_backward(dev, p, du, at->weight);
    states_backward(dev, p, dq, at->state_weight, at->state_bias);
    scratch_release(dev, mark);
}

void losses_td(Device *dev, const AgentPass *p, const HeadScores *q, Tensor y, Tensor valid)
{
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    Tensor have = SCRATCH(dev, F32, tokens), loss = SCRATCH(dev, F32, tokens);
    Tensor dq = SCRATCH(dev, F32, tokens);
    mean_over_valid(dev, p, valid, p->options->td_weight);
    scores_at(dev, q, have, p->in->target);
    if (p->options->log_values)
        loss_deviance(dev, loss, dq, have, y, valid);
    else
        loss_td(dev, loss, dq, have, y, valid, p->options->huber);
    q_backward(dev, p, q, dq);
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_TD), loss);
    second_q_td(dev, p, y, valid);
    scratch_release(dev, mark);
}

void losses_td_steps(Device *dev, const AgentPass *p, const HeadScores *q, Tensor next,
                     bool last_has_value)
{
    const AgentOptions *o = p->options;
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    Tensor y = SCRATCH(dev, F32, tokens), valid = SCRATCH(dev, F32, tokens);
    td_targets(dev, y, valid, p->reward, p->in->end, scores_to_values(dev, p->m, next),
               p->in->cu_seqlens, o->gamma, (int)o->n_step, last_has_value);
    losses_td(dev, p, q, y, valid);
    scratch_release(dev, mark);
}

void losses_td_traces(Device *dev, const AgentPass *p, const HeadScores *q, TraceValues of,
                      bool last_has_value)
{
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    Tensor y = SCRATCH(dev, F32, tokens), valid = SCRATCH(dev, F32, tokens);
    ReturnsInput in = pass_transitions(p, scores_to_values(dev, p->m, of.logged),
                                       scores_to_values(dev, p->m, of.next));
    in.log_ratio = of.log_ratio;
    const ReturnsOptions options = {.gamma = p->options->gamma,
                                    .lambda = p->options->lambda,
                                    .c_max = 1.0f,
                                    .trace_of_next = of.log_ratio.data != NULL,
                                    .last_has_value = last_has_value};
    returns(dev, y, valid, (Tensor){0}, in, options);
    losses_td(dev, p, q, y, valid);
    scratch_release(dev, mark);
}

/* ---- The critic ------------------------------------------------------------------------------ */

void losses_critic_given(Device *dev, const AgentPass *p, Tensor loss, Tensor dv)
{
    const HeadParams *at = &p->m->at.head[HEAD_CRITIC];
    states_backward(dev, p, dv, at->weight, at->bias);
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_CRITIC), loss);
}

void losses_critic(Device *dev, const AgentPass *p, Tensor v, Tensor y, Tensor valid)
{
    const size_t mark = scratch_mark(dev);
    Tensor loss = SCRATCH(dev, F32, p->in->tokens), dv = SCRATCH(dev, F32, p->in->tokens);
    mean_over_valid(dev, p, valid, p->options->critic_weight);
    loss_td(dev, loss, dv, v, y, valid, 0.0f);
    losses_critic_given(dev, p, loss, dv);
    scratch_release(dev, mark);
}

/* ---- The kind of the next event -------------------------------------------------------------- */

void losses_next_action(Device *dev, const AgentPass *p)
{
    const HeadParams *at = &p->m->at.head[HEAD_NEXT_ACTION];
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    const HeadScores z = scores_ranking(dev, p->m, p->w, HEAD_NEXT_ACTION, &p->rows);
    Tensor du = SCRATCH(dev, p->rows.h.dtype, tokens, p->m->shape.dim),
           loss = SCRATCH(dev, F32, tokens);
    Tensor target = SCRATCH(dev, I32, tokens), weight = SCRATCH(dev, F32, tokens);
    loss_mask_targets(dev, target, p->in->taken, p->in->target_action);
    losses_mean(dev, p, weight, target, SUM_TAKEN, p->options->action_weight);
    catalogue_cross_entropy(dev, loss, du, p->grad[at->weight], p->grad[at->bias], z.u, &z.items,
                            z.bias, target, weight);
    elementwise_add(dev, p->dh, du);
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_NEXT_ACTION), loss);
    scratch_release(dev, mark);
}

/* ---- What comes of showing an item ----------------------------------------------------------- */

void losses_outcome(Device *dev, const AgentPass *p)
{
    const ModelInput *in = p->in;
    const size_t mark = scratch_mark(dev);
    const Outcome o = outcome_forward(dev, p->m, p->w, &p->rows, in->target);
    const Tensor kind = SCRATCH(dev, I32, in->tokens), left = SCRATCH(dev, I32, in->tokens);
    const Tensor loss = SCRATCH(dev, F32, in->tokens), weight = SCRATCH(dev, F32, in->tokens);
    loss_mask_targets(dev, kind, in->target, in->target_action);
    answer_ends(dev, left, in->end, in->state, in->target);
    elementwise_fill(dev, weight, 0.0f);
    elementwise_axpy(dev, weight, p->options->outcome, p->share);
    answer_loss(dev, loss, o.logits, o.logits, kind, left, weight);
    outcome_backward(dev, p->m, p->w, &p->rows, &o, o.logits, p->grad, p->dh);
    loss_weighted_sum(dev, loss_at(p->sums, LOSS_OUTCOME), loss);
    scratch_release(dev, mark);
}
