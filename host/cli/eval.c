/* souk eval: how well a model, and the baselines beside it, rank what users did next. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "evaluate/ranking/baselines.h"
#include "evaluate/ranking/model_scorer.h"
#include "evaluate/ranking/purchase_rates.h"
#include "evaluate/ranking/report.h"

typedef struct {
    const char *data, *checkpoint, *json, *purchase, *device;
    int split;
    int64_t users;
    uint64_t seed;
    ScoreOptions score;
} Arguments;

/* What one evaluation holds open. */
typedef struct {
    Behaviour file;
    Histories histories;
    Session *session; /* of the checkpoint */
    Baselines baselines;
    PurchaseRates rates;
    Scorer scorer[SCORERS_MAX];
    int scorers;
    Evaluation evaluation;
} Job;

static void usage(FILE *out)
{
    fputs(
        "usage: souk eval --data FILE [--checkpoint C] [OPTION...]\n\n"
        "Ranks the whole catalogue at every event of a split, given its user's history, and shows\n"
        "hit rate, NDCG and MRR at 5, 10, 20 with 95 % intervals over users, coverage, and the "
        "AUC\n"
        "of predicting that the next event is a purchase; always beside the baselines.\n\n"
        "  --data FILE        behaviour file\n"
        "  --checkpoint C     a model to show beside the baselines: a file or a run's folder\n"
        "  --split NAME       test (default) or valid\n"
        "  --include-seen     items of the history stay candidates\n"
        "  --purchase NAME    the action that counts as a purchase (default: purchase)\n"
        "  --users N          only a random sample of N users\n"
        "  --seed N           of that sample (default 1)\n"
        "  --json FILE        write the report as JSON too\n" CLI_DEVICE_HELP
        "  --threads N        default: one a core; results do not depend on it\n"
        "  --quiet            no progress bar\n"
        "  --help\n",
        out);
}

static Status parse_split(const char *value, int *split)
{
    if (!strcmp(value, "test"))
        *split = SPLIT_TEST;
    else if (!strcmp(value, "valid"))
        *split = SPLIT_VALID;
    else
        return FAIL(ERR_USAGE, "--split \"%s\": expected test or valid", value);
    return OK;
}

static const struct option long_options[] = {{"data", required_argument, NULL, 'd'},
                                             {"checkpoint", required_argument, NULL, 'c'},
                                             {"split", required_argument, NULL, 's'},
                                             {"include-seen", no_argument, NULL, 'i'},
                                             {"purchase", required_argument, NULL, 'p'},
                                             {"users", required_argument, NULL, 'u'},
                                             {"seed", required_argument, NULL, 'r'},
                                             {"json", required_argument, NULL, 'j'},
                                             {"device", required_argument, NULL, 'D'},
                                             {"threads", required_argument, NULL, 't'},
                                             {"quiet", no_argument, NULL, 'q'},
                                             {"help", no_argument, NULL, 'h'},
                                             {NULL, 0, NULL, 0}};

/* Takes one option; 'h' and '?' are the caller's. */
static Status take(Arguments *a, int option, const char *value)
{
    int64_t number = 0;
    switch (option) {
    case 'd': a->data = value; break;
    case 'c': a->checkpoint = value; break;
    case 's': return parse_split(value, &a->split);
    case 'i': a->score.include_seen = true; break;
    case 'p': a->purchase = value; break;
    case 'u': return cli_number("users", value, 1, INT64_MAX, &a->users);
    case 'r':
        TRY(cli_number("seed", value, 0, INT64_MAX, &number));
        a->seed = (uint64_t)number;
        break;
    case 'j': a->json = value; break;
    case 'D': a->device = value; break;
    case 't':
        TRY(cli_number("threads", value, 1, 1024, &number));
        a->score.threads = (int)number;
        break;
    case 'q': a->score.listener = NULL; break;
    }
    return OK;
}

/* The action to predict: the named one, which must exist; by default "purchase" where it does. */
static Status find_purchase(const Behaviour *b, const char *name, int *action)
{
    *action = -1;
    for (int a = 0; a < b->actions; a++)
        if (!strcmp(b->action_name[a], name ? name : "purchase")) *action = a;
    if (*action < 0 && name)
        return FAIL(ERR_USAGE, "--purchase \"%s\": %s has no such action", name, b->path);
    return OK;
}

/* By the head that the model recommends by and, where there are both, by Q too. */
static Status add_model(Job *job, const Arguments *a)
{
    TRY(session_open(&job->session, &(SessionOptions){.checkpoint = a->checkpoint,
                                                      .file = &job->file,
                                                      .device = a->device,
                                                      .threads = a->score.threads}));
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
    TRY(baselines_fit(&job->baselines, &job->histories, a->score.threads));
    baselines_scorers(&job->baselines, job->scorer + job->scorers);
    job->scorers += BASELINES;
    if (a->score.purchase < 0) return OK;
    TRY(purchase_rates_fit(&job->rates, &job->histories, a->score.purchase));
    purchase_rates_scorers(&job->rates, job->scorer + job->scorers);
    job->scorers += RATES;
    return OK;
}

static Status evaluate(Job *job, Arguments *a)
{
    static const char *const split_name[SPLITS] = {"train", "valid", "test"};
    TRY(behaviour_open(&job->file, a->data));
    TRY(find_purchase(&job->file, a->purchase, &a->score.purchase));
    TRY(histories_read(&job->histories, &job->file, a->split));
    TRY(add_scorers(job, a));
    TRY(evaluation_run(&job->evaluation, &job->histories, job->scorer, job->scorers, &a->score,
                       a->users, a->seed));
    if (!job->evaluation.events.count)
        return FAIL(ERR_FORMAT, "%s: /splits/%s has no event with a history, nothing to evaluate",
                    a->data, split_name[a->split]);
    const RankingReportContext context = {.data = a->data,
                                          .split = split_name[a->split],
                                          .split_rule = job->file.split_rule,
                                          .action_name = (const char *const *)job->file.action_name,
                                          .items = job->file.items,
                                          .sample = a->users,
                                          .seed = a->seed};
    ranking_report_print(stdout, &job->evaluation, &context);
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

int cli_eval(int argc, char **argv)
{
    Arguments a = {.score.listener = terminal_listener(stderr, false),
                   .device = "cpu",
                   .split = SPLIT_TEST,
                   .seed = 1,
                   .score.threads = parallel_processors()};
    for (int option; (option = getopt_long(argc, argv, "h", long_options, NULL)) != -1;) {
        if (option == 'h') return usage(stdout), 0;
        if (option == '?') return usage(stderr), 2;
        const Status st = take(&a, option, optarg);
        if (st != OK) return cli_fail("eval", st);
    }
    if (!a.data || optind != argc) return usage(stderr), 2;
    Job *job = calloc(1, sizeof *job);
    Status st = job ? evaluate(job, &a) : FAIL(ERR_MEMORY, "no memory");
    if (job) job_close(job);
    free(job);
    return st == OK ? 0 : cli_fail("eval", st);
}
