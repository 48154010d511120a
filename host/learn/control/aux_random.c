/* SPDX-License-Identifier: Apache-2.0 */
/* A control: Q regresses on noise that is fixed for each event (kernels/losses/control.h) and sees
 * no reward. What an agent gains over this one is what its rewards add. */
#include "learn/losses.h"
#include "losses/control.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p);
    Tensor y = SCRATCH(dev, F32, p->in->tokens), valid = SCRATCH(dev, F32, p->in->tokens);
    control_random(dev, y, valid, p->in->cu_seqlens, p->in->first_event, p->options->seed);
    losses_td(dev, p, &q, y, valid);
    scratch_release(dev, mark);
}

const Agent aux_random_agent = {
    .name = "aux_random",
    .help = "a control: Q regresses on noise that is fixed for each event",
    .trains = HEAD_BIT(HEAD_Q),
    .control = true,
    .backward = backward,
};
