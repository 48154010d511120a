/* SPDX-License-Identifier: Apache-2.0 */
#include "train/rounds/rounds.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/progress.h"
#include "data/behaviour/identity/hash.h"
#include "model/saved.h"
#include "train/acting/acting.h"
#include "train/checkpoint.h"
#include "train/defaults.h"
#include "train/metrics.h"
#include "train/rounds/report.h"
#include "train/step.h"
#include "train/trainer_open.h"
#include "world/log.h"
#include "world/model_actor.h"
#include "world/open.h"
#include "world/optimum.h"

enum { SLOTS = 4096 };
/* Mixed into the seed of measurements, so that they do not play the episodes of the logs. */
static const uint64_t MEASURE_SEED = UINT64_C(0x6D65617375726564);

/* The log of a round, to train on. */
typedef struct {
    Behaviour file;
    Stream *stream;
} RoundLog;

typedef struct {
    Config config;
    RoundsOptions options;
    World world;
    Optimum optimum;
    Trainer trainer;
    Session *session;        /* over the trainer's weights: the model that plays */
    ActingMeasured measured; /* how far Q can be trusted, after the last round */
    struct {
        int64_t round; /* with the highest greedy return so far; */
        ActingRule rule;
        ActingMeasured measured; /* how its model acts, and why */
    } best;
    Metrics metrics;
    RoundLog *log; /* [rounds] */
    double *value; /* [the most episodes] returns of the last episodes played */
    double *lost;  /* [measured] what each lost against the optimum */
    RoundsTable table;
    Progress progress; /* steps of all rounds */
    double started;
} Rounds;

/* The path of a file in train.out; with number >= 0, of NAME-NUMBER.h5. */
static void path_in(char *path, size_t size, const Rounds *r, const char *name, int64_t number)
{
    const char *folder = r->config.train_out;
    if (number < 0)
        snprintf(path, size, "%s/%s", folder, name);
    else
        snprintf(path, size, "%s/%s-%" PRId64 ".h5", folder, name, number);
}

/* Round 0 may have another number: a policy of the world plays much faster than a model. */
static int64_t episodes_of(const Config *c, int64_t round)
{
    const bool first = round == 0 && c->world_first_episodes > 0 && !*c->train_from;
    return first ? c->world_first_episodes : c->world_episodes;
}

static int64_t steps_of(const Config *c, int64_t round)
{
    return round == 0 && c->world_first_steps > 0 ? c->world_first_steps : c->world_steps;
}

static int64_t steps_of_all(const Config *c)
{
    return steps_of(c, 0) + (c->world_rounds - 1) * c->world_steps;
}

/* ---- Playing --------------------------------------------------------------------------------- */

static PlayOptions measured_episodes(const Rounds *r)
{
    return (PlayOptions){.episodes = r->config.world_measured,
                         .slots = SLOTS,
                         .seed = (uint64_t)r->config.train_seed ^ MEASURE_SEED,
                         .threads = (int)r->config.train_threads};
}

static Status measure(Rounds *r, Actor actor, PlayInterval *interval)
{
    const PlayOptions o = measured_episodes(r);
    PlayResult result = {.value = r->value};
    TRY(play(&r->world, &o, actor, (PlaySink){0}, &result));
    *interval = play_interval(r->value, o.episodes);
    return OK;
}

static Status measure_baselines(Rounds *r)
{
    RoundsTable *t = &r->table;
    const WorldBaseline *own = r->world.kind->baselines;
    const WorldBaseline *all[ROUNDS_BASELINES_MAX] = {world_baseline(&r->world, "random")};
    for (t->baselines = 1; own && own->name && t->baselines < ROUNDS_BASELINES_MAX; own++)
        all[t->baselines++] = own;
    for (int i = 0; i < t->baselines; i++) {
        MeasuredPolicy *b = &t->baseline[i];
        *b = (MeasuredPolicy){.name = all[i]->name, .oracle = all[i]->oracle};
        TRY(measure(r, play_baseline_actor(all[i]), &b->value));
    }
    if (!r->world.kind->mdp) return OK;
    TRY(optimum_open(&r->optimum, &r->world));
    t->known = true;
    t->optimum = r->optimum.value;
    return OK;
}

