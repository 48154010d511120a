/* Discrete BCQ (Fujimoto et al. 2019): Double DQN whose choice is kept to the actions that the log makes likely.
 * That likelihood is estimated: it is the policy head, which learns by cross-entropy what the log does. */
#include "learn/heads.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const ActionValues q = online_values(dev, p), lagged = target_values(dev, p);
    const ActionValues behaviour = policy_scores(dev, p);
    Tensor chosen = SCRATCH(dev, I32, p->in->tokens), next = SCRATCH(dev, F32, p->in->tokens);
    catalogue_policy_allowed_best(dev, chosen, head_of(&behaviour), head_of(&q),
                                  p->options->allowed);
    values_of(dev, &lagged, next, chosen);
    cross_entropy_agent.backward(dev, p);
    backup_loss(dev, p, &q, next, true);
    scratch_release(dev, mark);
}

const Agent bcq_agent = {
    .name = "bcq",
    .help = "cross_entropy, and double_q over actions that the former makes likely (learn.allowed)",
    .trains = TRAINS_POLICY | TRAINS_Q,
    .imitates = true,
    .target = true,
    .singly = true,
    .backward = backward,
};
