/* SPDX-License-Identifier: Apache-2.0 */
/* A control: Q regresses on the length of the history (kernels/losses/control.h) and sees no
 * reward. What an agent gains over this one is what its rewards add. */
#include "learn/losses.h"
#include "losses/control.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p);
    Tensor y = SCRATCH(dev, F32, p->in->tokens), valid = SCRATCH(dev, F32, p->in->tokens);
    control_length(dev, y, valid, p->in->cu_seqlens);
    losses_td(dev, p, &q, y, valid);
    scratch_release(dev, mark);
}

const Agent aux_length_agent = {
    .name = "aux_length",
    .help = "a control: Q regresses on the length of the history",
    .trains = HEAD_BIT(HEAD_Q),
    .control = true,
    .backward = backward,
};
