/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/act.h"

#include <inttypes.h>
#include <math.h>

#include "base/rng.h"
#include "infer/ranked.h"
#include "infer/states.h"
#include "model/scores.h"

/* Mixed into the seed, so that choices do not draw the random numbers that worlds draw. */
static const uint64_t ACT_KEY = UINT64_C(0x6163746F72000000);

typedef struct {
    Session *session;
    ActOptions options;
    const History *history; /* [count] */
    const int64_t *stream;
    int64_t step;
    int32_t *item; /* [count] */
    float *propensity;
} Acting;

Status act_check(const Session *s, const ActOptions *o)
{
    const Model *m = s->model;
    if (o->exclude_last >= m->shape.items)
        return FAIL(ERR_USAGE,
                    "exclude_last = %" PRId64 " could exclude every item: there are %" PRId64
                    ", want fewer events than items",
                    o->exclude_last, m->shape.items);
    const HeadSet wanted = HEAD_BIT(HEAD_POLICY) | HEAD_BIT(HEAD_Q);
    char list[HEADS_LIST_MAX];
    if (o->candidates == 0 || (m->shape.head_set & wanted) == wanted) return OK;
    heads_list(list, m->shape.head_set & wanted, " or ");
    return FAIL(ERR_USAGE,
                "candidates are ranked by the policy head and chosen by the q head: want a model "
                "with both, this one has only %s",
                list);
}

/* ---- Which items may be chosen --------------------------------------------------------------- */

/* For each history of the batch the items of its last events. */
static Status collect_excluded(Acting *a, const StateBatch *batch)
{
    Session *s = a->session;
    exclude_begin(&s->memory.exclude);
    TRY(session_reserve_items(s, a->options.exclude_last));
    for (int64_t i = 0; i < batch->count; i++) {
        const History *h = &a->history[batch->index[i]];
        const int64_t last = a->options.exclude_last, count = last < h->count ? last : h->count;
        TRY(history_items(h, s->file, count, s->memory.item));
        TRY(exclude_add(&s->memory.exclude, NULL, 0, s->memory.item, count));
    }
    return OK;
}

/* One of the items that may be chosen after history i of the batch, all equally likely; `among`
 * gets their number. */
static int32_t any_item(const Acting *a, int64_t i, uint32_t word, int64_t *among)
{
    const Exclude *e = &a->session->memory.exclude;
    const int64_t end = e->offset[i + 1], first = e->offset[i];
    *among = a->session->model->shape.items - (end - first);
    int32_t item = (int32_t)(word * (uint64_t)*among >> 32);
    for (int64_t k = first; k < end && e->item[k] <= item; k++) item++;
    return item;
}

/* ---- Choosing among all items ---------------------------------------------------------------- */

static Status softmax_choices(Acting *a, const StateBatch *batch, const HeadScores *z)
{
    Device *dev = a->session->dev;
    const int64_t rows = batch->count, first = batch->index[0];
    float *propensity = a->propensity + first;
    Tensor chosen = SCRATCH(dev, I32, rows), chance = SCRATCH(dev, F32, rows);
    const SampleOptions options = {
        .seed = a->options.seed,
        .step = a->step,
        .stream = scratch_copy(dev, a->stream + first, I64, rows),
        .temperature = (float)a->options.temperature,
    };
    TRY(ranked_draw(a->session, z, a->stream + first, options, chosen, chance));
    device_copy_out(dev, a->item + first, chosen.data, tensor_bytes(chosen));
    device_copy_out(dev, propensity, chance.data, tensor_bytes(chance));
    TRY(device_sync(dev));
    for (int64_t i = 0; i < rows; i++) propensity[i] = fminf(expf(propensity[i]), 1.0f);
    return OK;
}

static Status greedy_choices(Acting *a, const StateBatch *batch, const HeadScores *z)
{
    Device *dev = a->session->dev;
    const int64_t rows = batch->count, first = batch->index[0];
    const double epsilon = a->options.epsilon;
    int32_t *item = a->item + first;
    Tensor best = SCRATCH(dev, I32, rows, 1), score = SCRATCH(dev, F32, rows, 1);
    TRY(ranked_best(a->session, z, best, score));
    device_copy_out(dev, item, best.data, tensor_bytes(best));
    TRY(device_sync(dev));
    for (int64_t i = 0; i < rows; i++) {
        const Philox p = philox(a->options.seed, (uint64_t)a->stream[first + i], (uint64_t)a->step);
        int64_t among;
        if (item[i] < 0)
            return FAIL(ERR_FORMAT, "the model's scores are NaN or infinite, want finite ones");
        const int32_t greedy = item[i], any = any_item(a, i, p.word[1], &among);
        if ((double)philox_uniform(p.word[0]) < epsilon) item[i] = any;
        a->propensity[first + i] =
            (float)(epsilon / (double)among + (item[i] == greedy ? 1.0 - epsilon : 0.0));
    }
    return OK;
}

