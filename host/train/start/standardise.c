/* SPDX-License-Identifier: Apache-2.0 */
#include "train/start/standardise.h"

#include <math.h>

#include "base/scratch.h"
#include "model/state_rows.h"

/* Sums over candidates. */
typedef struct {
    int64_t count;
    double sum[COUNT_FEATURES], square[COUNT_FEATURES];
} Moments;

static void add_row(Moments *m, const int32_t *item, const float *feature, int64_t width)
{
    for (int64_t j = 0; j < width && item[j] >= 0; j++, m->count++)
        for (int k = 0; k < COUNT_FEATURES; k++) {
            const double x = (double)feature[j * COUNT_FEATURES + k];
            m->sum[k] += x;
            m->square[k] += x * x;
        }
}

/* The candidates of the states that have a target. */
static Status add_batch(Trainer *t, const Batch *batch, Moments *m)
{
    Device *dev = &t->dev;
    const size_t mark = scratch_mark(dev);
    const int64_t width = t->model.shape.candidates;
    model_input_set(&t->input, &t->model, batch, &t->file);
    const Tensor no_states = {.dtype = F32, .rank = 2, .dim = {t->input.tokens, 0}};
    const StateRows s = state_rows(dev, &t->model, &t->input, no_states, t->input.state, no_states);
    int32_t *item = device_read(dev, s.candidates.item.data, tensor_bytes(s.candidates.item));
    float *feature =
        device_read(dev, s.candidates.feature.data, tensor_bytes(s.candidates.feature));
    const Status st = item && feature ? device_sync(dev) : ERR_MEMORY;
    for (int64_t i = 0; i < batch->used && st == OK; i++)
        if (batch->target[i] >= 0)
            add_row(m, item + i * width, feature + i * width * COUNT_FEATURES, width);
    device_read_done(dev, item);
    device_read_done(dev, feature);
    scratch_release(dev, mark);
    return st;
}

static Status collect(Trainer *t, Moments *m)
{
    StreamOptions options = trainer_stream(t);
    options.threads = 0; /* a few batches, none ahead */
    Stream *stream;
    const Batch *batch;
    int64_t batches;
    Status st;
    TRY(stream_open(&stream, &t->file, &options, (StreamCursor){0, 0}));
    TRY_OR_FAIL(st, stream_batches(stream, 0, &batches));
    for (int64_t b = 0; b < batches && b < STANDARDISE_BATCHES; b++) {
        TRY_OR_FAIL(st, stream_next(stream, &batch));
        TRY_OR_FAIL(st, add_batch(t, batch, m));
    }
fail:
    stream_close(stream);
    return st;
}

static double counted_events(const Trainer *t)
{
    double events = 0.0;
    float *popularity = device_read(t->model.dev, t->model.counts.popularity.data,
                                    tensor_bytes(t->model.counts.popularity));
    for (int64_t a = 0; a < t->model.shape.items && popularity; a++)
        events += (double)popularity[a];
    device_read_done(t->model.dev, popularity);
    return events;
}

Status standardise(Trainer *t)
{
    const CountedParams *at = &t->model.at.counted;
    const Tensor *value = t->model.params.copy[PARAM_VALUE];
    float mean[COUNT_FEATURES], scale[COUNT_FEATURES];
    Moments m = {0};
    TRY(collect(t, &m));
    for (int k = 0; k < COUNT_FEATURES; k++) {
        const double n = m.count ? (double)m.count : 1.0, middle = m.sum[k] / n;
        const double variance = fmax(m.square[k] / n - middle * middle, 0.0);
        mean[k] = (float)middle;
        scale[k] = variance > 1e-6 ? (float)(1.0 / sqrt(variance)) : 1.0f;
    }
    const float base = (float)log(fmax(counted_events(t), 1.0));
    device_copy_in(&t->dev, value[at->mean].data, mean, sizeof mean);
    device_copy_in(&t->dev, value[at->scale].data, scale, sizeof scale);
    device_copy_in(&t->dev, value[at->base].data, &base, sizeof base);
    return device_sync(&t->dev);
}
