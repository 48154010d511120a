/* SPDX-License-Identifier: Apache-2.0 */
#include "measure/steps.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/progress.h"
#include "measure/histories.h"
#include "measure/measure.h"
#include "train/step.h"
#include "train/trainer_open.h"

enum { BATCHES = 16 }; /* different batches of synthetic histories, which come in turns */

double measure_steps_flops(double tokens, double encoder_parameters, double length, double dim,
                           double layers, double items)
{
    return 6.0 * tokens * (encoder_parameters + length * dim * layers + items * dim);
}

typedef struct {
    Trainer trainer;
    Stream *stream;
    double waited; /* seconds */
    double pairs;  /* tokens squared of each window, over the timed steps */
    double used;   /* tokens, over the timed steps */
} Run;

/* Enqueue the next step. Report earlier steps at the same moments as the loop of `souk train`. */
static Status advance(Run *r, bool last)
{
    const Batch *batch;
    StepReport report;
    Trainer *t = &r->trainer;
    const double start = progress_seconds();
    TRY(stream_next(r->stream, &batch));
    r->waited += progress_seconds() - start;
    for (int64_t w = 0; w < batch->windows; w++) {
        const double length = (double)(batch->cu_seqlens[w + 1] - batch->cu_seqlens[w]);
        r->pairs += length * length;
    }
    r->used += (double)batch->used;
    TRY(step_enqueue(t, batch));
    while (trainer_unreported(t) > (last ? 0 : trainer_ahead(t))) TRY(step_report(t, &report));
    return OK;
}

static Status run(Run *r, int64_t warmup, int64_t steps, Listener *listener, double *seconds)
{
    Progress bar;
    progress_begin(&bar, "steps", warmup + steps, listener);
    for (int64_t i = 0; i < warmup; i++) {
        TRY(advance(r, i + 1 == warmup));
        TRY(progress_update(&bar, i + 1, "warm-up"));
    }
    r->waited = r->pairs = r->used = 0.0;
    double before = progress_seconds();
    for (int64_t i = 0; i < steps; i++) {
        TRY(advance(r, i + 1 == steps));
        const double now = progress_seconds();
        seconds[i] = now - before;
        before = now;
        TRY(progress_update(&bar, warmup + i + 1, NULL));
    }
    progress_end(&bar, NULL);
    return OK;
}

static void summarise(const Run *r, int64_t steps, double *seconds, BenchStep *result)
{
    const Trainer *t = &r->trainer;
    const size_t *planned = t->plan.part;
    double all = 0.0;
    for (int64_t i = 0; i < steps; i++) all += seconds[i];
    qsort(seconds, (size_t)steps, sizeof *seconds, measure_ascending);
    const int64_t items = t->file.items, dim = t->config.model_dim;
    *result = (BenchStep){.parameters = params_elements(&t->model.params),
                          .items = items,
                          .steps = steps,
                          .tokens = r->used / (double)steps,
                          .seconds = measure_quantile(seconds, (int)steps, 0.5),
                          .p10 = measure_quantile(seconds, (int)steps, 0.1),
                          .p90 = measure_quantile(seconds, (int)steps, 0.9),
                          .waited = r->waited / all,
                          .parameter_bytes = planned[PLAN_PARAMETERS],
                          .gradient_bytes = planned[PLAN_GRADIENTS],
                          .moment_bytes = planned[PLAN_MOMENTS],
                          .target_bytes = planned[PLAN_TARGET_NETWORK],
                          .activation_bytes = planned[PLAN_ACTIVATIONS],
                          .scratch_bytes = t->dev.scratch.high_water};
    result->encoder_parameters = result->parameters - items * dim;
    result->flops =
        measure_steps_flops(result->tokens, (double)result->encoder_parameters, r->pairs / r->used,
                            (double)dim, (double)t->config.model_layers, (double)items);
}

static Status bench(Run *r, const Config *config, const BenchStepOptions *o, BenchStep *result)
{
    TRY(trainer_open(&r->trainer, config));
    trainer_schedule(&r->trainer, o->warmup + o->steps);
    const StreamOptions options = trainer_stream(&r->trainer);
    TRY(stream_open(&r->stream, &r->trainer.file, &options, (StreamCursor){0}));
    double *seconds = malloc((size_t)o->steps * sizeof *seconds);
    if (!seconds) return FAIL(ERR_MEMORY, "no memory for the times of %" PRId64 " steps", o->steps);
    Status st;
    TRY_OR_FAIL(st, run(r, o->warmup, o->steps, o->listener, seconds));
    summarise(r, o->steps, seconds, result);
fail:
    free(seconds);
    return st;
}

static Status bench_data(const Config *config, const BenchStepOptions *options, BenchStep *result)
{
    Run r = {0};
    const Status st = bench(&r, config, options, result);
    stream_close(r.stream);
    trainer_close(&r.trainer);
    return st;
}

/* Measures on a temporary behaviour file, which is removed at the end. */
static Status bench_synthetic(Config config, const BenchStepOptions *options, BenchStep *result)
{
    const char *temporary = getenv("TMPDIR");
    char folder[sizeof config.data_path - 16];
    snprintf(folder, sizeof folder, "%s/souk-bench.XXXXXX", temporary ? temporary : "/tmp");
    if (!mkdtemp(folder)) return FAIL(ERR_IO, "%s: %s", folder, strerror(errno));
    snprintf(config.data_path, sizeof config.data_path, "%s/histories.h5", folder);
    Status st;
    TRY_OR_FAIL(st, measure_histories(config.data_path, options->items, config.model_length,
                                      BATCHES * config.train_tokens));
    st = bench_data(&config, options, result);
fail:
    unlink(config.data_path);
    rmdir(folder);
    return st;
}

Status measure_steps(const Config *config, const BenchStepOptions *options, BenchStep *result)
{
    return config->data_path[0] ? bench_data(config, options, result)
                                : bench_synthetic(*config, options, result);
}
