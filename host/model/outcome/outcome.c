/* SPDX-License-Identifier: Apache-2.0 */
#include "model/outcome/outcome.h"

#include "base/scratch.h"
#include "elementwise.h"
#include "gemm.h"
#include "losses/answer.h"
#include "swiglu.h"

static const OutcomeParams *params_of(const Model *m)
{
    REQUIRE(model_has(m, HEAD_OUTCOME), "the model has no head %s", heads_table[HEAD_OUTCOME].name);
    return &m->at.outcome;
}

static Tensor ones(Device *dev, int64_t rows)
{
    const Tensor t = SCRATCH(dev, F32, rows, 1);
    elementwise_fill(dev, t, 1.0f);
    return t;
}

static Tensor row_of(Tensor x) { return TENSOR(x.data, F32, 1, x.dim[0]); }

/* y[i] += x, of each row. */
static void add_row(Device *dev, Tensor y, Tensor x)
{
    const size_t mark = scratch_mark(dev);
    gemm(dev, y, ones(dev, y.dim[0]), row_of(x), GEMM_ADD_NN);
    scratch_release(dev, mark);
}

/* x += sum_i y[i] */
static void add_sum(Device *dev, Tensor x, Tensor y)
{
    const size_t mark = scratch_mark(dev);
    gemm(dev, row_of(x), ones(dev, y.dim[0]), elementwise_cast(dev, y, F32), GEMM_ADD_TN);
    scratch_release(dev, mark);
}

Outcome outcome_forward(Device *dev, const Model *m, Weights w, const StateRows *rows, Tensor item)
{
    const OutcomeParams *at = params_of(m);
    const ItemTable table = model_items(m, w, rows->kept);
    const int64_t count = rows->h.dim[0];
    const Dtype dtype = rows->h.dtype;
    const Outcome o = {.item = item,
                       .vector = SCRATCH(dev, dtype, count, m->shape.dim),
                       .gates = SCRATCH(dev, dtype, count, 2 * OUTCOME_UNITS),
                       .units = SCRATCH(dev, dtype, count, OUTCOME_UNITS),
                       .logits = SCRATCH(dev, F32, count, 2 * m->shape.actions)};
    items_gather(dev, o.vector, &table, item);
    const size_t mark = scratch_mark(dev);
    const Tensor sum = SCRATCH(dev, F32, count, 2 * OUTCOME_UNITS);
    gemm(dev, sum, rows->h, w[at->hidden_state], GEMM_NT);
    gemm(dev, sum, o.vector, w[at->hidden_item], GEMM_ADD_NT);
    add_row(dev, sum, w[at->hidden_bias]);
    elementwise_copy(dev, o.gates, sum);
    scratch_release(dev, mark);
    swiglu_forward(dev, o.units, o.gates);
    gemm(dev, o.logits, o.units, w[at->weight], GEMM_NT);
    add_row(dev, o.logits, w[at->bias]);
    return o;
}

void outcome_backward(Device *dev, const Model *m, Weights w, const StateRows *rows,
                      const Outcome *o, Tensor dlogits, Weights grad, Tensor dh)
{
    const OutcomeParams *at = params_of(m);
    const ItemTable table = model_items(m, w, rows->kept);
    const size_t mark = scratch_mark(dev);
    const Tensor d = elementwise_cast(dev, dlogits, rows->h.dtype);
    const Tensor dunits = scratch_tensor(dev, d.dtype, 2, o->units.dim);
    const Tensor dgates = scratch_tensor(dev, d.dtype, 2, o->gates.dim);
    const Tensor dvector = scratch_tensor(dev, d.dtype, 2, o->vector.dim);
    add_sum(dev, grad[at->bias], dlogits);
    gemm(dev, grad[at->weight], d, o->units, GEMM_ADD_TN);
    gemm(dev, dunits, d, w[at->weight], GEMM_NN);
    swiglu_backward(dev, dgates, dunits, o->gates);
    add_sum(dev, grad[at->hidden_bias], dgates);
    gemm(dev, grad[at->hidden_state], dgates, rows->h, GEMM_ADD_TN);
    gemm(dev, grad[at->hidden_item], dgates, o->vector, GEMM_ADD_TN);
    gemm(dev, dh, dgates, w[at->hidden_state], GEMM_ADD_NN);
    gemm(dev, dvector, dgates, w[at->hidden_item], GEMM_NN);
    items_gather_backward(dev, grad[m->at.item_id], dvector, &table, o->item);
    scratch_release(dev, mark);
}

Tensor outcome_probabilities(Device *dev, const Model *m, Weights w, const StateRows *rows,
                             Tensor item)
{
    const OutcomeParams *at = params_of(m);
    const Tensor p = SCRATCH(dev, F32, rows->h.dim[0], 2 * m->shape.actions);
    const size_t mark = scratch_mark(dev);
    const Outcome o = outcome_forward(dev, m, w, rows, item);
    answer_probabilities(dev, p, o.logits, w[at->factor], w[at->shift]);
    scratch_release(dev, mark);
    return p;
}
