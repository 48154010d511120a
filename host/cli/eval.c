/* SPDX-License-Identifier: Apache-2.0 */
/* souk eval: how well a model, and the bars beside it, rank what users did next. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/parallel.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "evaluate/outcome/report.h"
#include "evaluate/ranking/bars/bars.h"
#include "evaluate/ranking/event_table.h"
#include "evaluate/ranking/model_scorer.h"
#include "evaluate/ranking/purchase_rates.h"
#include "evaluate/ranking/report.h"
#include "evaluate/ranking/report_json.h"
#include "infer/acting.h"
#include "infer/answers.h"
#include "model/saved.h"

typedef struct {
    Config config;
    const char *checkpoint[RANKING_SEEDS_MAX];
    int checkpoints;
    const char *json, *events, *purchase;
    ActingChoice acting;
    int split;
    int64_t users, seeds;
    bool include_seen, exclude_seen, all, force;
} Arguments;

/* The splits from SPLIT_VALID on. */
static const char *const splits[] = {"valid", "test", NULL};

static Status take_checkpoint(void *arguments, const Option *o, const char *value)
{
    Arguments *a = arguments;
    if (a->checkpoints == RANKING_SEEDS_MAX)
        return FAIL(ERR_USAGE, "more than %d times --%s, want at most as many", RANKING_SEEDS_MAX,
                    o->name);
    a->checkpoint[a->checkpoints++] = value;
    return OK;
}

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    CLI_DATA(.required = true, .help = "behaviour file"),
    {.name = "checkpoint",
     .value = "PATH",
     .take = take_checkpoint,
     .help =
         "a model to show beside the bars: a file or the folder of a run; several are one model, "
         "trained with several seeds, and are averaged"},
    {.name = "seeds",
     .value = "N",
     FIELD(seeds),
     .low = 1,
     .high = RANKING_SEEDS_MAX,
     .initial = "1",
     .help = "with 2 or more, the one checkpoint PATH stands for N runs, PATH-1 to PATH-N"},
    {.name = "split",
     .value = "NAME",
     FIELD(split),
     .choices = splits,
     .initial = "test",
     .help = "the split whose events are ranked"},
    {.name = "include-seen",
     FIELD(include_seen),
     .help = "items of the history stay candidates; by default where at least 5 % of the "
             "validation targets are in their history"},
    {.name = "exclude-seen",
     FIELD(exclude_seen),
     .help = "items of the history are no candidates, and events whose target is one of them are "
             "left out"},
    CLI_ACTING,
    CLI_EXCLUDE_LAST,
    {.name = "purchase",
     .value = "NAME",
     FIELD(purchase),
     .help = "the action that counts as a purchase; \"purchase\" where the file has it"},
    {.name = "users",
     .value = "N",
     FIELD(users),
     .high = (double)INT64_MAX,
     .initial = "0",
     .help = "evaluate only a random sample of N users; 0: all"},
    CLI_SEED(.help = "seed of the sample"),
    {.name = "force",
     FIELD(force),
     .help = "rank events all the same that the model counts or has learned"},
    {.name = "all",
     FIELD(all),
     .help = "show all tables: settings of the bars, groups of events, purchases"},
    CLI_JSON,
    {.name = "events",
     .value = "FILE",
     FIELD(events),
     .written = true,
     .help = "write the place of each target under each scorer, one line an event"},
    {.heading = "General options"},
    CLI_DEVICE(),
    CLI_THREADS,
    CLI_QUIET,
    {0},
};

/* What one evaluation holds open. */
typedef struct {
    ScoreOptions score;
    Behaviour file;
    Histories histories;
    int known;            /* the first splits whose events the models contain */
    Behaviour known_file; /* where these are the train split; for the bars of a refreshed model */
    Histories known_histories;
    RepeatsRule rule;
    Bars bars;
    PurchaseRates rates;
    Evaluation evaluation;
    OutcomeMeasures outcome; /* of the first model that has an outcome head */
} Job;

/* The action to predict: the named one, which must exist; by default "purchase" where it does. */
static Status find_purchase(const Behaviour *b, const char *name, int *action)
{
    Nearest near = nearest_to(name ? name : "");
    *action = -1;
    for (int a = 0; a < b->actions; a++) {
        nearest_offer(&near, b->action_name[a]);
        if (!strcmp(b->action_name[a], name ? name : "purchase")) *action = a;
    }
    if (*action < 0 && name)
        return FAIL(ERR_USAGE, "--purchase = \"%s\"%s, want an action of %s", name,
                    nearest_hint(&near), b->path);
    return OK;
}

