/* SPDX-License-Identifier: Apache-2.0 */
#include "train/calibration/sample.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "elementwise.h"
#include "id_dropout.h"
#include "infer/states.h"
#include "model/cold.h"
#include "model/scores.h"

const double calibration_factor[CALIBRATION_FACTORS] = {0.1, 0.2, 0.35, 0.5, 0.7, 1.0, 1.4};

typedef struct {
    CalibrationSample *sample;
    Session *session;
    const ScoredEvents *events;
    uint8_t *new; /* [items] whether the item is new; NULL: new items are not calibrated */
    bool any;     /* one of them is */
} Collection;

/* ---- A batch --------------------------------------------------------------------------------- */

/* to[index[i] columns + k] = from[i columns + k], as the host reads `from` [rows, columns]. */
static Status scatter(const Collection *c, const StateBatch *batch, Tensor from, float *to,
                      int64_t columns)
{
    Device *dev = c->session->dev;
    float *read = device_read(dev, from.data, tensor_bytes(from));
    const Status st = read ? device_sync(dev) : ERR_MEMORY;
    for (int64_t i = 0; i < batch->count && st == OK; i++)
        for (int64_t k = 0; k < columns; k++)
            to[batch->index[i] * columns + k] = read[i * columns + k];
    device_read_done(dev, read);
    return st;
}

/* Over the items that `dense` scores, to log_z and mean of the sample. */
static Status collect_sums(const Collection *c, const StateBatch *batch, const HeadScores *dense,
                           double *to_log, double *to_mean)
{
    Device *dev = c->session->dev;
    const Tensor log_z = SCRATCH(dev, F32, batch->count), mean = SCRATCH(dev, F32, batch->count);
    for (int f = 0; f < CALIBRATION_FACTORS; f++) {
        scores_stats(dev, dense, (CatalogueStats){.logsumexp = log_z, .expectation = mean},
                     (float)(1.0 / calibration_factor[f]));
        float *sums = device_read(dev, log_z.data, tensor_bytes(log_z));
        float *means = device_read(dev, mean.data, tensor_bytes(mean));
        const Status st = sums && means ? device_sync(dev) : ERR_MEMORY;
        for (int64_t i = 0; i < batch->count && st == OK; i++) {
            const int64_t at = batch->index[i] * CALIBRATION_FACTORS + f;
            to_log[at] = (double)sums[i];
            to_mean[at] = (double)means[i];
        }
        device_read_done(dev, sums);
        device_read_done(dev, means);
        TRY(st);
    }
    return OK;
}

static Status collect_targets(const Collection *c, const StateBatch *batch, const HeadScores *dense)
{
    Device *dev = c->session->dev;
    for (int64_t i = 0; i < batch->count; i++) {
        const int32_t item = c->events->target[batch->index[i]];
        c->session->memory.item[i] = item;
        c->sample->followed[batch->index[i]] = c->new && c->new[item];
    }
    const Tensor score = SCRATCH(dev, F32, batch->count);
    const Tensor target = scratch_copy(dev, c->session->memory.item, I32, batch->count);
    scores_at(dev, dense, score, target);
    return scatter(c, batch, score, c->sample->target, 1);
}

/* The scores of new items alone: those of all others are so low that they add nothing. */
static HeadScores of_new(Device *dev, const Model *m, const HeadScores *dense)
{
    const float low = -1e20f;
    HeadScores s = *dense;
    const Tensor known = SCRATCH(dev, F32, m->shape.items);
    s.bias = SCRATCH(dev, F32, m->shape.items);
    id_dropout(dev, known, m->counts.popularity, (Dropout){0});
    elementwise_copy(dev, s.bias, dense->bias);
    elementwise_axpy(dev, s.bias, low, known);
    return s;
}

static Status collect_dense(const Collection *c, const StateBatch *batch, const HeadScores *z)
{
    CalibrationSample *to = c->sample;
    HeadScores dense = *z;
    dense.counted = (CountedScores){0};
    TRY(collect_targets(c, batch, &dense));
    TRY(collect_sums(c, batch, &dense, to->log_z, to->mean));
    if (!c->any) return OK;
    const HeadScores only = of_new(c->session->dev, c->session->model, &dense);
    return collect_sums(c, batch, &only, to->log_new, to->mean_new);
}

