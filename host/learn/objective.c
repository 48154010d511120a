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

/* weight / count at rows with a target, 0 elsewhere. */
static Tensor mean_weights(Device *dev, Tensor target, double weight, int64_t count)
{
    Tensor w = SCRATCH(dev, F32, target.dim[0]);
    for (int64_t i = 0; i < target.dim[0]; i++)
        f32(w)[i] = i32(target)[i] < 0 ? 0.0f : (float)(weight / (double)count);
    return w;
}

static double policy_loss(Device *dev, const Model *m, Weights w, Weights grad, Tensor dh, Tensor h,
                          const ModelInput *in, int64_t count)
{
    const ItemTable items = model_items(m, w);
    const int64_t dim = m->shape.dim;
    const size_t mark = scratch_mark(dev);
    Tensor u = SCRATCH(dev, F32, in->tokens, dim), du = SCRATCH(dev, F32, in->tokens, dim);
    Tensor loss = SCRATCH(dev, F32, in->tokens);
    gemm(dev, u, h, w[m->at.policy_weight], TIMES_TRANSPOSED);
    catalogue_cross_entropy(dev, loss, du, grad[m->at.item_id], grad[m->at.policy_bias], u, &items,
                            w[m->at.policy_bias], in->target,
                            mean_weights(dev, in->target, 1.0, count));
    gemm(dev, grad[m->at.policy_weight], du, h, ADD_TRANSPOSED);
    gemm(dev, dh, du, w[m->at.policy_weight], ADD);
    const double mean = weighted_sum(dev, loss);
    scratch_release(dev, mark);
    return mean;
}

/* The kinds of events are a small catalogue of their own. */
static double next_action_loss(Device *dev, const Model *m, Weights w, Weights grad, float weight,
                               Tensor dh, Tensor h, const ModelInput *in, int64_t count)
{
    const ItemTable actions = {.id = w[m->at.next_weight]};
    const size_t mark = scratch_mark(dev);
    Tensor du = SCRATCH(dev, F32, in->tokens, m->shape.dim), loss = SCRATCH(dev, F32, in->tokens);
    Tensor target = SCRATCH(dev, I32, in->tokens);
    for (int64_t i = 0; i < in->tokens; i++)
        i32(target)[i] = i32(in->target)[i] < 0 ? -1 : i32(in->target_action)[i];
    catalogue_cross_entropy(dev, loss, du, grad[m->at.next_weight], grad[m->at.next_bias], h,
                            &actions, w[m->at.next_bias], target,
                            mean_weights(dev, target, weight, count));
    elementwise_add(dev, dh, du);
    const double mean = weighted_sum(dev, loss) / weight;
    scratch_release(dev, mark);
    return mean;
}

/* ---- Temporal differences ------------------------------------------------------------------------ */

/* value[i] = value.weight . h_i + value.bias, in scratch. */
static Tensor state_values(Device *dev, const Model *m, Weights w, Tensor h)
{
    Tensor v = SCRATCH(dev, F32, h.dim[0], 1);
    gemm(dev, v, h, w[m->at.value_weight], TIMES_TRANSPOSED);
    const float bias = f32(w[m->at.value_bias])[0];
    for (int64_t i = 0; i < h.dim[0]; i++) f32(v)[i] += bias;
    return TENSOR(v.data, F32, h.dim[0]);
}

/* Advantages enter the catalogue head as <q.weight h, E> + q.bias. */
static Tensor advantage_queries(Device *dev, const Model *m, Weights w, Tensor h)
{
    Tensor u = SCRATCH(dev, F32, h.dim[0], m->shape.dim);
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
    Tensor du = SCRATCH(dev, F32, tokens, m->shape.dim), column = dq;
    column.rank = 2;
    column.dim[1] = 1;
    catalogue_score_backward(dev, du, grad[m->at.item_id], grad[m->at.q_bias], dq, u, &items,
                             in->target);
    gemm(dev, grad[m->at.q_weight], du, h, ADD_TRANSPOSED);
    gemm(dev, dh, du, w[m->at.q_weight], ADD);
    gemm(dev, grad[m->at.value_weight], column, h, ADD_TRANSPOSED);
    gemm(dev, dh, column, w[m->at.value_weight], ADD);
    f32(grad[m->at.value_bias])[0] += (float)weighted_sum(dev, dq);
    scratch_release(dev, mark);
}

static double td_term(Device *dev, const Objective *o, const Model *m, Weights w, Weights grad,
                      Tensor dh, Tensor h, Weights target, Tensor target_h, const ModelInput *in,
                      int64_t *backups_out)
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
    const int64_t count = (int64_t)weighted_sum(dev, weight);
    *backups_out = count;
    const float share = count ? o->td_weight / (float)count : 0.0f;
    for (int64_t i = 0; i < tokens; i++) f32(weight)[i] *= share;

    catalogue_score(dev, q, u, &items, w[m->at.q_bias], in->target);
    elementwise_add(dev, q, state_values(dev, m, w, h));
    td_loss(dev, loss, dq, q, y, weight, o->huber);
    td_backward(dev, m, w, grad, dh, h, u, dq, in);
    const double mean = o->td_weight > 0.0f ? weighted_sum(dev, loss) / o->td_weight : 0.0;
    scratch_release(dev, mark);
    return mean;
}

/* ---- All terms ------------------------------------------------------------------------------------ */

Losses objective_backward(Device *dev, const Objective *o, const Model *m, Weights w, Weights grad,
                          Tensor dh, Tensor h, Weights target, Tensor target_h,
                          const ModelInput *in)
{
    Losses l = {0};
    for (int64_t i = 0; i < in->tokens; i++) l.targets += i32(in->target)[i] >= 0;
    elementwise_fill(dev, dh, 0.0f);
    if (l.targets == 0) return l;
    if (o->cross_entropy) l.cross_entropy = policy_loss(dev, m, w, grad, dh, h, in, l.targets);
    if (o->backup != BACKUP_NONE)
        l.td = td_term(dev, o, m, w, grad, dh, h, target, target_h, in, &l.backups);
    if (m->shape.next_action)
        l.next_action = next_action_loss(dev, m, w, grad, o->action_weight, dh, h, in, l.targets);
    l.total = l.cross_entropy + o->td_weight * l.td + o->action_weight * l.next_action;
    return l;
}