/* Lets `actor` play the log of a round. */
static Status play_log(Rounds *r, int64_t round, int64_t episodes, Actor actor)
{
    const Config *c = &r->config;
    const PlayOptions o = {.first = round ? episodes_of(c, 0) + (round - 1) * c->world_episodes : 0,
                           .episodes = episodes,
                           .slots = SLOTS,
                           .seed = (uint64_t)c->train_seed,
                           .threads = (int)c->train_threads};
    char path[4096], report[64];
    WorldLog *log = NULL;
    PlayResult result = {.value = r->value};
    path_in(path, sizeof path, r, "round", round);
    snprintf(report, sizeof report, "round %" PRId64, round);
    Status st;
    TRY_OR_FAIL(st, world_log_open(&log, path, &r->world, 0, report));
    TRY_OR_FAIL(st, play(&r->world, &o, actor, world_log_sink(log), &result));
    TRY_OR_FAIL(st, world_log_finish(log));
    r->table.round[round].played = play_interval(r->value, episodes);
    st = behaviour_open(&r->log[round].file, path);
fail:
    world_log_close(log);
    return st;
}

/* The share of epsilon and temperature that is left in a round. */
static double share_left(const Config *c, int64_t round)
{
    const double rounds = (double)(c->world_rounds > 2 ? c->world_rounds - 2 : 1);
    return round < 1 ? 1.0 : pow(c->world_cooling, (double)(round - 1) / rounds);
}

static Status measure_greedy(Rounds *r, MeasuredRound *m, Actor actor)
{
    OptimumMeter meter = {&r->optimum, actor, 0, r->lost};
    memset(r->lost, 0, (size_t)r->config.world_measured * sizeof *r->lost);
    TRY(measure(r, r->optimum.known ? optimum_meter_actor(&meter) : actor, &m->greedy));
    m->lost = play_interval(r->lost, r->config.world_measured);
    return OK;
}

/* Lets the model act: greedily, to be measured, or with exploration, to play the log of the
 * round. */
static Status act(Rounds *r, int64_t round, bool greedy)
{
    const Config *c = &r->config;
    const double left = greedy ? 0.0 : share_left(c, round);
    const ActOptions options = {
        .temperature = left * c->world_temperature,
        .epsilon = c->world_temperature > 0.0 ? 0.0 : left * c->world_epsilon,
        .seed = (uint64_t)c->train_seed,
    };
    ModelActor *actor = NULL;
    Status st;
    TRY_OR_FAIL(st, listener_check(r->options.listener));
    TRY_OR_FAIL(st, model_actor_open(&actor, r->session, &r->world, &options));
    st = greedy ? measure_greedy(r, &r->table.round[round], model_actor(actor))
                : play_log(r, round, episodes_of(c, round), model_actor(actor));
fail:
    model_actor_close(actor);
    return st;
}

/* ---- Training -------------------------------------------------------------------------------- */

static Status open_stream(Rounds *r, int64_t round)
{
    const Config *c = &r->config;
    const StreamOptions options = {
        .split = SPLIT_TRAIN,
        .tokens = c->train_tokens,
        .length = c->model_length,
        .pool_events = c->train_pool_events,
        .seed = (uint64_t)c->train_seed + (uint64_t)round,
        .shuffle = true,
        .counted = r->trainer.model.counted,
    };
    return stream_open(&r->log[round].stream, &r->log[round].file, &options, (StreamCursor){0});
}

static Status train(Rounds *r, int64_t round)
{
    const Config *c = &r->config;
    Trainer *t = &r->trainer;
    const int64_t window =
        c->world_window && c->world_window <= round ? c->world_window : round + 1;
    const int64_t steps = steps_of(c, round);
    double td = 0.0, reported = progress_seconds();
    for (int64_t n = 0; n < steps; n++) {
        const Philox p = philox((uint64_t)c->train_seed, 0x726F756E64, (uint64_t)t->step);
        const int64_t from = round - (int64_t)(p.word[0] * (uint64_t)window >> 32);
        const Batch *batch;
        TRY(stream_next(r->log[from].stream, &batch));
        TRY(step_enqueue(t, batch));
        while (trainer_unreported(t) > (n + 1 < steps ? trainer_ahead(t) : 0)) {
            StepReport report;
            const double before = reported;
            TRY(step_report(t, &report));
            reported = progress_seconds();
            metrics_step(&r->metrics, &report, round, reported - before);
            r->table.round[round].events += report.tokens;
            td += report.losses.mean[LOSS_TD] / (double)steps;
            r->progress.loss = report.losses.total;
            TRY(progress_update(&r->progress, report.step, NULL));
        }
    }
    r->table.round[round].td = td;
    r->table.round[round].steps = t->step;
    return metrics_flush(&r->metrics);
}

