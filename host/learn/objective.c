#include "learn/objective.h"

#include <stdio.h>
#include <string.h>

#include "catalogue.h"
#include "elementwise.h"
#include "gemm.h"
#include "loss.h"
#include "td.h"

static const GemmOptions TIMES_TRANSPOSED = {.trans_b = true};
static const GemmOptions ADD_TRANSPOSED = {.trans_a = true, .accumulate = true};
static const GemmOptions ADD = {.accumulate = true};

static const struct {
    const char *name;
    Backup backup;
} backups[] = {
    {"q_learning", BACKUP_Q},
    {"double_q", BACKUP_DOUBLE_Q},
    {"sarsa", BACKUP_SARSA},
    {"expected_sarsa", BACKUP_EXPECTED_SARSA},
};

static Status parse_term(Objective *o, const char *term, const char *terms)
{
    if (!strcmp(term, "cross_entropy") && !o->cross_entropy) return o->cross_entropy = true, OK;
    for (size_t i = 0; i < sizeof backups / sizeof *backups; i++)
        if (!strcmp(term, backups[i].name) && o->backup == BACKUP_NONE)
            return o->backup = backups[i].backup, OK;
    return FAIL(
        ERR_USAGE,
        "learn.objective = \"%s\": \"%s\" is unknown or one too many; want cross_entropy, one "
        "of q_learning, double_q, sarsa, expected_sarsa, or both joined by +",
        terms, term);
}

Status objective_parse(Objective *o, const char *terms)
{
    char copy[512], *rest = copy;
    o->cross_entropy = false;
    o->backup = BACKUP_NONE;
    snprintf(copy, sizeof copy, "%s", terms);
    for (char *term; (term = strsep(&rest, "+"));) TRY(parse_term(o, term, terms));
    return OK;
}

/* ---- Cross-entropy over a table: the catalogue, or the kinds of events --------------------------- */

/* One of the f64 sums of a step, as the [1] that ops write. */
static Tensor sum_at(Tensor sums, int place) { return TENSOR((double *)sums.data + place, F64, 1); }

static void policy_loss(Device *dev, const Model *m, Weights w, Weights grad, Tensor dh, Tensor h,
                        const ModelInput *in, Tensor weight, Tensor sums)
{
    const ItemTable items = model_items(m, w);
    const int64_t dim = m->shape.dim;
    const size_t mark = scratch_mark(dev);
    Tensor u = SCRATCH(dev, h.dtype, in->tokens, dim), du = SCRATCH(dev, h.dtype, in->tokens, dim);
    Tensor loss = SCRATCH(dev, F32, in->tokens);
    gemm(dev, u, h, w[m->at.policy_weight], TIMES_TRANSPOSED);
    catalogue_cross_entropy(dev, loss, du, grad[m->at.item_id], grad[m->at.policy_bias], u, &items,
                            w[m->at.policy_bias], in->target, weight);
    gemm(dev, grad[m->at.policy_weight], du, h, ADD_TRANSPOSED);
    gemm(dev, dh, du, w[m->at.policy_weight], ADD);
    weighted_sum(dev, sum_at(sums, SUM_CROSS_ENTROPY), loss);
    scratch_release(dev, mark);
}

/* The kinds of events are a small catalogue of their own. */
static void next_action_loss(Device *dev, const Model *m, Weights w, Weights grad, float total,
                             Tensor dh, Tensor h, const ModelInput *in, Tensor sums)
{
    const ItemTable actions = {.id = w[m->at.next_weight]};
    const size_t mark = scratch_mark(dev);
    Tensor du = SCRATCH(dev, h.dtype, in->tokens, m->shape.dim),
           loss = SCRATCH(dev, F32, in->tokens);
    Tensor target = SCRATCH(dev, I32, in->tokens), weight = SCRATCH(dev, F32, in->tokens);
    mask_targets(dev, target, in->target, in->target_action);
    mean_weights(dev, weight, sum_at(sums, SUM_TARGETS), target, total);
    catalogue_cross_entropy(dev, loss, du, grad[m->at.next_weight], grad[m->at.next_bias], h,
                            &actions, w[m->at.next_bias], target, weight);
    elementwise_add(dev, dh, du);
    weighted_sum(dev, sum_at(sums, SUM_NEXT_ACTION), loss);
    scratch_release(dev, mark);
}

/* ---- Temporal differences ------------------------------------------------------------------------ */

/* value[i] = value.weight . h_i + value.bias, in scratch. */
static Tensor state_values(Device *dev, const Model *m, Weights w, Tensor h)
{
    Tensor v = SCRATCH(dev, F32, h.dim[0], 1);
    gemm(dev, v, h, w[m->at.value_weight], TIMES_TRANSPOSED);
    elementwise_shift(dev, v, w[m->at.value_bias]);
    return TENSOR(v.data, F32, h.dim[0]);
}

/* Advantages enter the catalogue head as <q.weight h, E> + q.bias. */
static Tensor advantage_queries(Device *dev, const Model *m, Weights w, Tensor h)
{
    Tensor u = SCRATCH(dev, h.dtype, h.dim[0], m->shape.dim);
    gemm(dev, u, h, w[m->at.q_weight], TIMES_TRANSPOSED);
    return u;
}