/* By the rule that the model acts by, and by its policy and its Q, where they are others. */
static Status add_model(Job *job, const Arguments *a, const char *checkpoint)
{
    static const struct {
        ActingKind kind;
        HeadId head;
    } alone[] = {{ACTING_POLICY, HEAD_POLICY}, {ACTING_Q, HEAD_Q}};
    Session *session;
    TRY(session_open(&session, &(SessionOptions){.checkpoint = checkpoint,
                                                 .acting = &a->acting,
                                                 .file = &job->file,
                                                 .device = a->config.train_device,
                                                 .threads = job->score.threads}));
    const ActingKind own = session_acting(session).kind;
    Scorer scorer = model_scorer(session, own);
    Status st = evaluation_add(&job->evaluation, &scorer);
    for (int k = 0; k < 2; k++) {
        if (alone[k].kind == own || !model_has(session->model, alone[k].head) || st != OK) continue;
        scorer = model_scorer(session, alone[k].kind);
        st = evaluation_add(&job->evaluation, &scorer);
    }
    if (st == OK && answers_known(session) && !job->outcome.count)
        st = measure_outcome(&job->outcome, session, SPLIT_VALID + a->split, a->users,
                             (uint64_t)a->config.train_seed, job->score.listener);
    session_close(session);
    return st;
}

/* Calls `each` with every checkpoint; with --seeds N they are PATH-1 to PATH-N of the one PATH. */
static Status each_checkpoint(Job *job, const Arguments *a,
                              Status (*each)(Job *job, const Arguments *a, const char *checkpoint))
{
    for (int k = 0; k < a->checkpoints && a->seeds == 1; k++) TRY(each(job, a, a->checkpoint[k]));
    for (int64_t k = 1; k <= a->seeds && a->seeds > 1; k++) {
        char path[sizeof(Config_text) + 32];
        const int length = snprintf(path, sizeof path, "%s-%" PRId64, a->checkpoint[0], k);
        if (length >= (int)sizeof path)
            return FAIL(ERR_USAGE, "--checkpoint = \"%s\" is too long, want a shorter path",
                        a->checkpoint[0]);
        TRY(each(job, a, path));
    }
    return OK;
}

static Status check_known(Job *job, const Arguments *a, const char *checkpoint)
{
    char path[sizeof(Config_text) + 64];
    Safetensors file;
    int known;
    TRY(saved_find(path, sizeof path, checkpoint, false));
    TRY(safetensors_open(&file, path));
    const Status st = saved_known(&file, &known);
    safetensors_close(&file);
    TRY(st);
    if (known > job->known) job->known = known;
    if (known <= SPLIT_VALID + a->split || a->force) return OK;
    return FAIL(ERR_USAGE,
                "%s counts the events of the %s split or has learned them, so it would know what "
                "it is asked; --force ranks them all the same",
                path, splits[a->split]);
}

static Status add_bars(Job *job)
{
    Evaluation *e = &job->evaluation;
    for (int k = 0; k < job->bars.bars; k++) {
        const Scorer scorer = bar_scorer(&job->bars.bar[k].bar);
        if (!job->bars.bar[k].left_out[0]) TRY(evaluation_add(e, &scorer));
    }
    if (job->score.purchase < 0) return OK;
    Scorer rate[RATES];
    TRY(purchase_rates_fit(&job->rates, job->known > 1 ? &job->known_histories : &job->histories,
                           job->score.purchase));
    purchase_rates_scorers(&job->rates, rate);
    for (int k = 0; k < RATES; k++) TRY(evaluation_add(e, &rate[k]));
    return OK;
}

static Status check(const Arguments *a)
{
    if (a->include_seen && a->exclude_seen)
        return FAIL(ERR_USAGE, "--include-seen and --exclude-seen, want one of them");
    if (a->seeds > 1 && a->checkpoints != 1)
        return FAIL(ERR_USAGE, "--seeds with %d times --checkpoint, want one", a->checkpoints);
    return OK;
}

/* Whether seen items are candidates. */
static Status find_rule(Job *job, const Arguments *a)
{
    const Histories validation = histories_of_split(&job->histories, SPLIT_VALID);
    TRY(repeats_rule(&job->rule, &validation));
    job->score.include_seen = a->include_seen || (job->rule.include_seen && !a->exclude_seen);
    return OK;
}

/* All bars, with settings that are chosen on validation. */
static Status fit_bars(Job *job)
{
    enum { USERS = 20000 }; /* validation users that decide; more would hardly decide otherwise */
    const Histories validation = histories_of_split(&job->histories, SPLIT_VALID);
    return bars_fit(&job->bars, &validation,
                    &(BarsOptions){.include_seen = job->score.include_seen,
                                   .sample = USERS,
                                   .threads = job->score.threads,
                                   .listener = job->score.listener});
}

