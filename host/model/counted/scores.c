/* SPDX-License-Identifier: Apache-2.0 */
#include "model/counted/scores.h"

#include "base/scratch.h"
#include "catalogue/gather.h"
#include "counts/pointer.h"
#include "counts/score.h"
#include "elementwise.h"
#include "embedding.h"
#include "gemm.h"
#include "id_dropout.h"
#include "losses/loss.h"

/* ---- Scores ---------------------------------------------------------------------------------- */

/* x [rows, columns] weight^T, f32; `x` and `weight` have one dtype. */
static Tensor product(Device *dev, Tensor x, Tensor weight, Dtype dtype)
{
    const Tensor y = SCRATCH(dev, dtype, x.dim[0], weight.dim[0]);
    gemm(dev, y, x, weight, GEMM_NT);
    return y;
}

/* A weight, and in use its calibration added to it. */
static Tensor weight_of(Device *dev, Weights w, int weight, int more, bool calibrated)
{
    if (!calibrated) return w[weight];
    const Tensor sum = scratch_tensor(dev, F32, w[weight].rank, w[weight].dim);
    elementwise_copy(dev, sum, w[weight]);
    elementwise_add(dev, TENSOR(sum.data, F32, tensor_count(sum)), w[more]);
    return sum;
}

/* b [rows] */
static Tensor bases(Device *dev, const CountedParams *at, Weights w, const StateRows *s)
{
    const Tensor state = weight_of(dev, w, at->state, at->more_state, s->calibrated);
    const Tensor b = product(dev, s->candidates.state, state, F32);
    elementwise_shift(dev, b, weight_of(dev, w, at->base, at->more_base, s->calibrated));
    return TENSOR(b.data, F32, b.dim[0]);
}

/* c [rows, units] */
static Tensor hidden_inputs(Device *dev, const CountedParams *at, Weights w, const StateRows *s)
{
    const Tensor c = product(dev, s->candidates.state, w[at->hidden_state], F32);
    const size_t mark = scratch_mark(dev);
    const Tensor event = SCRATCH(dev, F32, s->in->tokens, COUNTED_UNITS);
    gemm(dev, c, s->h, w[at->hidden_h], GEMM_ADD_NT);
    elementwise_fill(dev, event, 0.0f);
    embedding_add(dev, event, w[at->action], s->in->action);
    embedding_add(dev, event, w[at->gap], s->in->gap);
    embedding_add(dev, c, event, s->token);
    scratch_release(dev, mark);
    return c;
}

static PointerInput pointer_input(const CountedParams *at, Weights w, const StateRows *s,
                                  const CountedScores *c)
{
    return (PointerInput){.q = c->query,
                          .k = c->key,
                          .bias = w[at->distance],
                          .item = s->in->item,
                          .cu_seqlens = s->in->cu_seqlens,
                          .token = s->token,
                          .candidate = c->item};
}

static ScoreInput score_input(const CountedParams *at, Weights w, const StateRows *s,
                              const CountedScores *c)
{
    return (ScoreInput){.item = c->item,
                        .feature = s->candidates.feature,
                        .mean = w[at->mean],
                        .scale = w[at->scale],
                        .base = c->base,
                        .dense = c->dense,
                        .hidden = c->hidden,
                        .pointer = c->pointer};
}

static ScoreWeights score_weights(Device *dev, const CountedParams *at, Weights w, bool calibrated)
{
    return (ScoreWeights){.beta = weight_of(dev, w, at->dense, at->more_dense, calibrated),
                          .linear = weight_of(dev, w, at->linear, at->more_linear, calibrated),
                          .inner = w[at->hidden],
                          .outer = w[at->out]};
}

CountedScores counted_scores(Device *dev, const Model *m, Weights w, const StateRows *s, Tensor u,
                             const ItemTable *items)
{
    const CountedParams *at = &m->at.counted;
    const int64_t rows = s->h.dim[0], width = m->shape.candidates;
    CountedScores c = {.item = s->candidates.item,
                       .score = SCRATCH(dev, F32, rows, width),
                       .dense = SCRATCH(dev, F32, rows, width),
                       .pointer = SCRATCH(dev, F32, rows, width)};
    c.base = bases(dev, at, w, s);
    c.hidden = hidden_inputs(dev, at, w, s);
    c.query = product(dev, s->h, w[at->query], s->h.dtype);
    c.key = product(dev, s->all, w[at->key], s->all.dtype);
    catalogue_gather(dev, c.dense, u, items, (Tensor){0}, c.item);
    const PointerInput pointer = pointer_input(at, w, s, &c);
    counts_pointer(dev, c.pointer, &pointer);
    const ScoreInput in = score_input(at, w, s, &c);
    const ScoreWeights weights = score_weights(dev, at, w, s->calibrated);
    counts_score(dev, c.score, &in, &weights);
    return c;
}

/* x [rows, columns] times the one number `factor`, in place. */
static void scale(Device *dev, Tensor x, Tensor factor)
{
    const size_t mark = scratch_mark(dev);
    const Tensor each = SCRATCH(dev, F32, x.dim[0]);
    elementwise_fill(dev, each, 0.0f);
    elementwise_shift(dev, each, factor);
    elementwise_row_scale(dev, x, x, each);
    scratch_release(dev, mark);
}

