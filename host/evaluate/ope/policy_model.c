/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/policy_model.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "base/arena.h"
#include "elementwise.h"
#include "infer/acting.h"

typedef struct {
    const OpeModelPolicy *policy;
    const OpeLog *log;
    const OpeQuestion *question; /* NULL: only the probabilities of the items shown are wanted */
    const OpeAnswer *answer;
    ActingRule rule;
    LogEvents events;
    Device *dev;
    int64_t items;
    int32_t *item; /* [count of the batch] */
    /* For greedy choices with a question: */
    double *any;    /* [folds] sum of epsilon / n over the decisions of the fold */
    double *worths; /* [folds] sum of the worths of all items */
    /* For a softmax with a question, on the device: */
    Arena arena;
    Tensor worth;  /* [items, folds] */
    Tensor excess; /* [folds, items] sum over the fold's decisions of pi(a | x_i) - [a = item[i]] */
} Asked;

/* The scores of a batch, by which the policy chooses, and the items shown. For a softmax the scores
 * are divided by its temperature, in f32. */
typedef struct {
    HeadScores z;
    Tensor shown;
} PolicyScores;

static Status scores_of(Asked *a, const StateBatch *batch, PolicyScores *out)
{
    const OpeModelPolicy *p = a->policy;
    HeadScores z;
    TRY(acting_exclude_before(p->session, &a->events, batch, a->rule.exclude_last));
    TRY(acting_scores(p->session, &a->rule, &batch->rows, a->rule.exclude_last > 0, &z));
    for (int64_t i = 0; i < batch->count; i++) a->item[i] = a->log->item[batch->index[i]];
    *out =
        (PolicyScores){.z = p->epsilon < 0.0 ? scores_cooled(a->dev, &z, (float)p->temperature) : z,
                       .shown = scratch_copy(a->dev, a->item, I32, batch->count)};
    return a->dev->status;
}

/* ---- Softmax --------------------------------------------------------------------------------- */

static Status softmax_chosen(const Asked *a, const StateBatch *batch, const PolicyScores *s)
{
    Device *dev = a->dev;
    const Tensor score = SCRATCH(dev, F32, batch->count),
                 logsumexp = SCRATCH(dev, F32, batch->count);
    scores_at(dev, &s->z, score, s->shown);
    scores_stats(dev, &s->z, (CatalogueStats){.logsumexp = logsumexp}, 1.0f);
    float *z = device_read(dev, score.data, tensor_bytes(score));
    float *l = device_read(dev, logsumexp.data, tensor_bytes(logsumexp));
    const Status st = z && l ? device_sync(dev) : ERR_MEMORY;
    for (int64_t i = 0; i < batch->count && st == OK; i++)
        a->answer->chosen[batch->index[i]] = exp((double)z[i] - (double)l[i]);
    device_read_done(dev, z);
    device_read_done(dev, l);
    return st;
}

/* The worth of an item is <q, worth[a]> with the unit vector q of the decision's fold. */
static Status softmax_means(const Asked *a, const StateBatch *batch, const PolicyScores *s)
{
    const int64_t count = batch->count, folds = a->question->folds;
    float *pick = calloc((size_t)(count * folds), sizeof *pick);
    if (!pick) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " decisions", count);
    for (int64_t i = 0; i < count; i++) pick[i * folds + a->question->fold[batch->index[i]]] = 1.0f;
    const Tensor q = SCRATCH(a->dev, F32, count, folds), mean = SCRATCH(a->dev, F32, count);
    device_copy_in(a->dev, q.data, pick, tensor_bytes(q));
    const HeadScores worth = {.u = q, .items = {.id = a->worth}};
    scores_expected(a->dev, &s->z, &worth, mean, 1.0f);
    device_copy_out(a->dev, pick, mean.data, tensor_bytes(mean));
    const Status st = device_sync(a->dev);
    for (int64_t i = 0; i < count; i++) a->answer->mean[batch->index[i]] = (double)pick[i];
    free(pick);
    return st;
}

/* Adds to `excess` the gradient of the softmax cross-entropy at the items shown with respect to the
 * bias: it is pi(a | x_i) - [a = item[i]], summed over the decisions of a fold. */
