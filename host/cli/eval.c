/* SPDX-License-Identifier: Apache-2.0 */
/* souk eval: how well a model, and the baselines beside it, rank what users did next. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/parallel.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "evaluate/ranking/baselines.h"
#include "evaluate/ranking/event_table.h"
#include "evaluate/ranking/model_scorer.h"
#include "evaluate/ranking/purchase_rates.h"
#include "evaluate/ranking/report.h"

typedef struct {
    Config config;
    const char *checkpoint, *json, *events, *purchase;
    int split;
    int64_t users;
    bool include_seen;
} Arguments;

/* The splits from SPLIT_VALID on. */
static const char *const splits[] = {"valid", "test", NULL};

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    CLI_DATA(.required = true, .help = "behaviour file"),
    CLI_CHECKPOINT(.help = "a model to show beside the baselines: a file or the folder of a run"),
    {.name = "split",
     .value = "NAME",
     FIELD(split),
     .choices = splits,
     .initial = "test",
     .help = "the split whose events are ranked"},
    {.name = "include-seen", FIELD(include_seen), .help = "items of the history stay candidates"},
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
    CLI_JSON,
    {.name = "events",
     .value = "FILE",
     FIELD(events),
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
    Session *session; /* of the checkpoint */
    Baselines baselines;
    PurchaseRates rates;
    Scorer scorer[SCORERS_MAX];
    int scorers;
    Evaluation evaluation;
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

/* By the head that the model recommends by and, where there are both, by Q too. */
static Status add_model(Job *job, const Arguments *a)
{
    TRY(session_open(&job->session, &(SessionOptions){.checkpoint = a->checkpoint,
                                                      .file = &job->file,
                                                      .device = a->config.train_device,
                                                      .threads = job->score.threads}));
    const Model *model = job->session->model;
    const HeadId head = heads_default(model->shape.head_set);
    job->scorer[job->scorers++] = model_scorer(job->session, head);
    if (head != HEAD_Q && model_has(model, HEAD_Q))
        job->scorer[job->scorers++] = model_scorer(job->session, HEAD_Q);
    return OK;
}

static Status add_scorers(Job *job, const Arguments *a)
{
    if (a->checkpoint) TRY(add_model(job, a));
    TRY(baselines_fit(&job->baselines, &job->histories, job->score.threads));
    baselines_scorers(&job->baselines, job->scorer + job->scorers);
    job->scorers += BASELINES;
    if (job->score.purchase < 0) return OK;
    TRY(purchase_rates_fit(&job->rates, &job->histories, job->score.purchase));
    purchase_rates_scorers(&job->rates, job->scorer + job->scorers);
    job->scorers += RATES;
    return OK;
}

static Status evaluate(Job *job, const Arguments *a)
{
    const char *data = a->config.data_path, *split = splits[a->split];
    const uint64_t seed = (uint64_t)a->config.train_seed;
    job->score = (ScoreOptions){.include_seen = a->include_seen,
                                .threads = parallel_threads((int)a->config.train_threads),
                                .listener = terminal_listener(stderr, a->config.train_quiet)};
    TRY(behaviour_open(&job->file, data));
    TRY(find_purchase(&job->file, a->purchase, &job->score.purchase));
    TRY(histories_read(&job->histories, &job->file, SPLIT_VALID + a->split));
    TRY(add_scorers(job, a));
    TRY(evaluation_run(&job->evaluation, &job->histories, job->scorer, job->scorers, &job->score,
                       a->users, seed));
    if (!job->evaluation.events.count)
        return FAIL(ERR_FORMAT, "%s: /splits/%s has no event with a history, nothing to evaluate",
                    data, split);
    const RankingReportContext context = {.data = data,
                                          .split = split,
                                          .split_rule = job->file.split_rule,
                                          .action_name = (const char *const *)job->file.action_name,
                                          .items = job->file.items,
                                          .sample = a->users,
                                          .seed = seed};
    ranking_report_print(stdout, &job->evaluation, &context);
    if (a->events) TRY(event_table_write(a->events, &job->evaluation, &job->histories));
    return a->json ? ranking_report_json(a->json, &job->evaluation, &context) : OK;
}

static void job_close(Job *job)
{
    evaluation_close(&job->evaluation);
    purchase_rates_close(&job->rates);
    baselines_close(&job->baselines);
    session_close(job->session);
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
         .summary = "Rank the next events of a split: a model beside simple baselines",
         .usage = {"--data FILE [--checkpoint PATH] [OPTION]..."},
         .description =
             "Ranks the whole catalogue at every event of a split, given the history of its user. "
             "Shows hit rate, NDCG and MRR at 5, 10 and 20 with 95 % intervals over users, the "
             "coverage of the catalogue, and the AUC of predicting that the next event is a "
             "purchase. The results do not depend on the number of threads.\n",
         .options = options,
         .examples = {"souk eval --data shop.h5",
                      "souk eval --data shop.h5 --checkpoint run --json "
                      "eval.json"}},
    .arguments = sizeof(Arguments),
    .run = run,
};
