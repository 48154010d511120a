/* SPDX-License-Identifier: Apache-2.0 */
/* Expected SARSA (van Seijen et al. 2009) for the softmax policy over the target network's
 * values. */
#include "catalogue/catalogue.h"
#include "elementwise.h"
#include "learn/losses.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p), target = pass_target_q(dev, p);
    Tensor next = SCRATCH(dev, F32, p->in->tokens);
    scores_stats(dev, &target, (CatalogueStats){.expectation = next}, p->options->temperature);
    elementwise_add(dev, next, target.state);
    losses_td_steps(dev, p, &q, next, true);
    scratch_release(dev, mark);
}

const Agent expected_sarsa_agent = {
    .name = "expected_sarsa",
    .help = "Q backs up the mean value under softmax(Q / learn.temperature)",
    .trains = HEAD_BIT(HEAD_Q),
    .target = true,
    .guesses = true,
    .backward = backward,
};