static void softmax_masses(const Asked *a, const StateBatch *batch, const PolicyScores *s)
{
    Device *dev = a->dev;
    const int64_t count = batch->count;
    const Tensor weight = SCRATCH(dev, F32, count);
    const Tensor du = scratch_tensor(dev, F32, 2, s->z.u.dim);
    elementwise_fill(dev, weight, 1.0f);
    for (int k = 0; k < a->question->folds; k++) {
        for (int64_t i = 0; i < count; i++) {
            const int64_t at = batch->index[i];
            a->item[i] = a->question->fold[at] == k ? a->log->item[at] : -1;
        }
        const Tensor of_fold = TENSOR(f32(a->excess) + k * a->items, F32, a->items);
        scores_minus_items(dev, &s->z, scratch_copy(dev, a->item, I32, count), weight, du, of_fold);
    }
}

static Status ask_softmax(void *context, const StateBatch *batch)
{
    Asked *a = context;
    PolicyScores s;
    TRY(scores_of(a, batch, &s));
    TRY(softmax_chosen(a, batch, &s));
    if (!a->question) return OK;
    TRY(softmax_means(a, batch, &s));
    softmax_masses(a, batch, &s);
    return a->dev->status;
}

/* ---- The best item, or any ------------------------------------------------------------------- */

/* The excluded items of decision i of the batch. */
static const int32_t *excluded_items(const Asked *a, int64_t i, int64_t *count)
{
    const Exclude *e = &a->policy->session->memory.exclude;
    *count = e->rows ? e->offset[i + 1] - e->offset[i] : 0;
    return *count ? e->item + e->offset[i] : NULL;
}

static bool in_list(const int32_t *list, int64_t count, int32_t item)
{
    int64_t low = 0, high = count;
    while (low < high) {
        const int64_t middle = (low + high) / 2;
        if (list[middle] < item)
            low = middle + 1;
        else
            high = middle;
    }
    return low < count && list[low] == item;
}

/* Whether no use of the model may choose the item. */
static bool is_shut(const Asked *a, int32_t item)
{
    const Model *m = a->policy->session->model;
    return in_list(m->shut, m->shuts, item);
}

static void answer_greedy(const Asked *a, int64_t i, int64_t at, int32_t best)
{
    const Session *s = a->policy->session;
    const double most = 1.0 - a->policy->epsilon;
    int64_t left;
    const int32_t *out = excluded_items(a, i, &left);
    const double any =
        a->policy->epsilon /
        (double)exclude_left(&s->memory.exclude, i, s->model->shut, s->model->shuts, a->items);
    const bool shown = !in_list(out, left, a->item[i]) && !is_shut(a, a->item[i]);
    a->answer->chosen[at] = (shown ? any : 0.0) + (best == a->item[i] ? most : 0.0);
    if (!a->question) return;
    const int k = a->question->fold[at];
    const double *worth = a->question->worth + k * a->items;
    double *mass = a->answer->mass + k * a->items;
    a->answer->mean[at] = most * worth[best] + any * a->worths[k];
    mass[best] += most;
    a->any[k] += any;
    for (int64_t j = 0; j < left; j++) {
        if (is_shut(a, out[j])) continue;
        a->answer->mean[at] -= any * worth[out[j]];
        mass[out[j]] -= any;
    }
}

static Status ask_greedy(void *context, const StateBatch *batch)
{
    Asked *a = context;
    PolicyScores s;
    TRY(scores_of(a, batch, &s));
    const Tensor argmax = SCRATCH(a->dev, I32, batch->count);
    scores_stats(a->dev, &s.z, (CatalogueStats){.argmax = argmax}, 1.0f);
    int32_t *best = device_read(a->dev, argmax.data, tensor_bytes(argmax));
    const Status st = best ? device_sync(a->dev) : ERR_MEMORY;
    for (int64_t i = 0; i < batch->count && st == OK; i++)
        answer_greedy(a, i, batch->index[i], best[i]);
    device_read_done(a->dev, best);
    return st;
}

static Status open_any(Asked *a)
{
    const int64_t folds = a->question->folds;
    a->any = calloc((size_t)folds, sizeof *a->any);
    a->worths = calloc((size_t)folds, sizeof *a->worths);
    if (!a->any || !a->worths) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " folds", folds);
    for (int64_t k = 0; k < folds; k++)
        for (int32_t j = 0; j < a->items; j++)
            if (!is_shut(a, j)) a->worths[k] += a->question->worth[k * a->items + j];
    return OK;
}

