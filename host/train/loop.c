/* SPDX-License-Identifier: Apache-2.0 */
#include "train/loop.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/progress.h"
#include "base/report.h"
#include "evaluate/ranking/validation.h"
#include "model/retired/retired.h"
#include "model/saved.h"
#include "train/acting/acting.h"
#include "train/calibration/calibration.h"
#include "train/checkpoint.h"
#include "train/finish/finish.h"
#include "train/metrics.h"
#include "train/outcome/calibrate.h"
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
    Finish finish;
    bool interrupted; /* the listener asked to stop */
    bool saved;       /* last.safetensors has the state after this step */
} Loop;

/* Why a training stopped. */
typedef enum { STOP_NOT, STOP_INTERRUPTED, STOP_DONE, STOP_CLOCK, STOP_EARLY, STOP_ANNEALED } Stop;
static const char *const stop_words[] = {
    [STOP_INTERRUPTED] = "interrupted", [STOP_DONE] = "all steps done",
    [STOP_CLOCK] = "time is up",        [STOP_EARLY] = "validation stopped improving",
    [STOP_ANNEALED] = "annealed",
};

static void path_in(char *path, size_t size, const Loop *l, const char *name)
{
    snprintf(path, size, "%s/%s", l->trainer.config.train_out, name);
}

/* ---- Starting -------------------------------------------------------------------------------- */

/* What the shop of train.from no longer sells, this one does not sell either. */
static Status take_retired(const Config *c)
{
    char model[4096];
    if (!*c->train_from) return OK;
    TRY(saved_find(model, sizeof model, c->train_from, false));
    return retired_take(model, c->train_out);
}

static Status start_or_resume(Loop *l, const Config *config, LoopOptions options)
{
    char path[4096];
    Behaviour file; /* the trainer takes it over */
    const TrainerOptions how = {.listener = l->listener, .restored = options.resume};
    snprintf(path, sizeof path, "%s/last.safetensors", config->train_out);
    if (!options.resume && !options.overwrite && access(path, F_OK) == 0)
        return FAIL(ERR_USAGE, "%s exists: --resume continues it, --force starts a new training",
                    path);
    TRY(behaviour_open(&file, config->data_path));
    TRY(trainer_open_on(&l->trainer, config, file, how));
    TRY(hash_events(&l->trainer.file, l->trainer.fingerprint));
    TRY(files_make_folder(config->train_out));
    TRY(validation_open(&l->validation, &l->trainer.file, l->trainer.config.train_valid_users,
                        (uint64_t)config->train_seed));
    l->progression = (Progression){.best = -1.0};
    if (l->validation.events.count > 0)
        l->progression.ranks =
            TENSOR(l->validation.kept, I32, VALIDATIONS_KEPT, 2, l->validation.events.count);
    l->saved = options.resume;
    TRY(options.resume ? checkpoint_resume(&l->trainer, &l->progression, path)
                       : checkpoint_begin(&l->trainer, l->listener));
    TRY(take_retired(config));
    return saved_write_catalogue(&l->trainer.file, config->train_out);
}

static Status open_stream(Loop *l)
{
    const StreamOptions options = trainer_stream(&l->trainer);
    return stream_open(&l->stream, &l->trainer.file, &options, l->progression.cursor);
}

static Annealing annealing(const Loop *l) { return l->trainer.optimizer.annealing; }

static Status measure_way(Loop *l)
{
    const Config *c = &l->trainer.config;
    const Annealing a = annealing(l);
    int64_t batches;
    TRY(stream_batches(l->stream, 0, &batches));
    if (batches == 0)
        return FAIL(ERR_FORMAT,
                    "%s: no user has events of two different times in /splits/train; want at least "
                    "one, because events of one time are a set and none of them follows another",
                    l->trainer.file.path);
    l->steps = a.steps ? a.from + a.steps : c->train_steps;
    l->valid_every = c->train_valid_every;
    l->save_every = c->train_save_every;
    return OK;
}

