/* SPDX-License-Identifier: Apache-2.0 */
/* Retrace(lambda) (Munos et al. 2016) for the softmax policy over the target network's values. The
 * policy head estimates the behaviour policy: it learns by cross-entropy what the log does. */
#include "catalogue/catalogue.h"
#include "elementwise.h"
#include "learn/losses.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const int64_t tokens = p->in->tokens;
    const float temperature = p->options->temperature;
    const HeadScores q = pass_online_q(dev, p), target = pass_target_q(dev, p);
    const HeadScores behaviour = pass_online_policy(dev, p);
    Tensor logged = SCRATCH(dev, F32, tokens), next = SCRATCH(dev, F32, tokens);
    Tensor logsumexp = SCRATCH(dev, F32, tokens);
    scores_stats(dev, &target, (CatalogueStats){.logsumexp = logsumexp, .expectation = next},
                 temperature);
    elementwise_add(dev, next, target.state);
    const Tensor ratio = pass_log_policy_given(dev, p, &target, logsumexp, temperature);
    elementwise_axpy(dev, ratio, -1.0f, pass_log_policy(dev, p, &behaviour, 1.0f));
    scores_at(dev, &target, logged, p->in->target);
    const TraceValues of = {.logged = logged, .next = next, .log_ratio = ratio};
    losses_cross_entropy(dev, p, HEAD_POLICY, p->in->target, p->share, LOSS_CROSS_ENTROPY);
    losses_td_traces(dev, p, &q, of, true);
    scratch_release(dev, mark);
}

const Agent retrace_agent = {
    .name = "retrace",
    .help =
        "cross_entropy, and Q by Retrace(learn.lambda) for softmax(Q / T), corrected by the policy",
    .trains = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q),
    .imitates = true,
    .target = true,
    .guesses = true,
    .backward = backward,
};
