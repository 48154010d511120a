/* What agents share: the heads of a network on the states of a batch (heads.c), and the losses that train
 * them (head_losses.c). Tensors are in scratch of the caller.
 */
#ifndef SOUK_HEADS_H
#define SOUK_HEADS_H

#include "catalogue/policy.h"
#include "gemm.h"
#include "learn/agent.h"
#include "losses/returns.h"

static const GemmOptions TIMES_TRANSPOSED = {.trans_b = true};
static const GemmOptions ADD_TRANSPOSED = {.trans_a = true, .accumulate = true};
static const GemmOptions ADD = {.accumulate = true};

/* ---- Heads ------------------------------------------------------------------------------------- */

/* Action values of a network: Q[i, a] = state[i] + <u[i], E[a]> + bias[a]; with learn.log_values this is their
 * logarithm, here and in what is read of them, and the losses take it for that. */
typedef struct {
    Tensor u;     /* [tokens, dim] */
    Tensor state; /* f32 [tokens]; absent in scores of a policy */
    ItemTable items;
    Tensor bias;
} ActionValues;

ActionValues online_values(Device *dev, const AgentPass *p);
ActionValues target_values(Device *dev, const AgentPass *p);
/* The same of the policy head: z[i, a] = <u[i], E[a]> + bias[a]. */
ActionValues policy_scores(Device *dev, const AgentPass *p);
ActionValues target_policy_scores(Device *dev, const AgentPass *p);
/* V[i], f32 [tokens], of the online network. */
Tensor state_values(Device *dev, const AgentPass *p);

/* As the ops on two heads take it; lives as long as `v`. */
static inline CatalogueHead head_of(const ActionValues *v)
{
    return (CatalogueHead){v->u, &v->items, v->bias};
}
/* q[i] = Q[i, item[i]], f32 [tokens]; undefined where item[i] < 0. */
void values_of(Device *dev, const ActionValues *v, Tensor q, Tensor item);
/* The lagged value of what the online network likes best, f32 [tokens] (van Hasselt et al. 2016). */
Tensor double_values(Device *dev, const ActionValues *online, const ActionValues *lagged);
/* sum_a pi(a|s_i) Q[i, a], f32 [tokens], pi the softmax of `policy`. */
Tensor expected_values(Device *dev, const ActionValues *policy, const ActionValues *q);
/* log softmax(z / temperature) at the logged actions, f32 [tokens]; undefined where there is none. The second
 * where the logsumexp of z / temperature is known. */
Tensor log_policy(Device *dev, const AgentPass *p, const ActionValues *z, float temperature);
Tensor log_policy_given(Device *dev, const AgentPass *p, const ActionValues *z, Tensor logsumexp,
                        float temperature);
/* log beta(a_i|s_i) of the policy that made the log: of its propensities, or where it has none as the behaviour
 * head estimates. */
Tensor log_behaviour(Device *dev, const AgentPass *p);
/* log pi(a_i|s_i) - log beta(a_i|s_i), given the former, `chosen`, f32 [tokens]. */
Tensor log_ratio(Device *dev, const AgentPass *p, Tensor chosen);
/* The batch's transitions as returns.h takes them; log_ratio absent. */
ReturnsInput transitions(const AgentPass *p, Tensor value, Tensor next_value);

/* ---- Losses ------------------------------------------------------------------------------------ */

/* sum_i weight[i] (logsumexp_a z[i, a] - z[i, target[i]]) of the policy head, told as `loss`. */
void policy_loss(Device *dev, const AgentPass *p, Tensor weight, int loss);
/* The behaviour head learns what the log does, and nothing else learns from it: its gradient ends at the states
 * and the items (Chen et al. 2019). Nothing where the log has propensities. */
void behaviour_loss(Device *dev, const AgentPass *p);
/* The policy's mean entropy, rewarded by learn.entropy. */
void entropy_loss(Device *dev, const AgentPass *p);

/* td_weight times the mean loss of Q at the logged actions on y, over the tokens with valid = 1: squared or Huber,
 * with learn.log_values half the Poisson deviance. y is in the unit of rewards. */
void value_loss(Device *dev, const AgentPass *p, const ActionValues *q, Tensor y, Tensor valid);
/* The same on n-step targets; next[i] is the value that backs up state i, and last_has_value as in
 * td.h. */
void backup_loss(Device *dev, const AgentPass *p, const ActionValues *q, Tensor next,
                 bool last_has_value);
/* The same on traces, of learn.lambda (returns.h): `logged` are the lagged values of the logged actions, `next`
 * what backs up a state, log_ratio of target and behaviour policy at the logged actions (absent: on-policy). */
typedef struct {
    Tensor logged, next, log_ratio;
} TraceValues;
void trace_loss(Device *dev, const AgentPass *p, const ActionValues *q, TraceValues of,
                bool last_has_value);

/* td_weight learn.negatives times the mean of (Q[i, a] - gamma state[i])^2 / 2 over all actions a but the logged
 * one, over the tokens with a target: such an action earns nothing, and the state stays. The uniform negatives
 * of Xin et al. 2022, in expectation. */
void negatives_loss(Device *dev, const AgentPass *p, const ActionValues *q, Tensor state);

/* `loss` [tokens] of V and its gradient dv: what the ops of loss.h give. */
void state_loss(Device *dev, const AgentPass *p, Tensor loss, Tensor dv);
/* value_weight times the mean of (V - y)^2 / 2 over the tokens with valid = 1. */
void state_error_loss(Device *dev, const AgentPass *p, Tensor v, Tensor y, Tensor valid);

#endif
