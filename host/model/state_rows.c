/* SPDX-License-Identifier: Apache-2.0 */
#include "model/state_rows.h"

#include "base/scratch.h"

StateRows state_rows(Device *dev, const Model *m, const ModelInput *in, Tensor all, Tensor token,
                     Tensor h)
{
    StateRows s = {.h = h, .all = all, .token = token, .in = in};
    const int64_t rows = h.dim[0], width = m->shape.candidates;
    if (!m->counts.item.data) return s;
    s.candidates = (CandidatesOutput){.item = SCRATCH(dev, I32, rows, width),
                                      .feature = SCRATCH(dev, F32, rows, width, COUNT_FEATURES),
                                      .state = SCRATCH(dev, F32, rows, COUNT_STATE_FEATURES)};
    candidates(dev, s.candidates,
               (CandidatesInput){.item = in->item,
                                 .cu_seqlens = in->cu_seqlens,
                                 .time = in->time,
                                 .own_offset = in->own_offset,
                                 .own = in->own,
                                 .token = token},
               &m->counts);
    return s;
}

static Tensor part(Tensor t, int64_t first, int64_t count)
{
    return t.data ? tensor_rows(t, first, count) : t;
}

StateRows state_rows_part(const StateRows *s, int64_t first, int64_t count)
{
    StateRows p = *s;
    p.h = part(s->h, first, count);
    p.token = part(s->token, first, count);
    p.candidates.item = part(s->candidates.item, first, count);
    p.candidates.feature = part(s->candidates.feature, first, count);
    p.candidates.state = part(s->candidates.state, first, count);
    return p;
}
