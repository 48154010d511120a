/* SPDX-License-Identifier: Apache-2.0 */
#include "model/cold.h"

#include "base/scratch.h"
#include "elementwise.h"
#include "id_dropout.h"

bool cold_wanted(const ModelShape *s) { return s->candidates > 0 && model_has_features(s); }

static Dropout of_step(const Model *m, uint64_t seed, Tensor step)
{
    return (Dropout){m->shape.id_dropout, seed, COLD_SITE, step};
}

Tensor cold_kept(Device *dev, const Model *m, uint64_t seed, Tensor step)
{
    if (!cold_wanted(&m->shape) || m->shape.id_dropout == 0.0f) return (Tensor){0};
    const Tensor kept = SCRATCH(dev, F32, m->shape.items);
    id_dropout(dev, kept, (Tensor){0}, of_step(m, seed, step));
    return kept;
}

void cold_gradients(Device *dev, const Model *m, Weights grad, uint64_t seed, Tensor step)
{
    if (!cold_wanted(&m->shape)) return;
    const size_t mark = scratch_mark(dev);
    const Tensor id = grad[m->at.item_id], bias = grad[m->at.head[HEAD_POLICY].bias];
    const Tensor column = TENSOR(bias.data, F32, bias.dim[0], 1);
    const Tensor kept = SCRATCH(dev, F32, m->shape.items);
    id_dropout(dev, kept, m->counts.popularity, of_step(m, seed, step));
    elementwise_row_scale(dev, id, id, kept);
    id_dropout(dev, kept, m->counts.popularity, (Dropout){0});
    elementwise_row_scale(dev, column, column, kept);
    scratch_release(dev, mark);
}
