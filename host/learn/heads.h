/* What agents share: the heads of a network on the states of a batch, and their two losses,
 * cross-entropy and the regression of Q. Tensors are in scratch of the caller.
 */
#ifndef SOUK_HEADS_H
#define SOUK_HEADS_H

#include "gemm.h"
#include "learn/agent.h"

static const GemmOptions TIMES_TRANSPOSED = {.trans_b = true};
static const GemmOptions ADD_TRANSPOSED = {.trans_a = true, .accumulate = true};
static const GemmOptions ADD = {.accumulate = true};

/* Action values of a network: Q[i, a] = state[i] + <u[i], E[a]> + bias[a]. */
typedef struct {
    Tensor u;     /* [tokens, dim] */
    Tensor state; /* f32 [tokens] */
    ItemTable items;
    Tensor bias;
} ActionValues;

ActionValues online_values(Device *dev, const AgentPass *p);
ActionValues target_values(Device *dev, const AgentPass *p);
/* The same of the policy head of the online network: z[i, a] = <u[i], E[a]> + bias[a]; no state. */
ActionValues policy_scores(Device *dev, const AgentPass *p);
/* q[i] = Q[i, item[i]], f32 [tokens]; undefined where item[i] < 0. */
void values_of(Device *dev, const ActionValues *v, Tensor q, Tensor item);

/* sum_i weight[i] (logsumexp_a z[i, a] - z[i, target[i]]) of the policy head. */
void policy_loss(Device *dev, const AgentPass *p, Tensor weight);

/* td_weight times the mean loss of Q at the logged actions on y, over the tokens with valid = 1. */
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

#endif
