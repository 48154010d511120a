/* SPDX-License-Identifier: Apache-2.0 */
/* souk eval: how well a model, and the bars beside it, rank what users did next. */
#include <stdio.h>
#include <stdlib.h>

#include "cli/cli.h"
#include "cli/terminal.h"
#include "evaluate/outcome/report.h"
#include "evaluate/ranking/event_table.h"
#include "evaluate/ranking/report_json.h"
#include "evaluate/run/ranking.h"

typedef struct {
    Config config;
    const char *checkpoint[RANKING_MODELS_MAX];
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
    if (a->checkpoints == RANKING_MODELS_MAX)
        return FAIL(ERR_USAGE, "more than %d times --%s, want at most as many", RANKING_MODELS_MAX,
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
         "a model to show beside the bars: a file or the folder of a run; several, such as "
         "yesterday's and today's, are compared with each other, event by event, on the items that "
         "each of them has"},
    {.name = "seeds",
     .value = "N",
     FIELD(seeds),
     .low = 1,
     .high = RANKING_SEEDS_MAX,
     .initial = "1",
     .help = "with 2 or more, a checkpoint PATH stands for N runs, PATH-1 to PATH-N: one model, "
             "trained with several seeds, whose measures are averaged"},
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

static Status report(const RankingRun *run, const Arguments *a)
{
    const RankingReportContext context = run_ranking_context(run);
    ranking_report_print(stdout, &run->evaluation, &context);
    if (run->outcome.count) outcome_report_print(stdout, &run->outcome, &run->file);
    if (a->all) ranking_report_all(stdout, &run->evaluation, &context);
    if (a->events) TRY(event_table_write(a->events, &run->evaluation));
    return a->json ? ranking_report_json(a->json, &run->evaluation, &context) : OK;
}

static Status run(void *arguments, Operands operands, int *exit_code)
{
    const Arguments *a = arguments;
    RankingRun *run = calloc(1, sizeof *run);
    (void)operands, (void)exit_code;
    if (!run) return FAIL(ERR_MEMORY, "no memory for an evaluation");
    Status st = run_ranking(
        run, &(RankingRunOptions){.data = a->config.data_path,
                                  .device = a->config.train_device,
                                  .checkpoint = a->checkpoint,
                                  .checkpoints = a->checkpoints,
                                  .seeds = a->seeds,
                                  .acting = a->acting,
                                  .purchase = a->purchase,
                                  .split = splits[a->split],
                                  .users = a->users,
                                  .seed = (uint64_t)a->config.train_seed,
                                  .threads = (int)a->config.train_threads,
                                  .include_seen = a->include_seen,
                                  .exclude_seen = a->exclude_seen,
                                  .force = a->force,
                                  .listener = terminal_listener(stderr, a->config.train_quiet)});
    if (st == OK) st = report(run, a);
    run_ranking_close(run);
    free(run);
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
                      "souk eval --data shop.h5 --checkpoint run --seeds 3 --all",
                      "souk eval --data today.h5 --checkpoint yesterday --checkpoint today"}},
    .arguments = sizeof(Arguments),
    .run = run,
};
