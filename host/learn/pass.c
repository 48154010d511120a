/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/pass.h"

#include "elementwise.h"

/* ---- Heads of one network -------------------------------------------------------------------- */

HeadScores pass_online_q(Device *dev, const AgentPass *p)
{
    return scores_full(dev, p->m, p->w, HEAD_Q, &p->rows);
}

HeadScores pass_target_q(Device *dev, const AgentPass *p)
{
    return scores_full(dev, p->m, p->target, HEAD_Q, &p->target_rows);
}

HeadScores pass_online_policy(Device *dev, const AgentPass *p)
{
    return scores_full(dev, p->m, p->w, HEAD_POLICY, &p->rows);
}

HeadScores pass_target_policy(Device *dev, const AgentPass *p)
{
    return scores_full(dev, p->m, p->target, HEAD_POLICY, &p->target_rows);
}

Tensor pass_online_critic(Device *dev, const AgentPass *p)
{
    return scores_of_state(dev, p->m, p->w, HEAD_CRITIC, p->rows.h);
}

/* ---- Values of two heads --------------------------------------------------------------------- */

Tensor pass_double_q(Device *dev, const HeadScores *online, const HeadScores *target)
{
    const int64_t tokens = online->u.dim[0];
    const Tensor value = SCRATCH(dev, F32, tokens);
    const size_t mark = scratch_mark(dev);
    const Tensor chosen = SCRATCH(dev, I32, tokens);
    scores_stats(dev, online, (CatalogueStats){.argmax = chosen}, 1.0f);
    scores_at(dev, target, value, chosen);
    scratch_release(dev, mark);
    return value;
}

Tensor pass_expected_q(Device *dev, const HeadScores *policy, const HeadScores *q)
{
    const Tensor expected = SCRATCH(dev, F32, q->u.dim[0]);
    scores_expected(dev, policy, q, expected, 1.0f);
    elementwise_add(dev, expected, q->state);
    return expected;
}

/* ---- Probabilities of the logged actions ----------------------------------------------------- */

Tensor pass_log_policy_given(Device *dev, const AgentPass *p, const HeadScores *z, Tensor logsumexp,
                             float temperature)
{
    const Tensor out = SCRATCH(dev, F32, p->in->tokens);
    const size_t mark = scratch_mark(dev);
    const Tensor score = SCRATCH(dev, F32, p->in->tokens);
    /* The logsumexp has no state term, so neither may the score. */
    HeadScores ranking = *z;
    ranking.state = (Tensor){0};
    scores_at(dev, &ranking, score, p->in->target);
    elementwise_fill(dev, out, 0.0f);
    elementwise_axpy(dev, out, 1.0f / temperature, score);
    elementwise_axpy(dev, out, -1.0f, logsumexp);
    scratch_release(dev, mark);
    return out;
}

Tensor pass_log_policy(Device *dev, const AgentPass *p, const HeadScores *z, float temperature)
{
    const Tensor logsumexp = SCRATCH(dev, F32, p->in->tokens);
    scores_stats(dev, z, (CatalogueStats){.logsumexp = logsumexp}, temperature);
    return pass_log_policy_given(dev, p, z, logsumexp, temperature);
}

/* log beta(a_i|s_i) */
static Tensor log_behaviour(Device *dev, const AgentPass *p)
{
    if (model_has(p->m, HEAD_BEHAVIOUR)) {
        const HeadScores z = scores_ranking(dev, p->m, p->w, HEAD_BEHAVIOUR, &p->rows);
        return pass_log_policy(dev, p, &z, 1.0f);
    }
    const Tensor out = SCRATCH(dev, F32, p->in->tokens);
    elementwise_log(dev, out, p->in->propensity);
    return out;
}

Tensor pass_log_ratio(Device *dev, const AgentPass *p, Tensor log_policy)
{
    const Tensor ratio = SCRATCH(dev, F32, p->in->tokens);
    const size_t mark = scratch_mark(dev);
    elementwise_copy(dev, ratio, log_policy);
    elementwise_axpy(dev, ratio, -1.0f, log_behaviour(dev, p));
    scratch_release(dev, mark);
    return ratio;
}

ReturnsInput pass_transitions(const AgentPass *p, Tensor value, Tensor next_value)
{
    return (ReturnsInput){.reward = p->reward,
                          .end = p->in->end,
                          .value = value,
                          .next_value = next_value,
                          .cu_seqlens = p->in->cu_seqlens};
}