static Status collect_candidates(const Collection *c, const StateBatch *batch, const HeadScores *z)
{
    CalibrationSample *s = c->sample;
    Device *dev = c->session->dev;
    const CandidatesOutput *of = &batch->rows.candidates;
    TRY(scatter(c, batch, z->counted.score, s->score, s->width));
    TRY(scatter(c, batch, z->counted.dense, s->dense, s->width));
    TRY(scatter(c, batch, of->state, s->state, COUNT_STATE_FEATURES));
    int32_t *item = device_read(dev, of->item.data, tensor_bytes(of->item));
    float *feature = device_read(dev, of->feature.data, tensor_bytes(of->feature));
    const Status st = item && feature ? device_sync(dev) : ERR_MEMORY;
    for (int64_t i = 0; i < batch->count && st == OK; i++) {
        const int64_t at = batch->index[i];
        s->place[at] = -1;
        for (int64_t j = 0; j < s->width; j++) {
            const int64_t k = i * s->width + j;
            if (item[k] == c->events->target[at]) s->place[at] = (int32_t)j;
            s->seen[at * s->width + j] = feature[k * COUNT_FEATURES + CALIBRATION_SEEN] > 0.5f;
        }
    }
    device_read_done(dev, item);
    device_read_done(dev, feature);
    return st;
}

static Status collect(void *context, const StateBatch *batch)
{
    const Collection *c = context;
    Session *s = c->session;
    StateRows rows = batch->rows;
    rows.calibrated = false;
    TRY(session_reserve_items(s, batch->count));
    const HeadScores z = scores_ranking(s->dev, s->model, session_weights(s), HEAD_POLICY, &rows);
    TRY(collect_candidates(c, batch, &z));
    return collect_dense(c, batch, &z);
}

/* ---- The sample ------------------------------------------------------------------------------ */

static Status take_memory(CalibrationSample *c)
{
    const size_t n = (size_t)c->count + 1, wide = n * (size_t)c->width;
    c->log_z = calloc(n * CALIBRATION_FACTORS, sizeof *c->log_z);
    c->mean = calloc(n * CALIBRATION_FACTORS, sizeof *c->mean);
    c->log_new = calloc(n * CALIBRATION_FACTORS, sizeof *c->log_new);
    c->mean_new = calloc(n * CALIBRATION_FACTORS, sizeof *c->mean_new);
    c->followed = calloc(n, sizeof *c->followed);
    c->target = calloc(n, sizeof *c->target);
    c->score = calloc(wide, sizeof *c->score);
    c->dense = calloc(wide, sizeof *c->dense);
    c->seen = calloc(wide, sizeof *c->seen);
    c->place = calloc(n, sizeof *c->place);
    c->state = calloc(n * COUNT_STATE_FEATURES, sizeof *c->state);
    if (!(c->log_z && c->mean && c->log_new && c->mean_new && c->followed && c->target &&
          c->score && c->dense && c->seen && c->place && c->state))
        return FAIL(ERR_MEMORY, "no memory to calibrate by %" PRId64 " events", c->count);
    for (size_t i = 0; i < n * CALIBRATION_FACTORS; i++) c->log_new[i] = -INFINITY;
    return OK;
}

static Status find_new(Collection *c)
{
    const Model *m = c->session->model;
    const Tensor popularity = m->counts.popularity;
    if (!cold_wanted(&m->shape)) return OK;
    c->new = malloc((size_t)m->shape.items);
    float *counted = c->new ? device_read(m->dev, popularity.data, tensor_bytes(popularity)) : NULL;
    if (!counted)
        return FAIL(ERR_MEMORY, "no memory to calibrate %" PRId64 " items", m->shape.items);
    const Status st = device_sync(m->dev);
    for (int64_t a = 0; a < m->shape.items && st == OK; a++)
        c->any |= c->new[a] = counted[a] == 0.0f;
    device_read_done(m->dev, counted);
    return st;
}

Status calibration_sample_open(CalibrationSample *c, Session *s, const ScoredEvents *events)
{
    const LogEvents wanted = {.users = events->users,
                              .user = events->user,
                              .first = events->first,
                              .event = events->event};
    Status st;
    *c = (CalibrationSample){.count = events->count, .width = s->model->shape.candidates};
    Collection collection = {.sample = c, .session = s, .events = events};
    TRY_OR_FAIL(st, take_memory(c));
    TRY_OR_FAIL(st, find_new(&collection));
    TRY_OR_FAIL(st,
                states_before(s, &wanted, "calibration", NULL, (StateSink){collect, &collection}));
fail:
    free(collection.new);
    if (st != OK) calibration_sample_close(c);
    return st;
}

void calibration_sample_close(CalibrationSample *c)
{
    free(c->log_z);
    free(c->mean);
    free(c->log_new);
    free(c->mean_new);
    free(c->followed);
    free(c->target);
    free(c->score);
    free(c->dense);
    free(c->seen);
    free(c->place);
    free(c->state);
    *c = (CalibrationSample){0};
}