/* ---- Choosing among candidates --------------------------------------------------------------- */

/* Choose one of `count` candidates with scores q: the index of the chosen one, and its
 * probability. */
static int64_t pick(const ActOptions *o, const float *q, int64_t count, Philox p, float *chance)
{
    int64_t best = 0;
    double sum = 0.0;
    for (int64_t c = 1; c < count; c++)
        if (q[c] > q[best]) best = c;
    if (o->temperature <= 0.0) {
        const bool any = (double)philox_uniform(p.word[0]) < o->epsilon;
        const int64_t c = any ? (int64_t)(p.word[1] * (uint64_t)count >> 32) : best;
        *chance = (float)(o->epsilon / (double)count + (c == best ? 1.0 - o->epsilon : 0.0));
        return c;
    }
    for (int64_t c = 0; c < count; c++) sum += exp(((double)q[c] - q[best]) / o->temperature);
    double left = ((double)p.word[0] + 0.5) * 0x1p-32 * sum;
    int64_t c = 0;
    for (;; c++) {
        const double weight = exp(((double)q[c] - q[best]) / o->temperature);
        *chance = (float)(weight / sum);
        if (left < weight || c == count - 1) return c;
        left -= weight;
    }
}

static Status pick_all(Acting *a, const StateBatch *batch, int64_t k, const int32_t *found,
                       const float *value)
{
    for (int64_t i = 0; i < batch->count; i++) {
        const int64_t at = batch->index[i];
        const Philox p = philox(a->options.seed, (uint64_t)a->stream[at], (uint64_t)a->step);
        const int64_t c = pick(&a->options, value + i * k, k, p, &a->propensity[at]);
        a->item[at] = found[i * k + c];
        if (a->item[at] < 0)
            return FAIL(ERR_FORMAT, "the model's scores are NaN or infinite, want finite ones");
    }
    return OK;
}

static Status candidate_choices(Acting *a, const StateBatch *batch, Weights w)
{
    const ActOptions *o = &a->options;
    Device *dev = a->session->dev;
    const Model *m = a->session->model;
    const int64_t rows = batch->count, left = m->shape.items - o->exclude_last;
    const int64_t k = o->candidates < left ? o->candidates : left;
    Tensor best = SCRATCH(dev, I32, rows, k), score = SCRATCH(dev, F32, rows, k);
    Tensor q = SCRATCH(dev, F32, rows, k);
    const HeadScores policy = scores_ranking(dev, m, w, HEAD_POLICY, &batch->rows);
    TRY(ranked_best(a->session, &policy, best, score));
    /* Without the state term: it is the same for all candidates. */
    const HeadScores ranking = scores_ranking(dev, m, w, HEAD_Q, &batch->rows);
    scores_of_items(dev, &ranking, q, best);
    int32_t *found = device_read(dev, best.data, tensor_bytes(best));
    float *value = device_read(dev, q.data, tensor_bytes(q));
    Status st = found && value ? device_sync(dev) : ERR_MEMORY;
    if (st == OK) st = pick_all(a, batch, k, found, value);
    device_read_done(dev, found);
    device_read_done(dev, value);
    return st;
}

/* ---- Requests -------------------------------------------------------------------------------- */

static Status choose(void *context, const StateBatch *batch)
{
    Acting *a = context;
    const Session *s = a->session;
    const ActOptions *o = &a->options;
    Weights w = session_weights(s);
    TRY(collect_excluded(a, batch));
    if (o->candidates > 0) return candidate_choices(a, batch, w);
    const HeadScores z = scores_ranking(s->dev, s->model, w, o->head, &batch->rows);
    return o->temperature > 0.0 ? softmax_choices(a, batch, &z) : greedy_choices(a, batch, &z);
}

Status act_choose(Session *s, const ActOptions *options, const History *history,
                  const int64_t *stream, int64_t count, int64_t step, int32_t *item,
                  float *propensity)
{
    Acting a = {.session = s,
                .options = *options,
                .history = history,
                .stream = stream,
                .step = step,
                .item = item,
                .propensity = propensity};
    a.options.seed ^= ACT_KEY;
    TRY(act_check(s, options));
    return states_after(s, history, count, (StateSink){choose, &a});
}
