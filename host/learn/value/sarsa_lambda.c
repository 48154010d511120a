/* SPDX-License-Identifier: Apache-2.0 */
/* SARSA(lambda) (Sutton and Barto 2018, 12.7) in its forward view: Q learns the values of the
 * policy that made the log from lambda-returns. */
#include "learn/losses.h"

static void backward(Device *dev, const AgentPass *p)
{
    const size_t mark = scratch_mark(dev);
    const HeadScores q = pass_online_q(dev, p), target = pass_target_q(dev, p);
    Tensor logged = SCRATCH(dev, F32, p->in->tokens);
    scores_at(dev, &target, logged, p->in->target);
    const TraceValues of = {.logged = logged, .next = logged};
    losses_td_traces(dev, p, &q, of, false); /* a window's last token has no logged action */
    scratch_release(dev, mark);
}

const Agent sarsa_lambda_agent = {
    .name = "sarsa_lambda",
    .help = "Q backs up lambda-returns of the logged rewards and values (learn.lambda)",
    .trains = HEAD_BIT(HEAD_Q),
    .target = true,
    .guesses = true,
    .single_backups = true,
    .backward = backward,
};
