/* SPDX-License-Identifier: Apache-2.0 */
#include "train/ablation/ablation.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/files.h"
#include "base/parallel.h"
#include "evaluate/ranking/bars/bars.h"
#include "evaluate/ranking/model_scorer.h"
#include "evaluate/ranking/repeats.h"
#include "train/ablation/record.h"
#include "train/ablation/report.h"
#include "train/checkpoint.h"
#include "train/finish/finish.h"
#include "train/loop.h"
#include "train/rounds/rounds.h"

static const RankingMeasure judged_by = NDCG_10;
enum { REPLICATES = 2000 }; /* of the bootstrap */

/* For one group of events, what each user adds to the measure that decides. */
typedef struct {
    double *size; /* [users] events of the user */
    double *sum;  /* [arms, users] mean over the seeds */
} UserSums;

typedef struct {
    Config config;
    AblationOptions options;
    ScoreOptions score;
    bool world;
    /* Of a log: */
    Behaviour file;
    Histories histories;
    int64_t users;       /* with scored events */
    int judged_groups;   /* with those without events, which the table leaves out */
    UserSums *user_sums; /* [judged_groups] */
    double *space;       /* [users] of one seed */
    /* Of a world: */
    PlayInterval greedy[ABLATION_ARMS_MAX][ABLATION_SEEDS_MAX];
    AblationTable table;
} Ablation;

/* ---- Arms ------------------------------------------------------------------------------------ */

static bool same_objective(const Objective *a, const Objective *b)
{
    return a->terms == b->terms && !memcmp(a->term, b->term, (size_t)a->terms * sizeof *a->term);
}

/* Fills the arms: the fixed ones and, where it is not one of them, the chosen one. */
static Status choose_arms(AblationTable *t, const char *chosen)
{
    static const struct {
        const char *objective;
        AblationRole role;
    } fixed[] = {{"cross_entropy", ARM_NO_RL},
                 {"cross_entropy+aux_random", ARM_CONTROL},
                 {"cross_entropy+aux_length", ARM_CONTROL},
                 {"cross_entropy+sarsa", ARM_AGENT}};
    Objective wanted, have;
    bool among = false;
    TRY(objective_parse(&wanted, chosen));
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++) {
        AblationArm *arm = &t->arm[t->arms++];
        arm->role = fixed[i].role;
        snprintf(arm->objective, sizeof arm->objective, "%s", fixed[i].objective);
        TRY(objective_parse(&have, arm->objective));
        if (!same_objective(&wanted, &have)) continue;
        among = true;
        if (arm->role != ARM_AGENT)
            return FAIL(
                ERR_USAGE,
                "learn.objective = \"%s\" is what agents are compared with, want an agent, such "
                "as cross_entropy+double_q",
                chosen);
    }
    if (among) return OK;
    t->arm[t->arms] = (AblationArm){.role = ARM_AGENT};
    snprintf(t->arm[t->arms].objective, sizeof t->arm->objective, "%s", chosen);
    t->arms++;
    return OK;
}

/* Makes the settings of an arm under a seed. */
static Status arm_config(Config *c, const Ablation *a, int arm, int seed)
{
    const AblationArm *of = &a->table.arm[arm];
    *c = a->config;
    c->train_seed += seed;
    snprintf(c->learn_objective, sizeof c->learn_objective, "%s", of->objective);
    if (a->world && of->role != ARM_AGENT)
        snprintf(c->acting_rule, sizeof c->acting_rule, "policy");
    const int length = snprintf(c->train_out, sizeof c->train_out, "%s/%s-seed-%" PRId64,
                                a->config.train_out, of->objective, c->train_seed);
    if (length >= (int)sizeof c->train_out)
        return FAIL(ERR_USAGE, "train.out = \"%s\" is too long, want a shorter path",
                    a->config.train_out);
    return OK;
}

/* ---- Training -------------------------------------------------------------------------------- */