static void show_plan(const Loop *l)
{
    const Trainer *t = &l->trainer;
    char memory[PLAN_TEXT_MAX], chosen[DEFAULTS_TEXT_MAX];
    listener_remark(l->listener,
                    "%s: %" PRId64 " events, %" PRId64 " users, %" PRId64 " items\n"
                    "%.2f M parameters, %s, %" PRId64 " steps of %" PRId64 " tokens\n"
                    "memory: %s",
                    t->file.path, t->file.events, t->file.users, t->file.items,
                    (double)t->plan.parameters / 1e6, t->config.learn_objective, l->steps,
                    t->config.train_tokens, plan_text(memory, &t->plan));
    if (t->chosen.count)
        listener_remark(l->listener, "chosen for this log:\n%s", defaults_text(chosen, &t->chosen));
}

/* A log with propensities needs no warning: it lists everything that its policy showed. */
static void warn_of_guesses(const Loop *l)
{
    const Trainer *t = &l->trainer;
    if (!t->objective.guesses || t->file.has_impressions || t->file.has_propensity) return;
    listener_warn(
        l->listener,
        "%s has no impressions (events of what was shown and not taken), so the Q of %s "
        "learns only from what was taken: its values of all other items are guesses, "
        "often too high, and the best Q of the catalogue is mostly such a guess. Want a "
        "log with impressions (datasets/README.md), or cql, snqn, bcq or iql, or a policy "
        "of cross_entropy to choose by",
        t->file.path, t->config.learn_objective);
}

/* Settings that are auto have the values of the run that goes on or, where they are sizes of the
 * weights, of the run that this one begins with. train.epochs, where it is given, decides
 * train.steps anew. */
static Status settings_of_runs(Config *c, bool resume)
{
    const bool passes = c->train_epochs != CONFIG_AUTO && c->train_steps == CONFIG_AUTO;
    char last[sizeof(Config_text) + 32];
    if (!resume) return checkpoint_sizes(c);
    snprintf(last, sizeof last, "%s/last.safetensors", c->train_out);
    TRY(checkpoint_settings(c, last));
    if (passes) c->train_steps = CONFIG_AUTO;
    return OK;
}

Status loop_plan(const Config *config, FILE *out)
{
    Config c = *config;
    Behaviour file;
    Trainer t;
    MemoryPlan plan;
    TRY(settings_of_runs(&c, false));
    TRY(behaviour_open(&file, c.data_path));
    TRY(trainer_prepare(&t, &c, file));
    const Status st = plan_measure(&plan, &t);
    json_t *chosen = defaults_json(&t.chosen);
    trainer_close(&t);
    if (st != OK) return json_decref(chosen), st;
    json_t *json =
        json_pack("{s:I, s:I, s:o, s:o}", "parameters", (json_int_t)plan.parameters, "bytes",
                  (json_int_t)plan_bytes(&plan), "parts", plan_json(&plan), "chosen", chosen);
    return report_print(out, json, REPORT_NARROW);
}

static Status loop_open(Loop *l, const Config *config, LoopOptions options)
{
    Config c = *config;
    TRY(finish_read(&l->finish, config));
    TRY(settings_of_runs(&c, options.resume));
    TRY(start_or_resume(l, &c, options));
    TRY(finish_check(l->finish, &l->trainer.model, l->validation.events.count, c.data_path));
    TRY(open_stream(l));
    TRY(measure_way(l));
    TRY(metrics_open(&l->metrics, config->train_out, l->trainer.step));
    TRY(trainer_session(&l->trainer, &l->session));
    show_plan(l);
    if (!options.resume) warn_of_guesses(l);
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
    l->session = NULL;
    l->stream = NULL;
}

/* ---- At the end ------------------------------------------------------------------------------ */

static bool still_improving(const Loop *l)
{
    return l->progression.best >= 0.0 && l->progression.worse == 0;
}

static void warn(const Loop *l, Stop reason)
{
    const int64_t step = l->trainer.step, warmup = l->trainer.config.optim_warmup;
    if (step < warmup)
        listener_warn(l->listener,
                      "the training ended at step %" PRId64 ", inside its warm-up of %" PRId64
                      " steps: the learning rate never reached optim.lr, and the model has learned "
                      "little",
                      step, warmup);
    else if (reason == STOP_CLOCK && still_improving(l))
        listener_warn(l->listener,
                      "the clock stopped the training at step %" PRId64 " of %" PRId64
                      ", while it was still improving; --resume goes on",
                      step, l->steps);
}