/* What the models contain the bars count too; else later events would decide the comparison. */
static Status recount_bars(Job *job, const Arguments *a)
{
    if (job->known <= 1) return OK;
    TRY(behaviour_open(&job->known_file, a->config.data_path));
    TRY(behaviour_join_splits(&job->known_file, job->known));
    TRY(histories_read(&job->known_histories, &job->known_file, SPLIT_VALID + a->split));
    return bars_recount(&job->bars, &job->known_histories, job->score.threads);
}

static Status report(const Job *job, const Arguments *a)
{
    const RankingReportContext context = {.data = a->config.data_path,
                                          .split = splits[a->split],
                                          .split_rule = job->file.split_rule,
                                          .action_name = (const char *const *)job->file.action_name,
                                          .items = job->file.items,
                                          .sample = a->users,
                                          .seed = (uint64_t)a->config.train_seed,
                                          .bars = &job->bars,
                                          .known = job->known,
                                          .file = &job->file,
                                          .outcome = &job->outcome,
                                          .rule = job->rule,
                                          .forced = a->include_seen || a->exclude_seen};
    ranking_report_print(stdout, &job->evaluation, &context);
    if (job->outcome.count) outcome_report_print(stdout, &job->outcome, &job->file);
    if (a->all) ranking_report_all(stdout, &job->evaluation, &context);
    if (a->events) TRY(event_table_write(a->events, &job->evaluation));
    return a->json ? ranking_report_json(a->json, &job->evaluation, &context) : OK;
}

static Status evaluate(Job *job, const Arguments *a)
{
    const char *data = a->config.data_path;
    job->score = (ScoreOptions){.threads = parallel_threads((int)a->config.train_threads),
                                .listener = terminal_listener(stderr, a->config.train_quiet)};
    TRY(check(a));
    TRY(each_checkpoint(job, a, check_known));
    TRY(behaviour_open(&job->file, data));
    TRY(find_purchase(&job->file, a->purchase, &job->score.purchase));
    TRY(histories_read(&job->histories, &job->file, SPLIT_VALID + a->split));
    TRY(find_rule(job, a));
    TRY(evaluation_open(&job->evaluation, &job->histories, &job->score, a->users,
                        (uint64_t)a->config.train_seed));
    if (!job->evaluation.events.count)
        return FAIL(ERR_FORMAT, "%s: /splits/%s has no event to rank, want one with a history%s",
                    data, splits[a->split],
                    job->score.include_seen ? "" : " whose target is not in it");
    /* The models come first: a bar may take minutes, a model that cannot be opened takes none. */
    TRY(each_checkpoint(job, a, add_model));
    TRY(fit_bars(job));
    TRY(recount_bars(job, a));
    TRY(add_bars(job));
    return report(job, a);
}

static void job_close(Job *job)
{
    evaluation_close(&job->evaluation);
    purchase_rates_close(&job->rates);
    bars_close(&job->bars);
    histories_close(&job->known_histories);
    behaviour_close(&job->known_file);
    histories_close(&job->histories);
    behaviour_close(&job->file);
}

static Status run(void *arguments, Operands operands, int *exit_code)
{
    Job *job = calloc(1, sizeof *job);
    (void)operands, (void)exit_code;
    if (!job) return FAIL(ERR_MEMORY, "no memory for an evaluation");
    const Status st = evaluate(job, arguments);
    job_close(job);
    free(job);
    return st;
}

const Command cli_eval = {
    .table =
        {.name = "eval",
         .summary = "Rank the next events of a split: a model beside simple bars",
         .usage = {"--data FILE [--checkpoint PATH]... [OPTION]..."},
         .description =
             "Ranks the whole catalogue at every event of a split, given the history of its user. "
             "Beside the model stand the bars, simple scorers that count train events: popularity, "
             "last item, Markov, co-occurrence, the last item or all items of the history before "
             "it, V-SKNN, ItemKNN and EASE. The settings of the bars, and the best of them, are "
             "chosen on the validation split. Where a model counts later events (train.refresh) or "
             "has learned them (train.refit), the bars count them too. Shows NDCG@10 with its 95 % "
             "interval over users, hit rates, MRR, the share of the catalogue in the top 20, their "
             "Gini coefficient and novelty in bits, and the NDCG@10 of the bars on validation. The "
             "results do not depend on the number of threads.\n\n"
             "Of a model with an outcome head (learn.outcome), eval also shows what came of the "
             "items that the split showed: of each kind of event the mean probability that the "
             "model gave it, its share, and the AUC beside impressions, with its 95 % interval "
             "over users; ten groups of equal size by the probability that the item is taken; and "
             "the log-likelihood beside that of the rates of each item in the train split.\n",
         .options = options,
         .more = acting_help,
         .examples = {"souk eval --data shop.h5",
                      "souk eval --data shop.h5 --checkpoint run --json eval.json",
                      "souk eval --data shop.h5 --checkpoint run --seeds 3 --all"}},
    .arguments = sizeof(Arguments),
    .run = run,
};
