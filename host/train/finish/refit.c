/* SPDX-License-Identifier: Apache-2.0 */
#include "train/finish/refit.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/progress.h"
#include "data/counts/events.h"
#include "model/saved.h"
#include "train/checkpoint.h"
#include "train/step.h"
#include "train/trainer_open.h"

enum { LEARNED_SPLITS = COUNTED_VALID };

static Status open_joined(Trainer *t, const Config *c, Listener *listener)
{
    Behaviour file;
    char fingerprint[HASH_TEXT];
    TRY(behaviour_open(&file, c->data_path));
    Status st = hash_events(&file, fingerprint);
    if (st == OK) st = behaviour_join_splits(&file, LEARNED_SPLITS);
    if (st != OK) return behaviour_close(&file), st;
    TRY(trainer_open_on(t, c, file, (TrainerOptions){.listener = listener}));
    memcpy(t->fingerprint, fingerprint, sizeof fingerprint);
    t->model.known = LEARNED_SPLITS;
    return OK;
}

/* The parameters that do not learn: the standardisation of features, and the calibration. */
static Status take_constants(Trainer *t, const Safetensors *file)
{
    const Params *p = &t->model.params;
    for (int i = 0; i < p->count; i++) {
        const Tensor to = p->copy[PARAM_VALUE][i];
        Tensor from;
        if (p->info[i].rate > 0.0f) continue;
        if (p->info[i].later && !safetensors_find(file, p->info[i].name)) continue;
        TRY(safetensors_get(file, p->info[i].name, F32, to.rank, to.dim, &from));
        device_copy_in(&t->dev, to.data, from.data, tensor_bytes(to));
    }
    trainer_begin(t);
    return device_sync(&t->dev);
}

static Status report(Trainer *t, Progress *bar)
{
    StepReport r;
    char extra[64];
    TRY(step_report(t, &r));
    snprintf(extra, sizeof extra, "step %" PRId64 "  loss %.4f", r.step, r.losses.total);
    bar->loss = r.losses.total;
    progress_report(bar, r.step, extra);
    return OK;
}

static Status run_steps(Trainer *t, Progression *p, Stream *stream, Listener *listener,
                        bool *interrupted)
{
    Progress bar;
    const Batch *batch;
    progress_begin(&bar, "refit", t->config.train_steps, listener);
    while (t->step < t->config.train_steps && !(*interrupted = listener_stops(listener))) {
        TRY(stream_next(stream, &batch));
        TRY(step_enqueue(t, batch));
        p->cursor = (StreamCursor){batch->cursor.epoch, batch->cursor.batch + 1};
        while (trainer_unreported(t) > trainer_ahead(t)) TRY(report(t, &bar));
    }
    while (trainer_unreported(t) > 0) TRY(report(t, &bar));
    if (*interrupted) return OK;
    progress_end(&bar, "trained anew on the train and the validation split");
    return OK;
}

static Status train_anew(Trainer *t, Progression *p, Listener *listener, bool *interrupted)
{
    const StreamOptions options = trainer_stream(t);
    Stream *stream;
    TRY(stream_open(&stream, &t->file, &options, p->cursor));
    const Status st = run_steps(t, p, stream, listener, interrupted);
    stream_close(stream);
    return st;
}

Status refit(const Config *c, const char *path, Listener *listener, bool *interrupted)
{
    Config anew = *c;
    Trainer t = {0};
    Progression p = {0};
    Safetensors file;
    double steps;
    Status st;
    TRY(safetensors_open(&file, path));
    TRY_OR_FAIL(st, checkpoint_number(&file, "step", &steps));
    TRY_OR_FAIL(st, checkpoint_best(&file, &p));
    anew.train_steps = (int64_t)steps;
    TRY_OR_FAIL(st, open_joined(&t, &anew, listener));
    TRY_OR_FAIL(st, take_constants(&t, &file));
    TRY_OR_FAIL(st, train_anew(&t, &p, listener, interrupted));
    t.config = *c;
    if (!*interrupted) TRY_OR_FAIL(st, checkpoint_write(&t, &p, path, false));
fail:
    trainer_close(&t);
    safetensors_close(&file);
    return st;
}