/* What would help a model that stands so beside the bar. */
static const char *advice(const Loop *l, Stop reason, const ValidationBar *bar)
{
    if (reason == STOP_CLOCK) return "More time would help: --resume goes on.";
    if (reason == STOP_DONE && still_improving(l))
        return "It was still improving: more train.steps would help.";
    if (bar->more.low > 0.0) return "souk eval compares them on the test split.";
    if (reason == STOP_DONE) return "More train.steps, more events or features of items may help.";
    return "More steps would not help; more events or features of items may.";
}

static const char *standing(const ValidationBar *bar)
{
    if (bar->more.low > 0.0) return "The model is better than";
    if (bar->more.high < 0.0) return "The model is worse than";
    return "The model cannot be told apart from";
}

/* Counting the pairs of a longer log takes more memory than its training. */
enum { COMPARED_EVENTS = 5000000 };

/* The last line: how the model of the best validation stands beside the best simple scorer. */
static Status compare_with_bar(const Loop *l, Stop reason)
{
    const Validation *v = &l->validation;
    ValidationBar bar;
    if (l->trainer.file.events > COMPARED_EVENTS) {
        listener_remark(l->listener, "souk eval compares the model with simple scorers.");
        return OK;
    }
    TRY(validation_bar(v, &bar, l->trainer.dev.threads));
    if (isnan(bar.more.value)) return OK;
    listener_remark(l->listener,
                    "%s %s, the best simple scorer: NDCG@10 on validation %.4f and %.4f, a "
                    "difference of %+.4f (%+.4f .. %+.4f, 95 %%, %" PRId64 " users). %s",
                    standing(&bar), bar.name, bar.ndcg10 + bar.more.value, bar.ndcg10,
                    bar.more.value, bar.more.low, bar.more.high, v->events.users,
                    advice(l, reason, &bar));
    return OK;
}

static Status conclude(const Loop *l, Stop reason, bool compare)
{
    if (l->interrupted) return OK;
    warn(l, reason);
    return compare && l->listener && l->progression.best >= 0.0 ? compare_with_bar(l, reason) : OK;
}

/* ---- Running --------------------------------------------------------------------------------- */

static const char rewind_name[] = "rewind.safetensors"; /* the state at the best validation */

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
    Progression *p = &l->progression;
    char path[4096];
    ValidationResult r;
    if (l->validation.events.count == 0) return OK;
    if (calibration_wanted(&t->model))
        TRY(calibration_run(l->session, &t->model, &l->validation.histories,
                            (uint64_t)t->config.train_seed));
    TRY(calibrate_outcome(l->session, &t->model, (uint64_t)t->config.train_seed));
    TRY(validation_run(&l->validation, &r, l->session));
    const Estimate gain = validation_gain(&l->validation, VALIDATION_REFERENCE);
    metrics_validation(&l->metrics, t->step, &r, &gain, l->validation.events.count);
    l->bar.validation = r.ndcg10;
    /* Of a single user the noise is not known. */
    const bool improved = isnan(gain.value) || gain.value > (isnan(gain.error) ? 0.0 : gain.error);
    p->worse = improved || t->step <= t->config.optim_warmup ? 0 : p->worse + 1;
    if (improved) validation_keep(&l->validation, VALIDATION_REFERENCE);
    if (r.ndcg10 <= p->best) return OK;
    p->best = r.ndcg10;
    p->error = r.error;
    p->hr10 = r.hr10;
    validation_keep(&l->validation, VALIDATION_BEST);
    path_in(path, sizeof path, l, "best.safetensors");
    TRY(checkpoint_write(t, p, path, false));
    if (t->config.train_anneal <= 0.0 || annealing(l).steps) return OK;
    path_in(path, sizeof path, l, rewind_name);
    return checkpoint_write(t, p, path, true);
}

