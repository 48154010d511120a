/* SPDX-License-Identifier: Apache-2.0 */
#include "train/loop.h"

#include <inttypes.h>
#include <math.h>
#include <unistd.h>

#include "base/files.h"
#include "base/progress.h"
#include "base/report.h"
#include "evaluate/ranking/validation.h"
#include "train/checkpoint.h"
#include "train/metrics.h"
#include "train/plan.h"
#include "train/step.h"
#include "train/trainer_open.h"

typedef struct {
    Trainer trainer;
    Progression progression;
    Stream *stream;
    Metrics metrics;
    Validation validation;
    Session *session; /* that validation uses */
    Progress bar;
    int64_t steps, valid_every, save_every;
    double started, tokens_per_s;
    double reported; /* the time of the last report; before the first step and after a pause, the
                        time at which the step began */
    Listener *listener;
    bool interrupted; /* the listener asked to stop */
    bool saved;       /* last.safetensors has the state after this step */
} Loop;

static void path_in(char *path, size_t size, const Loop *l, const char *name)
{
    snprintf(path, size, "%s/%s", l->trainer.config.train_out, name);
}

/* ---- Starting -------------------------------------------------------------------------------- */

static Status start_or_resume(Loop *l, LoopOptions options)
{
    char path[4096];
    path_in(path, sizeof path, l, "last.safetensors");
    const bool there = access(path, F_OK) == 0;
    l->progression = (Progression){.best = -1.0};
    if (options.resume) {
        l->saved = true;
        return checkpoint_resume(&l->trainer, &l->progression, path);
    }
    if (there && !options.overwrite)
        return FAIL(ERR_USAGE, "%s exists: --resume continues it, --force starts a new training",
                    path);
    return checkpoint_begin(&l->trainer);
}

static Status open_stream(Loop *l)
{
    const Config *c = &l->trainer.config;
    const StreamOptions options = trainer_stream(&l->trainer);
    int64_t batches;
    TRY(stream_open(&l->stream, &l->trainer.file, &options, l->progression.cursor));
    TRY(stream_batches(l->stream, 0, &batches));
    if (batches == 0)
        return FAIL(ERR_FORMAT,
                    "%s: no user has events of two different times in /splits/train; want at least "
                    "one, because events of one time are a set and none of them follows another",
                    l->trainer.file.path);
    l->steps = c->train_steps ? c->train_steps : c->train_epochs * batches;
    l->valid_every = c->train_valid_every ? c->train_valid_every : batches;
    l->save_every = c->train_save_every ? c->train_save_every : l->valid_every;
    trainer_schedule(&l->trainer, l->steps);
    return OK;
}

static void show_plan(const Loop *l)
{
    const Trainer *t = &l->trainer;
    char memory[PLAN_TEXT_MAX];
    listener_remark(l->listener,
                    "%s: %" PRId64 " events, %" PRId64 " users, %" PRId64 " items\n"
                    "%.2f M parameters, %s, %" PRId64 " steps of %" PRId64 " tokens\n"
                    "memory: %s",
                    t->file.path, t->file.events, t->file.users, t->file.items,
                    (double)t->plan.parameters / 1e6, t->config.learn_objective, l->steps,
                    t->config.train_tokens, plan_text(memory, &t->plan));
}

Status loop_plan(const Config *config, FILE *out)
{
    Behaviour file;
    Trainer t;
    MemoryPlan plan;
    TRY(behaviour_open(&file, config->data_path));
    TRY(trainer_prepare(&t, config, file));
    const Status st = plan_measure(&plan, &t);
    trainer_close(&t);
    TRY(st);
    json_t *json = json_pack("{s:I, s:I, s:o}", "parameters", (json_int_t)plan.parameters, "bytes",
                             (json_int_t)plan_bytes(&plan), "parts", plan_json(&plan));
    return report_print(out, json, REPORT_NARROW);
}

static Status loop_open(Loop *l, const Config *config, LoopOptions options)
{
    TRY(trainer_open(&l->trainer, config));
    TRY(files_make_folder(config->train_out));
    TRY(start_or_resume(l, options));
    TRY(open_stream(l));
    TRY(metrics_open(&l->metrics, config->train_out, l->trainer.step));
    TRY(validation_open(&l->validation, &l->trainer.file, config->train_valid_users,
                        (uint64_t)config->train_seed));
    TRY(trainer_session(&l->trainer, &l->session));
    show_plan(l);
    l->started = progress_seconds();
    return OK;
}

static void loop_close(Loop *l)
{
    session_close(l->session);
    validation_close(&l->validation);
    metrics_close(&l->metrics);
    stream_close(l->stream);
    trainer_close(&l->trainer);
}

/* ---- Running --------------------------------------------------------------------------------- */

