/* SPDX-License-Identifier: Apache-2.0 */
#include "model/ties.h"

#include "base/scratch.h"
#include "elementwise.h"
#include "embedding.h"

Tensor ties_states(Device *dev, const ModelInput *in, Tensor h)
{
    if (!in->ties || !h.data) return h;
    const Tensor s = SCRATCH(dev, h.dtype, in->tokens, h.dim[1]);
    elementwise_fill(dev, s, 0.0f);
    embedding_add(dev, s, elementwise_cast(dev, h, F32), in->state);
    return s;
}

Tensor ties_states_backward(Device *dev, const ModelInput *in, Tensor ds)
{
    if (!in->ties) return ds;
    const Tensor dh = SCRATCH(dev, F32, in->tokens, ds.dim[1]);
    elementwise_fill(dev, dh, 0.0f);
    embedding_backward(dev, dh, ds, in->state);
    return elementwise_cast(dev, dh, ds.dtype);
}
