/* SPDX-License-Identifier: Apache-2.0 */
#include "train/calibration/calibration.h"

bool calibration_wanted(const Model *m) { return m->shape.candidates > 0; }

static void write_numbers(const Model *m, int param, const float *numbers)
{
    const Tensor to = m->params.copy[PARAM_VALUE][param];
    device_copy_in(m->dev, to.data, numbers, tensor_bytes(to));
}

/* [j seen] is the standardised feature x of CALIBRATION_SEEN over its scale, plus its mean. */
static Status write_calibration(const Model *m, const Calibration *c)
{
    const CountedParams *at = &m->at.counted;
    const Tensor *value = m->params.copy[PARAM_VALUE];
    float mean[COUNT_FEATURES], scale[COUNT_FEATURES];
    device_copy_out(m->dev, mean, value[at->mean].data, sizeof mean);
    device_copy_out(m->dev, scale, value[at->scale].data, sizeof scale);
    TRY(device_sync(m->dev));
    const float factor = (float)c->dense, dense = (float)c->score[2], cold = (float)c->cold;
    const float base = (float)(c->score[0] + c->score[1] * (double)mean[CALIBRATION_SEEN]);
    const float linear[COUNT_FEATURES] = {
        [CALIBRATION_SEEN] = (float)(c->score[1] / (double)scale[CALIBRATION_SEEN])};
    float state[COUNT_STATE_FEATURES];
    for (int k = 0; k < COUNT_STATE_FEATURES; k++) state[k] = (float)c->state[k];
    write_numbers(m, at->factor, &factor);
    write_numbers(m, at->more_linear, linear);
    write_numbers(m, at->more_state, state);
    write_numbers(m, at->more_base, &base);
    write_numbers(m, at->more_dense, &dense);
    if (at->cold >= 0) write_numbers(m, at->cold, &cold);
    return device_sync(m->dev);
}

Status calibration_run(Session *s, Model *model, const Histories *h, uint64_t seed)
{
    ScoredEvents events = {0};
    CalibrationSample sample = {0};
    Status st;
    const ScoredOptions options = {.sample = CALIBRATION_USERS, .seed = seed};
    TRY_OR_FAIL(st, histories_scored_select(&events, h, &options));
    TRY_OR_FAIL(st, calibration_sample_open(&sample, s, &events));
    const Calibration c = calibration_fit(&sample, s->dev->threads);
    TRY_OR_FAIL(st, write_calibration(model, &c));
fail:
    calibration_sample_close(&sample);
    histories_scored_close(&events);
    return st;
}