/* Finds the rule by which the model acts from now on, by the round's log. */
static Status find_rule(Rounds *r, int64_t round)
{
    Trainer *t = &r->trainer;
    Session *session;
    if (!t->measures_acting) return OK;
    TRY(session_open(&session, &(SessionOptions){.model = &t->model,
                                                 .length = t->config.model_length,
                                                 .encoder = &t->online,
                                                 .file = &r->log[round].file,
                                                 .dev = &t->dev}));
    const Status st =
        acting_measure(session, (uint64_t)r->config.train_seed, &t->model.acting, &r->measured);
    session_close(session);
    char text[ACTING_TEXT_MAX];
    snprintf(t->config.acting_rule, sizeof t->config.acting_rule, "%s",
             acting_text(text, &t->model.acting));
    return st;
}

/* ---- The rounds ------------------------------------------------------------------------------ */

/* Whether the model of this round earns more than those before it, on the same episodes. */
static bool is_best(const Rounds *r, int64_t round)
{
    const MeasuredRound *m = r->table.round;
    return round == 0 || m[round].greedy.mean > m[r->best.round].greedy.mean;
}

static Status save(Rounds *r, int64_t round)
{
    char path[4096];
    const Progression p = {.best = -1.0};
    path_in(path, sizeof path, r, "last.safetensors", -1);
    TRY(checkpoint_write(&r->trainer, &p, path, true));
    TRY(checkpoint_describe(&r->trainer, &p));
    if (!is_best(r, round)) return OK;
    r->best.round = round;
    r->best.rule = r->trainer.model.acting;
    r->best.measured = r->measured;
    path_in(path, sizeof path, r, "best.safetensors", -1);
    return checkpoint_write(&r->trainer, &p, path, false);
}

static void show_head(const Rounds *r)
{
    const RoundsTable *t = &r->table;
    Listener *l = r->options.listener;
    for (int i = 0; i < t->baselines; i++)
        listener_remark(l, "%-20s %10.5f +- %.5f%s", t->baseline[i].name, t->baseline[i].value.mean,
                        t->baseline[i].value.half,
                        t->baseline[i].oracle ? "  sees what no history shows" : "");
    if (t->known) listener_remark(l, "%-20s %10.5f", "the optimum", t->optimum);
    listener_remark(l, "\n%5s %23s %23s %18s %10s %10s %8s", "round", "played", "greedy",
                    t->known ? "of the optimum" : "", "TD loss", "events", "seconds");
}

static void show_round(const Rounds *r, int64_t round)
{
    const RoundsTable *t = &r->table;
    const MeasuredRound *m = &t->round[round];
    char share[64] = "";
    if (t->known)
        snprintf(share, sizeof share, "%8.4f +- %6.4f", 1.0 - m->lost.mean / t->optimum,
                 m->lost.half / t->optimum);
    listener_remark(r->options.listener,
                    "%5" PRId64 " %11.5f +- %8.5f %11.5f +- %8.5f %18s %10.4g %10" PRId64 " %8.1f",
                    round, m->played.mean, m->played.half, m->greedy.mean, m->greedy.half, share,
                    m->td, m->events, m->seconds);
}

static void show_best(const Rounds *r)
{
    Listener *l = r->options.listener;
    const MeasuredRound *m = &r->table.round[r->best.round];
    listener_remark(l,
                    "%s/best.safetensors is the model of round %" PRId64
                    ", whose greedy return is the highest: %.5f +- %.5f.",
                    r->table.folder, r->best.round, m->greedy.mean, m->greedy.half);
    acting_report(l, &r->best.rule, &r->best.measured);
}

static Status run_round(Rounds *r, int64_t round)
{
    MeasuredRound *m = &r->table.round[round];
    if (round > 0) {
        m->events = r->table.round[round - 1].events;
        r->trainer.model.counted = 0; /* the table counts the log of round 0 alone */
        TRY(act(r, round, false));
    }
    TRY(open_stream(r, round));
    TRY(train(r, round));
    TRY(find_rule(r, round));
    TRY(act(r, round, true));
    m->seconds = progress_seconds() - r->started;
    r->table.rounds = round + 1;
    r->progress.validation = m->greedy.mean;
    show_round(r, round);
    TRY(save(r, round));
    return rounds_report_write(&r->table);
}