/* The backup value of every state, [tokens] in scratch. `u` are the online network's queries. */
static Tensor backup_values(Device *dev, const Objective *o, const Model *m, Weights w, Tensor u,
                            Weights target, Tensor target_h, const ModelInput *in)
{
    const ItemTable items = model_items(m, w), target_items = model_items(m, target);
    const Tensor q_bias = w[m->at.q_bias], target_bias = target[m->at.q_bias];
    Tensor value = state_values(dev, m, target, target_h), best = SCRATCH(dev, F32, in->tokens);
    Tensor chosen = SCRATCH(dev, I32, in->tokens);
    Tensor target_u = advantage_queries(dev, m, target, target_h);
    switch (o->backup) {
    case BACKUP_Q:
        catalogue_stats(dev, (CatalogueStats){.max = best}, target_u, &target_items, target_bias,
                        1);
        break;
    case BACKUP_EXPECTED_SARSA:
        catalogue_stats(dev, (CatalogueStats){.expectation = best}, target_u, &target_items,
                        target_bias, o->temperature);
        break;
    case BACKUP_DOUBLE_Q:
        catalogue_stats(dev, (CatalogueStats){.argmax = chosen}, u, &items, q_bias, 1);
        catalogue_score(dev, best, target_u, &target_items, target_bias, chosen);
        break;
    default: /* SARSA: the logged action */
        catalogue_score(dev, best, target_u, &target_items, target_bias, in->target);
    }
    elementwise_add(dev, value, best);
    return value;
}

/* dL/dQ at the logged actions goes to the state value, the advantage and the item vectors. */
static void td_backward(Device *dev, const Model *m, Weights w, Weights grad, Tensor dh, Tensor h,
                        Tensor u, Tensor dq, const ModelInput *in)
{
    const ItemTable items = model_items(m, w);
    const int64_t tokens = in->tokens;
    const size_t mark = scratch_mark(dev);
    Tensor du = SCRATCH(dev, h.dtype, tokens, m->shape.dim);
    const Tensor column = elementwise_cast(dev, TENSOR(dq.data, F32, tokens, 1), h.dtype);
    catalogue_score_backward(dev, du, grad[m->at.item_id], grad[m->at.q_bias], dq, u, &items,
                             in->target);
    gemm(dev, grad[m->at.q_weight], du, h, ADD_TRANSPOSED);
    gemm(dev, dh, du, w[m->at.q_weight], ADD);
    gemm(dev, grad[m->at.value_weight], column, h, ADD_TRANSPOSED);
    gemm(dev, dh, column, w[m->at.value_weight], ADD);
    weighted_sum_add(dev, grad[m->at.value_bias], dq);
    scratch_release(dev, mark);
}

static void td_term(Device *dev, const Objective *o, const Model *m, Weights w, Weights grad,
                    Tensor dh, Tensor h, Weights target, Tensor target_h, const ModelInput *in,
                    Tensor sums)
{
    const int64_t tokens = in->tokens;
    const ItemTable items = model_items(m, w);
    const size_t mark = scratch_mark(dev);
    Tensor u = advantage_queries(dev, m, w, h), q = SCRATCH(dev, F32, tokens);
    Tensor y = SCRATCH(dev, F32, tokens), weight = SCRATCH(dev, F32, tokens);
    Tensor loss = SCRATCH(dev, F32, tokens), dq = SCRATCH(dev, F32, tokens);

    Tensor next = backup_values(dev, o, m, w, u, target, target_h, in);
    td_targets(dev, y, weight, in->reward, in->end, next, in->cu_seqlens, o->gamma, o->n_step,
               o->backup != BACKUP_SARSA);
    share_weights(dev, weight, sum_at(sums, SUM_BACKUPS), o->td_weight);

    catalogue_score(dev, q, u, &items, w[m->at.q_bias], in->target);
    elementwise_add(dev, q, state_values(dev, m, w, h));
    td_loss(dev, loss, dq, q, y, weight, o->huber);
    td_backward(dev, m, w, grad, dh, h, u, dq, in);
    weighted_sum(dev, sum_at(sums, SUM_TD), loss);
    scratch_release(dev, mark);
}

/* ---- All terms ------------------------------------------------------------------------------------ */

void objective_backward(Device *dev, const Objective *o, const Model *m, Weights w, Weights grad,
                        Tensor dh, Tensor h, Weights target, Tensor target_h, const ModelInput *in,
                        Tensor sums)
{
    const size_t mark = scratch_mark(dev);
    Tensor weight = SCRATCH(dev, F32, in->tokens);
    mean_weights(dev, weight, sum_at(sums, SUM_TARGETS), in->target, 1.0);
    elementwise_fill(dev, dh, 0.0f);
    if (o->cross_entropy) policy_loss(dev, m, w, grad, dh, h, in, weight, sums);
    if (o->backup != BACKUP_NONE) td_term(dev, o, m, w, grad, dh, h, target, target_h, in, sums);
    if (m->shape.next_action) next_action_loss(dev, m, w, grad, o->action_weight, dh, h, in, sums);
    scratch_release(dev, mark);
}

Losses objective_losses(const Objective *o, const Model *m, const double sum[SUMS])
{
    Losses l = {.targets = (int64_t)sum[SUM_TARGETS], .backups = (int64_t)sum[SUM_BACKUPS]};
    if (o->cross_entropy) l.cross_entropy = sum[SUM_CROSS_ENTROPY];
    if (o->backup != BACKUP_NONE && o->td_weight > 0.0f) l.td = sum[SUM_TD] / o->td_weight;
    if (m->shape.next_action) l.next_action = sum[SUM_NEXT_ACTION] / o->action_weight;
    l.total = l.cross_entropy + o->td_weight * l.td + o->action_weight * l.next_action;
    return l;
}