/* On the log. A training that was interrupted continues from its last checkpoint where the budget
 * is in steps. How much of a budget in seconds was spent is not known, so such an arm starts
 * again. */
static Status train_on_log(const Ablation *a, AblationRecord *r, const Config *c, bool began)
{
    char last[sizeof(Config_text) + 32];
    LoopEnd end;
    snprintf(last, sizeof last, "%s/last.safetensors", c->train_out);
    const bool resume = began && c->train_seconds == 0.0 && access(last, F_OK) == 0;
    const LoopOptions how = {.resume = resume,
                             .overwrite = began || a->options.overwrite,
                             .listener = a->options.listener};
    TRY(loop_run(c, how, &end));
    if (end.interrupted)
        return FAIL(ERR_CANCELLED, "interrupted in %s; the same command goes on from there",
                    c->train_out);
    r->steps = end.steps;
    r->seconds = end.seconds;
    return OK;
}

static Status train_in_world(const Ablation *a, AblationRecord *r, const Config *c, bool began)
{
    MeasuredRound last;
    const RoundsOptions how = {.overwrite = began || a->options.overwrite,
                               .listener = a->options.listener};
    TRY(rounds_run(c, how, &last, &r->optimum));
    r->steps = c->world_rounds * c->world_steps;
    r->seconds = last.seconds;
    r->greedy = last.greedy;
    return OK;
}

static Status train_arm(const Ablation *a, AblationRecord *r, const Config *c)
{
    const Behaviour *file = a->world ? NULL : &a->file;
    bool began = false;
    *r = (AblationRecord){.optimum = NAN};
    if (!a->options.overwrite) TRY(ablation_record_read(r, &began, c, file));
    if (r->complete) {
        listener_remark(a->options.listener, "  complete already");
        return OK;
    }
    TRY(files_make_folder(c->train_out));
    if (!began) {
        /* Another run in this folder must not be overwritten. */
        char last[sizeof(Config_text) + 32];
        snprintf(last, sizeof last, "%s/last.safetensors", c->train_out);
        if (access(last, F_OK) == 0 && !a->options.overwrite)
            return FAIL(
                ERR_USAGE,
                "%s exists and is no arm's, want another train.out, or --force to overwrite it",
                last);
    }
    TRY(ablation_record_write(r, c, file));
    TRY(a->world ? train_in_world(a, r, c, began) : train_on_log(a, r, c, began));
    r->complete = true;
    return ablation_record_write(r, c, file);
}

/* ---- Judging --------------------------------------------------------------------------------- */

/* The group of the evaluation that group g of the table is: all events, or those of an action. */
static int scored_group(int g) { return g ? GROUP_ACTION + g - 1 : GROUP_ALL; }

static void take_ranking(Ablation *a, const Evaluation *e, int arm, int seed)
{
    for (int g = 0; g < a->table.groups; g++) {
        AblationGroup *group = &a->table.group[g];
        UserSums *s = &a->user_sums[g];
        const RankingSummary *summary = evaluation_summary(e, 0, scored_group(g));
        for (int m = 0; m < MEASURES; m++) group->value[m][arm][seed] = summary->measure[m].value;
        ranking_users(e->scorer[0].ranking, scored_group(g), judged_by, a->space, s->size);
        for (int64_t u = 0; u < a->users; u++)
            s->sum[arm * a->users + u] += a->space[u] / (double)a->table.seeds;
    }
}

/* Ranks the test split by the policy or, without one, by Q. */
static Status rank(Ablation *a, const Config *c, int arm, int seed)
{
    Session *session;
    Evaluation e;
    TRY(session_open(&session, &(SessionOptions){.checkpoint = c->train_out,
                                                 .file = &a->file,
                                                 .device = c->train_device,
                                                 .threads = a->score.threads}));
    Scorer scorer =
        model_scorer(session, acting_by_head(heads_default(session->model->shape.head_set)).kind);
    scorer.name = "rank the test split";
    Status st = evaluation_open(&e, &a->histories, &a->score, a->options.users, 1);
    if (st == OK) st = evaluation_add(&e, &scorer);
    if (st == OK) take_ranking(a, &e, arm, seed);
    evaluation_close(&e);
    session_close(session);
    return st;
}

