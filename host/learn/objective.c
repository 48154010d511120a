#include "learn/objective.h"

#include <string.h>

#include "catalogue.h"
#include "elementwise.h"
#include "loss.h"

/* ---- Which terms ----------------------------------------------------------------------------------- */

static Status add_term(Objective *o, bool *chosen, const char *term, const char *terms)
{
    for (int i = 0; agents[i]; i++) {
        if (strcmp(term, agents[i]->name) != 0 || o->trains & agents[i]->trains) continue;
        chosen[i] = true;
        o->trains |= agents[i]->trains;
        o->target |= agents[i]->target;
        o->varies |= agents[i]->varies;
        return OK;
    }
    return FAIL(ERR_USAGE,
                "learn.objective = \"%s\": \"%s\" is unknown or one too many; want agents joined "
                "by +, of which no two train the same head (souk train --help lists them)",
                terms, term);
}

Status objective_parse(Objective *o, const char *terms)
{
    char copy[512], *rest = copy;
    bool chosen[64] = {false};
    o->terms = 0;
    o->trains = 0;
    o->target = o->varies = false;
    snprintf(copy, sizeof copy, "%s", terms);
    for (char *term; (term = strsep(&rest, "+"));) TRY(add_term(o, chosen, term, terms));
    for (int i = 0; agents[i]; i++)
        if (chosen[i]) o->term[o->terms++] = agents[i];
    return OK;
}

void objective_help(FILE *out)
{
    for (int i = 0; agents[i]; i++) fprintf(out, "  %-32s %s\n", agents[i]->name, agents[i]->help);
}

/* ---- All terms ------------------------------------------------------------------------------------- */

/* The kinds of events are a small catalogue of their own. */
static void next_action_loss(Device *dev, const AgentPass *p)
{
    const ModelParams *at = &p->m->at;
    const ItemTable actions = {.id = p->w[at->next_weight]};
    const int64_t tokens = p->in->tokens;
    const size_t mark = scratch_mark(dev);
    Tensor du = SCRATCH(dev, p->h.dtype, tokens, p->m->shape.dim), loss = SCRATCH(dev, F32, tokens);
    Tensor target = SCRATCH(dev, I32, tokens), weight = SCRATCH(dev, F32, tokens);
    mask_targets(dev, target, p->in->target, p->in->target_action);
    mean_weights(dev, weight, sum_at(p->sums, SUM_TARGETS), target, p->options->action_weight);
    catalogue_cross_entropy(dev, loss, du, p->grad[at->next_weight], p->grad[at->next_bias], p->h,
                            &actions, p->w[at->next_bias], target, weight);
    elementwise_add(dev, p->dh, du);
    weighted_sum(dev, sum_at(p->sums, SUM_NEXT_ACTION), loss);
    scratch_release(dev, mark);
}

void objective_backward(Device *dev, const Objective *o, AgentPass pass)
{
    const size_t mark = scratch_mark(dev);
    pass.options = &o->options;
    pass.share = SCRATCH(dev, F32, pass.in->tokens);
    mean_weights(dev, pass.share, sum_at(pass.sums, SUM_TARGETS), pass.in->target, 1.0);
    elementwise_fill(dev, pass.dh, 0.0f);
    for (int i = 0; i < o->terms; i++) o->term[i]->backward(dev, &pass);
    if (pass.m->shape.next_action) next_action_loss(dev, &pass);
    scratch_release(dev, mark);
}

Losses objective_losses(const Objective *o, const Model *m, const double sum[SUMS])
{
    const AgentOptions *w = &o->options;
    Losses l = {.targets = (int64_t)sum[SUM_TARGETS]};
    if (o->trains & TRAINS_POLICY) l.cross_entropy = sum[SUM_CROSS_ENTROPY];
    if (o->trains & TRAINS_Q) l.backups = (int64_t)sum[SUM_BACKUPS];
    if (o->trains & TRAINS_Q && w->td_weight > 0.0f) l.td = sum[SUM_TD] / w->td_weight;
    if (m->shape.next_action) l.next_action = sum[SUM_NEXT_ACTION] / w->action_weight;
    if (w->alpha > 0.0f) l.conservative = sum[SUM_CONSERVATIVE] / w->alpha;
    l.total = l.cross_entropy + w->td_weight * l.td + w->action_weight * l.next_action +
              w->alpha * l.conservative;
    return l;
}
