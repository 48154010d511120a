#include "learn/heads.h"

#include "catalogue/catalogue.h"
#include "elementwise.h"

static ActionValues scores(Device *dev, const Model *m, Weights w, Tensor h, int weight, int bias)
{
    const ActionValues z = {.u = SCRATCH(dev, h.dtype, h.dim[0], m->shape.dim),
                            .items = model_items(m, w),
                            .bias = w[bias]};
    gemm(dev, z.u, h, w[weight], TIMES_TRANSPOSED);
    return z;
}

/* <h[i], weight> + bias, f32 [tokens] */
static Tensor of_states(Device *dev, Tensor h, Tensor weight, Tensor bias)
{
    const Tensor column = SCRATCH(dev, F32, h.dim[0], 1);
    gemm(dev, column, h, weight, TIMES_TRANSPOSED);
    elementwise_shift(dev, column, bias);
    return TENSOR(column.data, F32, h.dim[0]);
}

static ActionValues values(Device *dev, const Model *m, Weights w, Tensor h)
{
    ActionValues q = scores(dev, m, w, h, m->at.q_weight, m->at.q_bias);
    q.state = of_states(dev, h, w[m->at.value_weight], w[m->at.value_bias]);
    return q;
}

ActionValues online_values(Device *dev, const AgentPass *p)
{
    return values(dev, p->m, p->w, p->h);
}

ActionValues target_values(Device *dev, const AgentPass *p)
{
    return values(dev, p->m, p->target, p->target_h);
}

ActionValues policy_scores(Device *dev, const AgentPass *p)
{
    return scores(dev, p->m, p->w, p->h, p->m->at.policy_weight, p->m->at.policy_bias);
}

ActionValues target_policy_scores(Device *dev, const AgentPass *p)
{
    return scores(dev, p->m, p->target, p->target_h, p->m->at.policy_weight, p->m->at.policy_bias);
}

Tensor state_values(Device *dev, const AgentPass *p)
{
    return of_states(dev, p->h, p->w[p->m->at.critic_weight], p->w[p->m->at.critic_bias]);
}

void values_of(Device *dev, const ActionValues *v, Tensor q, Tensor item)
{
    catalogue_score(dev, q, v->u, &v->items, v->bias, item);
    if (v->state.data) elementwise_add(dev, q, v->state);
}

Tensor double_values(Device *dev, const ActionValues *online, const ActionValues *lagged)
{
    const int64_t tokens = online->u.dim[0];
    const Tensor value = SCRATCH(dev, F32, tokens);
    const size_t mark = scratch_mark(dev);
    const Tensor chosen = SCRATCH(dev, I32, tokens);
    catalogue_stats(dev, (CatalogueStats){.argmax = chosen}, online->u, &online->items,
                    online->bias, 1);
    values_of(dev, lagged, value, chosen);
    scratch_release(dev, mark);
    return value;
}

Tensor expected_values(Device *dev, const ActionValues *policy, const ActionValues *q)
{
    const Tensor expected = SCRATCH(dev, F32, q->u.dim[0]);
    catalogue_policy_expectation(dev, expected, head_of(policy), head_of(q), 1.0f);
    elementwise_add(dev, expected, q->state);
    return expected;
}

/* ---- Probabilities of what was logged -------------------------------------------------------------- */

Tensor log_policy_given(Device *dev, const AgentPass *p, const ActionValues *z, Tensor logsumexp,
                        float temperature)
{
    const Tensor out = SCRATCH(dev, F32, p->in->tokens);
    const size_t mark = scratch_mark(dev);
    const Tensor score = SCRATCH(dev, F32, p->in->tokens);
    catalogue_score(dev, score, z->u, &z->items, z->bias, p->in->target);
    elementwise_fill(dev, out, 0.0f);
    elementwise_axpy(dev, out, 1.0f / temperature, score);
    elementwise_axpy(dev, out, -1.0f, logsumexp);
    scratch_release(dev, mark);
    return out;
}

Tensor log_policy(Device *dev, const AgentPass *p, const ActionValues *z, float temperature)
{
    const Tensor logsumexp = SCRATCH(dev, F32, p->in->tokens);
    catalogue_stats(dev, (CatalogueStats){.logsumexp = logsumexp}, z->u, &z->items, z->bias,
                    temperature);
    return log_policy_given(dev, p, z, logsumexp, temperature);
}

Tensor log_behaviour(Device *dev, const AgentPass *p)
{
    const ModelParams *at = &p->m->at;
    if (at->behaviour_weight >= 0) {
        const ActionValues z =
            scores(dev, p->m, p->w, p->h, at->behaviour_weight, at->behaviour_bias);
        return log_policy(dev, p, &z, 1.0f);
    }
    const Tensor out = SCRATCH(dev, F32, p->in->tokens);
    elementwise_log(dev, out, p->in->propensity);
    return out;
}

Tensor log_ratio(Device *dev, const AgentPass *p, Tensor chosen)
{
    const Tensor ratio = SCRATCH(dev, F32, p->in->tokens);
    const size_t mark = scratch_mark(dev);
    elementwise_copy(dev, ratio, chosen);
    elementwise_axpy(dev, ratio, -1.0f, log_behaviour(dev, p));
    scratch_release(dev, mark);
    return ratio;
}

ReturnsInput transitions(const AgentPass *p, Tensor value, Tensor next_value)
{
    return (ReturnsInput){.reward = p->reward,
                          .end = p->in->end,
                          .value = value,
                          .next_value = next_value,
                          .cu_seqlens = p->in->cu_seqlens};
}