static Status run_arm(Ablation *a, int arm, int seed)
{
    AblationTable *t = &a->table;
    Config c;
    AblationRecord record;
    TRY(arm_config(&c, a, arm, seed));
    listener_remark(a->options.listener, "[%d/%d] %s, seed %" PRId64, seed * t->arms + arm + 1,
                    t->arms * t->seeds, c.learn_objective, c.train_seed);
    TRY(train_arm(a, &record, &c));
    t->arm[arm].steps[seed] = record.steps;
    t->optimum = record.optimum;
    a->greedy[arm][seed] = record.greedy;
    if (a->world) return OK;
    TRY(rank(a, &c, arm, seed));
    listener_remark(a->options.listener, "  %s %.4f", t->judged,
                    t->group[0].value[judged_by][arm][seed]);
    return OK;
}

/* ---- Beginning ------------------------------------------------------------------------------- */

static Status make_groups(Ablation *a, int groups)
{
    AblationTable *t = &a->table;
    t->groups = groups;
    t->group = calloc((size_t)groups, sizeof *t->group);
    a->user_sums = calloc((size_t)groups, sizeof *a->user_sums);
    a->space = calloc((size_t)a->users + 1, sizeof *a->space);
    bool there = t->group && a->user_sums && a->space;
    a->judged_groups = a->user_sums ? groups : 0;
    for (int g = 0; there && g < groups; g++) {
        UserSums *s = &a->user_sums[g];
        s->size = calloc((size_t)a->users + 1, sizeof *s->size);
        s->sum = calloc((size_t)t->arms * (size_t)a->users + 1, sizeof *s->sum);
        there = s->size && s->sum;
    }
    return there
               ? OK
               : FAIL(ERR_MEMORY, "no memory for %d groups of %" PRId64 " users", groups, a->users);
}

/* Makes the groups, with the best bar, from an evaluation of that bar alone. */
static Status fill_groups(Ablation *a, const Evaluation *e)
{
    a->users = e->events.users;
    a->table.left_out = e->events.left_repeats ? e->events.repeats : 0;
    TRY(make_groups(a, 1 + a->file.actions));
    for (int g = 0; g < a->table.groups; g++) {
        AblationGroup *group = &a->table.group[g];
        group->name = g ? a->file.action_name[g - 1] : "all";
        group->best = *evaluation_summary(e, 0, scored_group(g));
        group->events = group->best.events;
        group->users = group->best.users;
        if (group->events) group->baseline = e->scorer[0].scorer.name;
    }
    return OK;
}

static Status rank_bars(Ablation *a)
{
    const Histories validation = histories_of_split(&a->histories, SPLIT_VALID);
    RepeatsRule rule;
    Bars bars;
    Evaluation e = {0};
    TRY(repeats_rule(&rule, &validation));
    a->score.include_seen |= rule.include_seen && !a->options.exclude_seen;
    TRY(bars_fit(&bars, &validation,
                 &(BarsOptions){.include_seen = a->score.include_seen,
                                .counters_only = true,
                                .threads = a->score.threads,
                                .listener = a->options.listener}));
    const Scorer best = bar_scorer(&bars.bar[bars.best].bar);
    Status st;
    TRY_OR_FAIL(st, evaluation_open(&e, &a->histories, &a->score, a->options.users, 1));
    if (!e.events.count)
        TRY_OR_FAIL(st, FAIL(ERR_FORMAT,
                             "%s: no event of the test split to rank, want one with a "
                             "history",
                             a->file.path));
    TRY_OR_FAIL(st, evaluation_add(&e, &best));
    TRY_OR_FAIL(st, fill_groups(a, &e));
fail:
    evaluation_close(&e);
    bars_close(&bars);
    return st;
}