static Status save(Loop *l)
{
    char path[4096];
    if (l->saved) return OK;
    path_in(path, sizeof path, l, "last.safetensors");
    TRY(checkpoint_write(&l->trainer, &l->progression, path, true));
    TRY(checkpoint_describe(&l->trainer, &l->progression));
    l->saved = true;
    return metrics_flush(&l->metrics);
}

static Status validate(Loop *l)
{
    Trainer *t = &l->trainer;
    char path[4096];
    ValidationResult r;
    if (l->validation.events == 0) return OK;
    TRY(validation_run(&l->validation, &r, l->session));
    metrics_validation(&l->metrics, t->step, r.ndcg10, r.hr10, l->validation.events);
    l->bar.validation = r.ndcg10;
    if (r.ndcg10 <= l->progression.best) {
        l->progression.worse++;
        return OK;
    }
    l->progression.best = r.ndcg10;
    l->progression.worse = 0;
    path_in(path, sizeof path, l, "best.safetensors");
    return checkpoint_write(t, &l->progression, path, false);
}

/* Report the oldest unreported step. */
static Status report(Loop *l)
{
    StepReport r;
    TRY(step_report(&l->trainer, &r));
    const double now = progress_seconds(), seconds = now - l->reported;
    const double rate = (double)r.tokens / seconds;
    l->reported = now;
    l->tokens_per_s = l->tokens_per_s > 0.0 ? 0.9 * l->tokens_per_s + 0.1 * rate : rate;
    metrics_step(&l->metrics, &r, r.cursor.epoch, seconds);

    char extra[160];
    int n = snprintf(extra, sizeof extra, "step %" PRId64 "  loss %.4f  %.1fk tokens/s", r.step,
                     r.losses.total, l->tokens_per_s / 1e3);
    if (l->progression.best >= 0.0)
        snprintf(extra + n, sizeof extra - (size_t)n, "  best NDCG@10 %.4f", l->progression.best);
    l->bar.loss = r.losses.total;
    progress_report(&l->bar, r.step, extra);
    return OK;
}

/* Report steps until at most `left` are unreported. */
static Status report_until(Loop *l, int64_t left)
{
    while (trainer_unreported(&l->trainer) > left) TRY(report(l));
    return OK;
}

/* Enqueue the next step, then report as many earlier ones as should not wait: a GPU computes while
 * the host prepares the next batch. */
static Status advance(Loop *l)
{
    Trainer *t = &l->trainer;
    const Batch *batch;
    if (trainer_unreported(t) == 0) l->reported = progress_seconds();
    TRY(stream_next(l->stream, &batch));
    TRY(step_enqueue(t, batch));
    l->progression.cursor = (StreamCursor){batch->cursor.epoch, batch->cursor.batch + 1};
    l->saved = false;
    return report_until(l, trainer_ahead(t));
}

/* The reason to stop; NULL: there is none. */
static const char *reason_to_stop(Loop *l)
{
    const Config *c = &l->trainer.config;
    l->interrupted = listener_stops(l->listener);
    if (l->interrupted) return "interrupted";
    if (l->trainer.step >= l->steps) return "all steps done";
    if (c->train_seconds > 0 && progress_seconds() - l->started >= c->train_seconds)
        return "time is up";
    if (c->train_patience > 0 && l->progression.worse >= c->train_patience)
        return "validation stopped improving";
    return NULL;
}

static Status run(Loop *l)
{
    const char *reason;
    progress_begin(&l->bar, "train", l->steps, l->listener);
    while (!(reason = reason_to_stop(l))) {
        TRY(advance(l));
        const bool pause =
            l->trainer.step % l->valid_every == 0 || l->trainer.step % l->save_every == 0;
        if (pause) TRY(report_until(l, 0));
        if (l->trainer.step % l->valid_every == 0) TRY(validate(l));
        if (l->trainer.step % l->save_every == 0) TRY(save(l));
    }
    TRY(report_until(l, 0));
    const bool measured = l->trainer.step % l->valid_every == 0;
    if (!measured && !l->interrupted) TRY(validate(l));
    TRY(save(l));
    char extra[160];
    snprintf(extra, sizeof extra, "%s at step %" PRId64 ", best validation NDCG@10 %.4f", reason,
             l->trainer.step, fmax(l->progression.best, 0.0));
    l->bar.total = l->trainer.step; /* the bar is full, also where training stopped early */
    progress_end(&l->bar, extra);
    return OK;
}

Status loop_run(const Config *config, LoopOptions options, LoopEnd *end)
{
    Loop l = {.listener = options.listener};
    Status st;
    TRY_OR_FAIL(st, loop_open(&l, config, options));
    TRY_OR_FAIL(st, run(&l));
    if (end)
        *end = (LoopEnd){.steps = l.trainer.step,
                         .seconds = progress_seconds() - l.started,
                         .best = l.progression.best >= 0.0 ? l.progression.best : NAN,
                         .interrupted = l.interrupted};
fail:
    loop_close(&l);
    return st;
}
