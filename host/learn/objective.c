/* SPDX-License-Identifier: Apache-2.0 */
#include "learn/objective.h"

#include <string.h>

#include "base/help.h"
#include "base/nearest.h"
#include "elementwise.h"
#include "learn/agents.h"
#include "learn/losses.h"
#include "losses/loss.h"

/* ---- Which terms ----------------------------------------------------------------------------- */

static Status add_term(Objective *o, const Agent *agent, const char *terms)
{
    for (int i = 0; i < o->terms; i++) {
        char heads[HEADS_LIST_MAX];
        if (!(o->term[i]->trains & agent->trains)) continue;
        heads_list(heads, o->term[i]->trains & agent->trains, " and ");
        return FAIL(ERR_USAGE,
                    "learn.objective = \"%s\": %s and %s both train %s; want agents that train "
                    "different heads",
                    terms, o->term[i]->name, agent->name, heads);
    }
    o->term[o->terms++] = agent;
    o->trains |= agent->trains;
    o->target |= agent->target;
    o->guesses |= agent->guesses;
    o->needs_propensities |= agent->needs_propensities;
    o->changes_per_step |= agent->changes_per_step;
    return OK;
}

/* The sum does not depend on the order in which the terms were written. */
static void sort_terms(Objective *o)
{
    for (int i = 0, sorted = 0; agents[i]; i++)
        for (int k = sorted; k < o->terms; k++)
            if (o->term[k] == agents[i]) {
                o->term[k] = o->term[sorted];
                o->term[sorted++] = agents[i];
            }
}

/* Whether there is a Q of items beside a policy that imitates. */
static bool weighs_q(const Objective *o)
{
    bool imitates = false, q = false;
    for (int i = 0; i < o->terms; i++) {
        imitates |= o->term[i]->imitates;
        q |= (o->term[i]->trains & HEAD_BIT(HEAD_Q)) && !o->term[i]->control;
    }
    return imitates && q;
}

static Status no_such_agent(const char *terms, const char *name)
{
    Nearest near = nearest_to(name);
    for (int i = 0; agents[i]; i++) nearest_offer(&near, agents[i]->name);
    return FAIL(ERR_USAGE,
                "learn.objective = \"%s\": there is no agent \"%s\"%s; want agents joined by + "
                "(souk train --help lists them)",
                terms, name, nearest_hint(&near));
}

Status objective_parse(Objective *o, const char *terms)
{
    char copy[512], *rest = copy;
    *o = (Objective){.options = o->options};
    snprintf(copy, sizeof copy, "%s", terms);
    for (char *term; (term = strsep(&rest, "+"));) {
        const Agent *agent = agents_find(term);
        if (!agent) return no_such_agent(terms, term);
        TRY(add_term(o, agent, terms));
    }
    sort_terms(o);
    o->second_q = weighs_q(o);
    if (o->options.action_weight > 0.0f) o->trains |= HEAD_BIT(HEAD_NEXT_ACTION);
    if (o->options.outcome > 0.0f) o->trains |= HEAD_BIT(HEAD_OUTCOME);
    return OK;
}

Status objective_check(const Objective *o, const char *terms)
{
    bool q = false, single_backups = true;
    for (int i = 0; i < o->terms; i++)
        if (o->term[i]->trains & HEAD_BIT(HEAD_Q))
            q = true, single_backups &= o->term[i]->single_backups;
    if (!o->options.log_values) return OK;
    if (o->options.huber > 0.0f)
        return FAIL(ERR_USAGE,
                    "learn.huber = %g is a threshold of squared errors; with learn.log_values = 1 "
                    "want 0",
                    (double)o->options.huber);
    if (q && single_backups) return OK;
    char names[256] = "";
    for (int i = 0; agents[i]; i++)
        if (agents[i]->single_backups)
            snprintf(names + strlen(names), sizeof names - strlen(names), "%s%s",
                     *names ? ", " : "", agents[i]->name);
    return FAIL(ERR_USAGE,
                "learn.objective = \"%s\" with learn.log_values = 1: want one of the agents %s",
                terms, names);
}

void objective_help(FILE *out)
{
    for (int i = 0; agents[i]; i++) help_row(out, HELP_COLUMN, agents[i]->name, agents[i]->help);
}

/* ---- All terms ------------------------------------------------------------------------------- */

static Tensor scaled_rewards(Device *dev, const ModelInput *in, float scale)
{
    if (scale == 1.0f) return in->reward;
    const Tensor reward = SCRATCH(dev, F32, in->tokens);
    elementwise_fill(dev, reward, 0.0f);
    elementwise_axpy(dev, reward, scale, in->reward);
    return reward;
}

void objective_backward(Device *dev, const Objective *o, AgentPass pass)
{
    const size_t mark = scratch_mark(dev);
    pass.options = &o->options;
    pass.reward = scaled_rewards(dev, pass.in, o->options.reward_scale);
    pass.share = SCRATCH(dev, F32, pass.in->tokens);
    losses_mean(dev, &pass, pass.share, pass.in->target, SUM_TARGETS, 1.0);
    elementwise_fill(dev, pass.dh, 0.0f);
    for (int i = 0; i < o->terms; i++) o->term[i]->backward(dev, &pass);
    if (model_has(pass.m, HEAD_NEXT_ACTION)) losses_next_action(dev, &pass);
    if (model_has(pass.m, HEAD_OUTCOME)) losses_outcome(dev, &pass);
    scratch_release(dev, mark);
}

/* ---- Losses ---------------------------------------------------------------------------------- */

const char *const objective_loss_name[LOSSES] = {
    [LOSS_CROSS_ENTROPY] = "cross_entropy",
    [LOSS_POLICY] = "policy",
    [LOSS_TD] = "td",
    [LOSS_NEXT_ACTION] = "next_action",
    [LOSS_CONSERVATIVE] = "conservative",
    [LOSS_NEGATIVES] = "negatives",
    [LOSS_CRITIC] = "value", /* V, the value of the state; metrics and golden files use this name */
    [LOSS_BEHAVIOUR] = "behaviour",
    [LOSS_ENTROPY] = "entropy",
    [LOSS_OUTCOME] = "outcome",
};

Losses objective_losses(const Objective *o, const double sum[SUMS])
{
    const AgentOptions *w = &o->options;
    const float weight[LOSSES] = {
        [LOSS_CROSS_ENTROPY] = 1.0f,      [LOSS_POLICY] = 1.0f,
        [LOSS_TD] = w->td_weight,         [LOSS_NEXT_ACTION] = w->action_weight,
        [LOSS_CONSERVATIVE] = w->alpha,   [LOSS_NEGATIVES] = w->td_weight * w->negatives,
        [LOSS_CRITIC] = w->critic_weight, [LOSS_BEHAVIOUR] = 1.0f,
        [LOSS_ENTROPY] = -w->entropy,     [LOSS_OUTCOME] = w->outcome,
    };
    Losses l = {.targets = (int64_t)sum[SUM_TARGETS],
                .taken = (int64_t)sum[SUM_TAKEN],
                .backups = (int64_t)sum[SUM_BACKUPS]};
    for (int i = 0; i < LOSSES; i++) {
        if (weight[i] == 0.0f) continue;
        l.mean[i] = sum[SUM_LOSS + i] / weight[i];
        l.total += weight[i] * l.mean[i];
    }
    return l;
}