static Status begin(Ablation *a)
{
    AblationTable *t = &a->table;
    const Config *c = &a->config;
    Finish wanted;
    TRY(finish_read(&wanted, c));
    if (finish_wanted(wanted))
        return FAIL(ERR_USAGE, "train.refit and train.refresh are not for an ablation: its arms "
                               "are compared as trained on the train split");
    TRY(choose_arms(t, c->learn_objective));
    TRY(files_make_folder(c->train_out));
    if (a->world) {
        t->judged = "return";
        TRY(make_groups(a, 1));
        t->group[0].name = "greedy policy after the last round";
        return OK;
    }
    t->judged = ranking_measure_name(judged_by);
    TRY(behaviour_open(&a->file, c->data_path));
    TRY(histories_read(&a->histories, &a->file, SPLIT_TEST));
    t->items = a->file.items;
    return rank_bars(a);
}

/* ---- The end --------------------------------------------------------------------------------- */

static Status compare(Ablation *a, int g)
{
    AblationTable *t = &a->table;
    AblationGroup *group = &t->group[g];
    double seed[ABLATION_ARMS_MAX * ABLATION_SEEDS_MAX];
    for (int arm = 0; arm < t->arms; arm++)
        for (int s = 0; s < t->seeds; s++)
            seed[arm * t->seeds + s] =
                a->world ? a->greedy[arm][s].mean : group->value[judged_by][arm][s];
    const PairedSample sample = {.arms = t->arms,
                                 .seeds = t->seeds,
                                 .seed = seed,
                                 .users = a->users,
                                 .size = a->user_sums[g].size,
                                 .sum = a->user_sums[g].sum};
    const Bootstrap bootstrap = {.replicates = REPLICATES, .seed = 1, .threads = a->score.threads};
    return paired_estimates(group->arm, group->difference, &sample, &bootstrap);
}

/* Keeps the first group, and of the others those that have some but not all events. */
static void keep_groups(AblationTable *t)
{
    int kept = 1;
    for (int g = 1; g < t->groups; g++)
        if (t->group[g].events > 0 && t->group[g].events < t->group[0].events)
            t->group[kept++] = t->group[g];
    t->groups = kept;
}

static Status finish(Ablation *a)
{
    for (int g = 0; g < a->table.groups; g++) TRY(compare(a, g));
    keep_groups(&a->table);
    ablation_report_print(stdout, &a->table);
    return ablation_report_write(&a->table);
}

static void end(Ablation *a)
{
    for (int g = 0; g < a->judged_groups; g++) {
        free(a->user_sums[g].size);
        free(a->user_sums[g].sum);
    }
    free(a->user_sums);
    free(a->space);
    free(a->table.group);
    histories_close(&a->histories);
    behaviour_close(&a->file);
}

Status ablation_run(const Config *config, const AblationOptions *options)
{
    Ablation *a = calloc(1, sizeof *a);
    if (!a) return FAIL(ERR_MEMORY, "no memory for an ablation");
    a->config = *config;
    a->options = *options;
    a->world = config->world_name[0] != '\0';
    a->score = (ScoreOptions){.include_seen = options->include_seen,
                              .threads = config->train_threads ? (int)config->train_threads
                                                               : parallel_processors(),
                              .purchase = -1,
                              .listener = options->listener};
    a->table = (AblationTable){.config = &a->config, .seeds = (int)options->seeds, .optimum = NAN};
    Status st;
    TRY_OR_FAIL(st, begin(a));
    for (int seed = 0; seed < a->table.seeds; seed++)
        for (int arm = 0; arm < a->table.arms; arm++) TRY_OR_FAIL(st, run_arm(a, arm, seed));
    TRY_OR_FAIL(st, finish(a));
fail:
    end(a);
    free(a);
    return st;
}
