/* A control: Q regresses on the length of the history (kernels/losses/control.h). What an agent gains over it
 * is what its rewards add. */
#include "learn/heads.h"
#include "losses/control.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const ActionValues q = online_values(dev, p);
    Tensor y = SCRATCH(dev, F32, p->in->tokens), valid = SCRATCH(dev, F32, p->in->tokens);
    control_length(dev, y, valid, p->in->cu_seqlens);
    value_loss(dev, p, &q, y, valid);
    scratch_release(dev, mark);
}

const Agent aux_length_agent = {
    .name = "aux_length",
    .help = "a control: Q regresses on the length of the history",
    .trains = TRAINS_Q,
    .backward = backward,
};
