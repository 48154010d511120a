/* SPDX-License-Identifier: Apache-2.0 */
#include "model/scores.h"

#include "catalogue/catalogue.h"
#include "elementwise.h"
#include "embedding.h"
#include "gemm.h"

/* <h[i], weight> + bias, f32 [rows] */
static Tensor of_states(Device *dev, Tensor h, Tensor weight, Tensor bias)
{
    const Tensor column = SCRATCH(dev, F32, h.dim[0], 1);
    gemm(dev, column, h, weight, GEMM_NT);
    elementwise_shift(dev, column, bias);
    return TENSOR(column.data, F32, h.dim[0]);
}

static const HeadParams *params_of(const Model *m, HeadId head)
{
    REQUIRE(model_has(m, head), "the model has no head %s", heads_table[head].name);
    return &m->at.head[head];
}

HeadScores scores_ranking(Device *dev, const Model *m, Weights w, HeadId head, Tensor h)
{
    const HeadParams *at = params_of(m, head);
    if (heads_table[head].kind == HEAD_OF_ACTIONS)
        return (HeadScores){.u = h, .items = {.id = w[at->weight]}, .bias = w[at->bias]};
    REQUIRE(heads_table[head].kind == HEAD_OF_ITEMS, "the head %s has no scores of items",
            heads_table[head].name);
    const HeadScores s = {.u = SCRATCH(dev, h.dtype, h.dim[0], m->shape.dim),
                          .items = model_items(m, w),
                          .bias = w[at->bias]};
    gemm(dev, s.u, h, w[at->weight], GEMM_NT);
    return s;
}

HeadScores scores_full(Device *dev, const Model *m, Weights w, HeadId head, Tensor h)
{
    const HeadParams *at = params_of(m, head);
    HeadScores s = scores_ranking(dev, m, w, head, h);
    if (at->state_weight >= 0) s.state = of_states(dev, h, w[at->state_weight], w[at->state_bias]);
    return s;
}

Tensor scores_of_state(Device *dev, const Model *m, Weights w, HeadId head, Tensor h)
{
    const HeadParams *at = params_of(m, head);
    REQUIRE(heads_table[head].kind == HEAD_OF_STATE, "the head %s is no number of a state",
            heads_table[head].name);
    return of_states(dev, h, w[at->weight], w[at->bias]);
}

void scores_at(Device *dev, const HeadScores *s, Tensor out, Tensor item)
{
    catalogue_score(dev, out, s->u, &s->items, s->bias, item);
    if (s->state.data) elementwise_add(dev, out, s->state);
}

Tensor scores_rows(Device *dev, Tensor from, const int32_t *row, int64_t count)
{
    const Tensor to = SCRATCH(dev, F32, count, from.dim[1]);
    elementwise_fill(dev, to, 0.0f);
    embedding_add(dev, to, elementwise_cast(dev, from, F32), scratch_copy(dev, row, I32, count));
    return elementwise_cast(dev, to, from.dtype);
}

HeadScores scores_repeat(Device *dev, const HeadScores *s, int64_t times, int32_t *index)
{
    const int64_t rows = s->u.dim[0], all = rows * times;
    HeadScores out = *s;
    for (int64_t i = 0; i < all; i++) index[i] = (int32_t)(i / times);
    out.u = scores_rows(dev, s->u, index, all);
    if (s->state.data) {
        const Tensor state = TENSOR(s->state.data, F32, rows, 1);
        out.state = TENSOR(scores_rows(dev, state, index, all).data, F32, all);
    }
    return out;
}

Tensor scores_to_values(Device *dev, const Model *m, Tensor scores)
{
    if (!m->shape.log_values || !scores.data) return scores;
    const Tensor values = SCRATCH(dev, F32, scores.dim[0]);
    elementwise_exp(dev, values, scores);
    return values;
}