/* bias[a] += cold, where the count table has no event of a */
static void add_cold(Device *dev, Tensor bias, const Model *m, Tensor cold)
{
    const size_t mark = scratch_mark(dev);
    const Tensor known = SCRATCH(dev, F32, bias.dim[0]), more = SCRATCH(dev, F32, bias.dim[0]);
    id_dropout(dev, known, m->counts.popularity, (Dropout){0});
    elementwise_fill(dev, more, 1.0f);
    elementwise_axpy(dev, more, -1.0f, known);
    scale(dev, TENSOR(more.data, F32, 1, bias.dim[0]), cold);
    elementwise_add(dev, bias, more);
    scratch_release(dev, mark);
}

Tensor counted_scores_calibrate(Device *dev, const Model *m, Weights w, Tensor u, Tensor bias)
{
    const Tensor factor = w[m->at.counted.factor];
    const Tensor scaled = SCRATCH(dev, F32, bias.dim[0]);
    elementwise_copy(dev, scaled, bias);
    scale(dev, TENSOR(scaled.data, F32, 1, bias.dim[0]), factor);
    scale(dev, u, factor);
    if (m->at.counted.cold >= 0) add_cold(dev, scaled, m, w[m->at.counted.cold]);
    return scaled;
}

/* ---- Gradients ------------------------------------------------------------------------------- */

/* y = x weight^T: adds dy^T x to the gradient of the weight and dy weight to dx. */
static void product_backward(Device *dev, Tensor dweight, Tensor dx, Tensor dy, Tensor x,
                             Tensor weight)
{
    const Tensor cast = elementwise_cast(dev, dy, x.dtype);
    gemm(dev, dweight, cast, x, GEMM_ADD_TN);
    if (dx.data) gemm(dev, dx, cast, weight, GEMM_ADD_NN);
}

static void hidden_backward(Device *dev, const CountedParams *at, Weights w, const StateRows *s,
                            Tensor dhidden, const CountedGradient *to)
{
    const Tensor event = SCRATCH(dev, F32, s->in->tokens, COUNTED_UNITS);
    product_backward(dev, to->grad[at->hidden_state], (Tensor){0}, dhidden, s->candidates.state,
                     w[at->hidden_state]);
    product_backward(dev, to->grad[at->hidden_h], to->dh, dhidden, s->h, w[at->hidden_h]);
    elementwise_fill(dev, event, 0.0f);
    embedding_backward(dev, event, dhidden, s->token);
    embedding_backward(dev, to->grad[at->action], event, s->in->action);
    embedding_backward(dev, to->grad[at->gap], event, s->in->gap);
}

static void pointer_backward(Device *dev, const CountedParams *at, Weights w, const StateRows *s,
                             const CountedScores *c, Tensor dscore, const CountedGradient *to)
{
    const PointerGradient d = {
        .q = scratch_tensor(dev, c->query.dtype, 2, c->query.dim),
        .k = scratch_tensor(dev, c->key.dtype, 2, c->key.dim),
        .bias = to->grad[at->distance],
    };
    const PointerInput in = pointer_input(at, w, s, c);
    counts_pointer_backward(dev, &d, dscore, c->pointer, &in);
    product_backward(dev, to->grad[at->query], to->dh, d.q, s->h, w[at->query]);
    product_backward(dev, to->grad[at->key], to->dall, d.k, s->all, w[at->key]);
}

void counted_scores_backward(Device *dev, const Model *m, Weights w, const StateRows *s,
                             const CountedScores *c, Tensor u, const ItemTable *items,
                             Tensor dscore, const CountedGradient *to)
{
    const CountedParams *at = &m->at.counted;
    const int64_t rows = s->h.dim[0];
    const size_t mark = scratch_mark(dev);
    const ScoreGradient d = {.base = SCRATCH(dev, F32, rows),
                             .dense = scratch_tensor(dev, F32, 2, c->dense.dim),
                             .hidden = SCRATCH(dev, F32, rows, COUNTED_UNITS),
                             .beta = to->grad[at->dense],
                             .linear = to->grad[at->linear],
                             .inner = to->grad[at->hidden],
                             .outer = to->grad[at->out]};
    const ScoreInput in = score_input(at, w, s, c);
    const ScoreWeights weights = score_weights(dev, at, w, false);
    counts_score_backward(dev, &d, dscore, &in, &weights);
    catalogue_gather_backward(dev, to->du, to->grad[m->at.item_id], (Tensor){0}, d.dense, u, items,
                              c->item);
    hidden_backward(dev, at, w, s, d.hidden, to);
    product_backward(dev, to->grad[at->state], (Tensor){0}, TENSOR(d.base.data, F32, rows, 1),
                     s->candidates.state, w[at->state]);
    loss_weighted_sum_add(dev, to->grad[at->base], d.base);
    pointer_backward(dev, at, w, s, c, dscore, to);
    scratch_release(dev, mark);
}