/* "0.0481 +- 0.0012", of one standard error; "" where there was no validation. */
enum { BEST_TEXT_MAX = 48 };
static const char *best_text(const Loop *l, char text[BEST_TEXT_MAX])
{
    const double best = l->progression.best, error = l->progression.error;
    text[0] = '\0';
    if (best >= 0.0 && isnan(error)) snprintf(text, BEST_TEXT_MAX, "%.4f", best);
    if (best >= 0.0 && !isnan(error)) snprintf(text, BEST_TEXT_MAX, "%.4f +- %.4f", best, error);
    return text;
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

    char extra[160], best[BEST_TEXT_MAX];
    snprintf(extra, sizeof extra, "step %" PRId64 "  loss %.4f  %.1fk tokens/s%s%s", r.step,
             r.losses.total, l->tokens_per_s / 1e3,
             l->progression.best >= 0.0 ? "  best NDCG@10 " : "", best_text(l, best));
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

static Stop reason_to_stop(Loop *l)
{
    const Config *c = &l->trainer.config;
    l->interrupted = listener_stops(l->listener);
    if (l->interrupted) return STOP_INTERRUPTED;
    if (l->trainer.step >= l->steps) return annealing(l).steps ? STOP_ANNEALED : STOP_DONE;
    if (c->train_seconds > 0 && progress_seconds() - l->started >= c->train_seconds)
        return STOP_CLOCK;
    if (c->train_patience > 0 && l->progression.worse >= c->train_patience &&
        annealing(l).steps == 0)
        return STOP_EARLY;
    return STOP_NOT;
}

/* ---- Annealing ------------------------------------------------------------------------------- */

/* A run of a version that did not anneal has nothing to go back to. */
static bool may_anneal(const Loop *l)
{
    char path[4096];
    path_in(path, sizeof path, l, rewind_name);
    return l->trainer.config.train_anneal > 0.0 && access(path, F_OK) == 0;
}

/* Long enough for two validations, of which one is at the end. */
static int64_t steps_to_anneal(const Loop *l)
{
    const double share = l->trainer.config.train_anneal * (double)l->trainer.step;
    const int64_t validations = (int64_t)ceil(share / (double)l->valid_every);
    return l->valid_every * (validations > 2 ? validations : 2);
}

static Status anneal(Loop *l)
{
    Trainer *t = &l->trainer;
    char path[4096];
    const int64_t stopped = t->step;
    path_in(path, sizeof path, l, rewind_name);
    TRY(checkpoint_resume(t, &l->progression, path));
    t->optimizer.annealing = (Annealing){t->step, steps_to_anneal(l)};
    l->steps = t->step + t->optimizer.annealing.steps;
    stream_close(l->stream);
    l->stream = NULL;
    TRY(open_stream(l));
    metrics_close(&l->metrics);
    TRY(metrics_open(&l->metrics, t->config.train_out, t->step));
    l->bar.total = l->steps;
    listener_remark(l->listener,
                    "step %" PRId64 ": validation stopped improving; back to the best one, at step "
                    "%" PRId64 ", and with a falling learning rate to step %" PRId64,
                    stopped, t->step, l->steps);
    l->saved = false;
    return save(l);
}

/* What resuming a training needs stays while it can be resumed. */
static Status drop_rewind(const Loop *l, Stop reason)
{
    char path[4096];
    if (reason == STOP_INTERRUPTED || reason == STOP_CLOCK) return OK;
    path_in(path, sizeof path, l, rewind_name);
    if (unlink(path) != 0 && errno != ENOENT) return FAIL(ERR_IO, "%s: %s", path, strerror(errno));
    return OK;
}

/* A run that is done may be refreshed with a later log (train.refresh); a training that goes on
 * needs the log on which it began. */
static Status check_events(Loop *l)
{
    char path[4096];
    bool same;
    const Stop reason = reason_to_stop(l);
    if (!l->saved || (reason && !(reason == STOP_EARLY && may_anneal(l)))) return OK;
    path_in(path, sizeof path, l, "last.safetensors");
    TRY(checkpoint_same_events(path, l->trainer.fingerprint, &same));
    if (same) return OK;
    return FAIL(ERR_USAGE,
                "%s was trained on other events than those of %s; want the same file to resume, "
                "or train.from to begin a new training with its weights",
                path, l->trainer.file.path);
}

static Status run(Loop *l, bool compare)
{
    Stop reason;
    TRY(check_events(l));
    progress_begin(&l->bar, "train", l->steps, l->listener);
    while (!(reason = reason_to_stop(l)) || (reason == STOP_EARLY && may_anneal(l))) {
        if (reason == STOP_EARLY) TRY(anneal(l));
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
    TRY(drop_rewind(l, reason));
    char extra[160], best[BEST_TEXT_MAX];
    snprintf(extra, sizeof extra, "%s at step %" PRId64 "%s%s", stop_words[reason], l->trainer.step,
             l->progression.best >= 0.0 ? ", best validation NDCG@10 " : "", best_text(l, best));
    l->bar.total = l->trainer.step; /* the bar is full, also where training stopped early */
    progress_end(&l->bar, extra);
    return conclude(l, reason, compare);
}

/* A log without validation events has no best.safetensors, which is what is finished. */
static Status write_best(const Loop *l)
{
    char path[4096];
    path_in(path, sizeof path, l, "best.safetensors");
    return l->progression.best < 0.0 ? checkpoint_write(&l->trainer, &l->progression, path, false)
                                     : OK;
}

/* Closes what the training holds, so that what follows has its memory. */
static Status finish(Loop *l)
{
    const bool measures = l->trainer.measures_acting, finishes = finish_wanted(l->finish);
    ActingMeasured measured;
    if (l->interrupted) return OK;
    if (!measures && model_has(&l->trainer.model, HEAD_Q))
        acting_report(l->listener, &l->trainer.model.acting, &(ActingMeasured){0});
    if (!measures && !finishes) return OK;
    if (finishes) TRY(write_best(l));
    Config c = l->trainer.config;
    loop_close(l);
    if (measures) TRY(acting_find(&c, &measured, l->listener));
    if (finishes) TRY(finish_run(l->finish, &c, l->listener, &l->interrupted));
    return measures ? acting_store(&c, &measured) : OK;
}

static Status has_grown(const Safetensors *model, const char *data, bool *grown)
{
    CatalogueMatch match;
    Behaviour file;
    TRY(behaviour_open(&file, data));
    const Status st = saved_match(&match, model, &file);
    *grown = st == OK && !match.same;
    match_close(&match);
    behaviour_close(&file);
    return st;
}

static Status end_of(const Safetensors *model, LoopEnd *end)
{
    Progression p;
    double step;
    TRY(checkpoint_number(model, "step", &step));
    TRY(checkpoint_best(model, &p));
    *end = (LoopEnd){.steps = (int64_t)step, .best = p.best >= 0.0 ? p.best : NAN};
    return OK;
}

/* Where a run is resumed to be refreshed with a log whose catalogue has grown, it cannot be trained
 * on: its count table is all that changes. *done: that was so. */
static Status refresh_grown(const Config *config, LoopOptions options, LoopEnd *end, bool *done)
{
    char path[sizeof(Config_text) + 32];
    Safetensors model;
    Finish f;
    LoopEnd reached;
    *done = false;
    TRY(finish_read(&f, config));
    if (!options.resume || !f.counted || f.refit) return OK;
    snprintf(path, sizeof path, "%s/last.safetensors", config->train_out);
    TRY(safetensors_open(&model, path));
    Status st = has_grown(&model, config->data_path, done);
    if (st == OK) st = end_of(&model, &reached);
    safetensors_close(&model);
    TRY(st);
    if (!*done) return OK;
    TRY(finish_run(f, config, options.listener, &reached.interrupted));
    if (end) *end = reached;
    return OK;
}

Status loop_run(const Config *config, LoopOptions options, LoopEnd *end)
{
    Loop l = {.listener = options.listener};
    Status st;
    bool done;
    TRY(refresh_grown(config, options, end, &done));
    if (done) return OK;
    TRY_OR_FAIL(st, loop_open(&l, config, options));
    TRY_OR_FAIL(st, run(&l, options.compare));
    const int64_t steps = l.trainer.step;
    TRY_OR_FAIL(st, finish(&l));
    if (end)
        *end = (LoopEnd){.steps = steps,
                         .seconds = progress_seconds() - l.started,
                         .best = l.progression.best >= 0.0 ? l.progression.best : NAN,
                         .interrupted = l.interrupted};
fail:
    loop_close(&l);
    return st;
}