/* With train.from the model plays round 0 itself. Its log replaces the one episode that was played
 * to show it the catalogue. */
static Status play_first(Rounds *r)
{
    behaviour_close(&r->log[0].file);
    return act(r, 0, false);
}

static Status open_folder(const Rounds *r)
{
    char path[4096];
    TRY(files_make_folder(r->config.train_out));
    path_in(path, sizeof path, r, "last.safetensors", -1);
    if (access(path, F_OK) == 0 && !r->options.overwrite)
        return FAIL(ERR_USAGE, "%s exists, want --force to overwrite it", path);
    return OK;
}

static Status allocate(Rounds *r)
{
    const Config *c = &r->config;
    int64_t most = episodes_of(c, 0);
    if (c->world_episodes > most) most = c->world_episodes;
    if (c->world_measured > most) most = c->world_measured;
    r->table.round = calloc((size_t)c->world_rounds, sizeof *r->table.round);
    r->log = calloc((size_t)c->world_rounds, sizeof *r->log);
    r->value = calloc((size_t)most, sizeof *r->value);
    r->lost = calloc((size_t)c->world_measured, sizeof *r->lost);
    if (r->table.round && r->log && r->value && r->lost) return OK;
    return FAIL(ERR_MEMORY, "no memory for %" PRId64 " rounds", c->world_rounds);
}

/* Opens a trainer and a model that acts, both for the catalogue of the log of round 0. */
static Status open_trainer(Rounds *r)
{
    const Config *c = &r->config;
    char path[4096];
    Behaviour file; /* the trainer takes it over */
    path_in(path, sizeof path, r, "round", 0);
    TRY(behaviour_open(&file, path));
    const TrainerOptions options = {.listener = r->options.listener};
    TRY(trainer_open_on(&r->trainer, c, file, options));
    TRY(trainer_session(&r->trainer, &r->session));
    TRY(hash_events(&r->trainer.file, r->trainer.fingerprint));
    TRY(checkpoint_begin(&r->trainer, r->options.listener));
    TRY(checkpoint_begin_counts(&r->trainer));
    TRY(acting_begin_from(&r->trainer));
    trainer_schedule(&r->trainer, steps_of_all(c));
    return saved_write_catalogue(&r->trainer.file, c->train_out);
}

static Status begin(Rounds *r)
{
    const Config *c = &r->config;
    TRY(checkpoint_sizes(&r->config));
    defaults_without_log(&r->config);
    TRY(world_open(&r->world, c->world_name));
    const WorldBaseline *first = world_baseline(&r->world, c->world_first);
    if (!first) return world_no_policy(&r->world, "world.first", c->world_first, NULL);
    TRY(open_folder(r));
    r->table = (RoundsTable){
        .world = c->world_name, .objective = c->learn_objective, .folder = c->train_out};
    TRY(allocate(r));
    TRY(measure_baselines(r));
    TRY(play_log(r, 0, *c->train_from ? 1 : episodes_of(c, 0), play_baseline_actor(first)));
    TRY(open_trainer(r));
    if (*c->train_from) TRY(play_first(r));
    TRY(metrics_open(&r->metrics, c->train_out, 0));
    show_head(r);
    progress_begin(&r->progress, "train", steps_of_all(c), r->options.listener);
    return OK;
}

static void end(Rounds *r)
{
    for (int64_t i = 0; r->log && i < r->config.world_rounds; i++) {
        stream_close(r->log[i].stream);
        behaviour_close(&r->log[i].file);
    }
    free(r->log);
    free(r->value);
    free(r->lost);
    free(r->table.round);
    metrics_close(&r->metrics);
    session_close(r->session);
    trainer_close(&r->trainer);
    optimum_close(&r->optimum);
    world_close(&r->world);
}

Status rounds_run(const Config *config, RoundsOptions options, MeasuredRound *last, double *optimum)
{
    Rounds r = {.config = *config, .options = options, .started = progress_seconds()};
    Status st;
    TRY_OR_FAIL(st, begin(&r));
    for (int64_t round = 0; round < config->world_rounds; round++)
        TRY_OR_FAIL(st, run_round(&r, round));
    progress_end(&r.progress, NULL);
    show_best(&r);
    if (last) *last = r.table.round[config->world_rounds - 1];
    if (optimum) *optimum = r.table.known ? r.table.optimum : NAN;
fail:
    end(&r);
    return st;
}
