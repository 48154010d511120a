/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/act.h"

#include <math.h>

#include "base/rng.h"
#include "infer/acting.h"
#include "infer/ranked.h"

/* Mixed into the seed, so that choices do not draw the random numbers that worlds draw. */
static const uint64_t ACT_KEY = UINT64_C(0x6163746F72000000);

typedef struct {
    Session *session;
    ActingRule rule;
    ActOptions options;
    const History *history; /* [count] */
    const int64_t *stream;
    int64_t step;
    int32_t *item; /* [count] */
    float *propensity;
} Acting;

/* One of the items that may be chosen after history i of the batch, all equally likely; `among`
 * gets their number. */
static int32_t any_item(const Acting *a, int64_t i, uint32_t word, int64_t *among)
{
    const Exclude *e = &a->session->memory.exclude;
    const Model *m = a->session->model;
    *among = exclude_left(e, i, m->shut, m->shuts, m->shape.items);
    return exclude_pick(e, i, m->shut, m->shuts, (int32_t)(word * (uint64_t)*among >> 32));
}

/* ---- Choosing -------------------------------------------------------------------------------- */

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

/* ---- Requests -------------------------------------------------------------------------------- */

static Status choose_part(void *context, const StateBatch *batch)
{
    Acting *a = context;
    HeadScores z;
    TRY(acting_exclude_after(a->session, a->history, batch, a->rule.exclude_last));
    TRY(acting_scores(a->session, &a->rule, &batch->rows, false, &z));
    return a->options.temperature > 0.0 ? softmax_choices(a, batch, &z)
                                        : greedy_choices(a, batch, &z);
}

static Status choose(void *context, const StateBatch *batch)
{
    Acting *a = context;
    return states_in_parts(a->session, batch, acting_rows(a->session, &a->rule, false),
                           (StateSink){choose_part, a});
}

Status act_choose(Session *s, const ActOptions *options, const History *history,
                  const int64_t *stream, int64_t count, int64_t step, int32_t *item,
                  float *propensity)
{
    Acting a = {.session = s,
                .rule = session_acting(s),
                .options = *options,
                .history = history,
                .stream = stream,
                .step = step,
                .item = item,
                .propensity = propensity};
    a.options.seed ^= ACT_KEY;
    TRY(acting_check(&a.rule, s->model->shape.items));
    return states_after(s, history, count, (StateSink){choose, &a});
}