/* Adds the part epsilon / n, which every item that may be chosen has in every decision that does
 * not exclude it. */
static void spread_any(const Asked *a)
{
    for (int k = 0; k < a->question->folds; k++)
        for (int32_t j = 0; j < a->items; j++)
            if (!is_shut(a, j)) a->answer->mass[k * a->items + j] += a->any[k];
}

/* ---- The answer ------------------------------------------------------------------------------ */

/* Allocates on the device what a softmax needs for a question, and copies the worths. */
static Status open_distribution(Asked *a)
{
    const int64_t folds = a->question->folds, items = a->items;
    Status st;
    float *worth = malloc((size_t)(folds * items) * sizeof *worth);
    if (!worth) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", items);
    for (int pass = 0; pass < 2; pass++) {
        a->worth = ARENA(&a->arena, F32, items, folds);
        a->excess = ARENA(&a->arena, F32, folds, items);
        if (pass == 0) TRY_OR_FAIL(st, arena_open(&a->arena, a->dev, "off-policy evaluation"));
    }
    for (int64_t k = 0; k < folds; k++)
        for (int64_t j = 0; j < items; j++)
            worth[j * folds + k] = (float)a->question->worth[k * items + j];
    device_copy_in(a->dev, a->worth.data, worth, tensor_bytes(a->worth));
    st = device_sync(a->dev);
fail:
    free(worth);
    return st;
}

/* mass = excess + the items shown */
static Status read_masses(const Asked *a)
{
    float *excess = device_read(a->dev, a->excess.data, tensor_bytes(a->excess));
    const Status st = excess ? device_sync(a->dev) : ERR_MEMORY;
    if (st == OK) {
        for (int64_t j = 0; j < a->question->folds * a->items; j++)
            a->answer->mass[j] = (double)excess[j];
        for (int64_t i = 0; i < a->log->count; i++)
            a->answer->mass[a->question->fold[i] * a->items + a->log->item[i]] += 1.0;
    }
    device_read_done(a->dev, excess);
    return st;
}

static Status ask(void *context, const StateBatch *batch)
{
    const Asked *a = context;
    const int64_t most = acting_rows(a->policy->session, &a->rule, a->rule.exclude_last > 0);
    const StateSink sink = {a->policy->epsilon >= 0.0 ? ask_greedy : ask_softmax, context};
    return states_in_parts(a->policy->session, batch, most, sink);
}

static Status answer_model(const OpePolicy *self, const OpeLog *log, const OpeQuestion *question,
                           const OpeAnswer *answer)
{
    const OpeModelPolicy *p = self->state;
    const bool greedy = p->epsilon >= 0.0;
    Asked a = {.policy = p,
               .log = log,
               .question = answer->mean ? question : NULL,
               .answer = answer,
               .rule = session_acting(p->session),
               .events = {.users = log->users,
                          .user = log->user,
                          .first = log->first,
                          .event = log->event},
               .dev = p->session->dev,
               .items = log->items,
               .item = malloc(((size_t)log->count + 1) * sizeof *a.item)};
    if (!a.item) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " decisions", log->count);
    Status st = OK;
    for (int64_t u = 0; u < log->users; u++)
        for (int64_t i = log->first[u]; i < log->stated[u]; i++)
            answer->chosen[i] = (double)log->propensity[i];
    if (a.question) TRY_OR_FAIL(st, greedy ? open_any(&a) : open_distribution(&a));
    TRY_OR_FAIL(st,
                states_before(p->session, &a.events, "policy", p->listener, (StateSink){ask, &a}));
    if (a.question && greedy) spread_any(&a);
    if (a.question && !greedy) TRY_OR_FAIL(st, read_masses(&a));
fail:
    arena_close(&a.arena);
    free(a.any);
    free(a.worths);
    free(a.item);
    return st;
}

OpePolicy ope_policy_model(const OpeModelPolicy *p)
{
    const ActingRule rule = session_acting(p->session);
    const bool states = acting_is_linear(p->session, &rule) && rule.exclude_last == 0;
    return (OpePolicy){.name = "model",
                       .history = true,
                       .distribution = true,
                       .fitted = true,
                       .model = states ? p : NULL,
                       .state = (void *)p,
                       .answer = answer_model};
}
