/* Implicit Q-learning (Kostrikov et al. 2022): Q backs up V, V is an upper expectile of the lagged Q at the
 * logged actions, and the policy is drawn to the actions that are better than V; so no value of an
 * unlogged action is ever asked for. */
#include "elementwise.h"
#include "learn/heads.h"
#include "losses/loss.h"
#include "losses/policy_gradient.h"

static void backward(Device *dev, const AgentPass *p)
{
    const AgentOptions *o = p->options;
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    const ActionValues q = online_values(dev, p), lagged = target_values(dev, p);
    const Tensor v = state_values(dev, p);
    Tensor logged = SCRATCH(dev, F32, tokens), weight = SCRATCH(dev, F32, tokens);
    Tensor loss = SCRATCH(dev, F32, tokens), dv = SCRATCH(dev, F32, tokens);
    values_of(dev, &lagged, logged, p->in->target);
    elementwise_fill(dev, weight, 0.0f);
    elementwise_axpy(dev, weight, o->value_weight, p->share);
    loss_expectile(dev, loss, dv, v, logged, weight, o->expectile);
    state_loss(dev, p, loss, dv);
    elementwise_axpy(dev, logged, -1.0f, v);
    policy_gradient_advantage(dev, weight, logged, p->share, o->temperature, o->weight_max);
    policy_loss(dev, p, weight, LOSS_POLICY);
    backup_loss(dev, p, &q, v, true);
    scratch_release(dev, mark);
}

const Agent iql_agent = {
    .name = "iql",
    .help = "Q backs up V, an expectile of Q; the policy follows exp((Q - V) / T)",
    .trains = TRAINS_POLICY | TRAINS_Q | TRAINS_VALUE,
    .target = true,
    .backward = backward,
};
