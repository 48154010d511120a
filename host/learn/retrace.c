/* Retrace(lambda) (Munos et al. 2016) for the softmax policy over the target network's values. The behaviour
 * policy is estimated: it is the policy head, which learns by cross-entropy what the log does. */
#include "catalogue.h"
#include "elementwise.h"
#include "learn/heads.h"

/* log softmax(z / temperature) at the logged actions: += sign times it. */
static void add_log_probability(Device *dev, const AgentPass *p, Tensor sum, float sign,
                                const ActionValues *z, Tensor logsumexp, float temperature)
{
    Tensor score = SCRATCH(dev, F32, p->in->tokens);
    catalogue_score(dev, score, z->u, &z->items, z->bias, p->in->target);
    elementwise_axpy(dev, sum, sign / temperature, score);
    elementwise_axpy(dev, sum, -sign, logsumexp);
}

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const int64_t tokens = p->in->tokens;
    const float temperature = p->options->temperature;
    const ActionValues q = online_values(dev, p), lagged = target_values(dev, p);
    const ActionValues behaviour = policy_scores(dev, p);
    Tensor logged = SCRATCH(dev, F32, tokens), next = SCRATCH(dev, F32, tokens);
    Tensor logsumexp = SCRATCH(dev, F32, tokens), ratio = SCRATCH(dev, F32, tokens);
    elementwise_fill(dev, ratio, 0.0f);
    catalogue_stats(dev, (CatalogueStats){.logsumexp = logsumexp, .expectation = next}, lagged.u,
                    &lagged.items, lagged.bias, temperature);
    elementwise_add(dev, next, lagged.state);
    add_log_probability(dev, p, ratio, 1.0f, &lagged, logsumexp, temperature);
    catalogue_stats(dev, (CatalogueStats){.logsumexp = logsumexp}, behaviour.u, &behaviour.items,
                    behaviour.bias, 1.0f);
    add_log_probability(dev, p, ratio, -1.0f, &behaviour, logsumexp, 1.0f);
    values_of(dev, &lagged, logged, p->in->target);
    const TraceValues of = {.logged = logged, .next = next, .log_ratio = ratio};
    agent_cross_entropy.backward(dev, p);
    trace_loss(dev, p, &q, of, true);
    scratch_release(dev, mark);
}

const Agent agent_retrace = {
    .name = "retrace",
    .help =
        "cross_entropy, and Q by Retrace(learn.lambda) for softmax(Q / T), corrected by the former",
    .trains = TRAINS_POLICY | TRAINS_Q,
    .imitates = true,
    .target = true,
    .backward = backward,
};
