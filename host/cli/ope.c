/* SPDX-License-Identifier: Apache-2.0 */
/* souk ope: what a policy would have earned, from the log of another. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/help.h"
#include "base/parallel.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "evaluate/ope/policy_file.h"
#include "evaluate/ope/policy_model.h"
#include "evaluate/ope/report.h"
#include "infer/acting.h"

enum { EXIT_REFUSED = 3, FOLDS = 5 };

typedef struct {
    Config config;
    const char *checkpoint, *probabilities, *position, *catalogue, *json;
    ActingChoice acting;
    int policy, split, kind;
    double temperature, epsilon; /* epsilon NAN: softmax */
    bool force;
    int64_t replicates;
    OpeOptions ope;
} Arguments;

enum { POLICY_UNIFORM, POLICY_POPULARITY, POLICY_LOGGED };
static const char *const policies[] = {"uniform", "popularity", "logged", NULL};
static const char *const splits[] = {"train", "valid", "test", "all", NULL};
enum { LOG_BANDIT, LOG_SEQUENTIAL };
static const char *const kinds[] = {"bandit", "sequential", NULL};

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    CLI_DATA(.required = true, .help = "behaviour file with propensities"),
    {.heading = "Options of the policy"},
    {.name = "policy",
     .value = "NAME",
     FIELD(policy),
     .choices = policies,
     .help = "a simple policy; popularity is that of the train events; default uniform"},
    CLI_CHECKPOINT(.help = "a model instead: a file or the folder of a run"),
    {.name = "probabilities",
     .value = "FILE",
     FIELD(probabilities),
     .help = "a policy of your own instead: a text file with one number on each line, for each row "
             "of /events the probability with which the policy would have shown its item; an empty "
             "line where the event is no decision"},
    CLI_ACTING,
    CLI_EXCLUDE_LAST,
    {.name = "temperature",
     .value = "T",
     FIELD(temperature),
     .low = 1e-6,
     .high = 1e6,
     .initial = "1",
     .help = "the model draws from softmax(score / T)"},
    {.name = "epsilon",
     .value = "E",
     FIELD(epsilon),
     .high = 1,
     .help = "instead it takes the best item, and with probability E any item"},
    {.heading = "Options of the log"},
    {.name = "split",
     .value = "NAME",
     FIELD(split),
     .choices = splits,
     .help = "the events that are used; default test for a policy that was fitted on train, else "
             "all"},
    {.name = "log",
     .value = "KIND",
     FIELD(kind),
     .choices = kinds,
     .help = "bandit: each event for itself; sequential: the episodes of users; default sequential "
             "where a user has several events"},
    {.name = "catalogue",
     .value = "N|FILE",
     FIELD(catalogue),
     .help = "how many items could be shown, or a text file with their keys, one on each line; "
             "default those that the file has; for simple policies, as a model chooses among those "
             "that it was trained on"},
    {.name = "position",
     .value = "NAME",
     FIELD(position),
     .help = "the event feature that is the slot of the item; none: no slots; default position "
             "where the file has it"},
    {.heading = "Options of the estimators"},
    {.name = "clip",
     .value = "M",
     FIELD(ope.clip),
     .high = 1e12,
     .initial = "0",
     .help = "where weights are cut or switched; 0: the root of the sample size"},
    {.name = "gamma",
     .value = "G",
     FIELD(ope.gamma),
     .high = 1,
     .initial = "1",
     .help = "discount of a sequential log"},
    {.name = "ridge",
     .value = "R",
     FIELD(ope.ridge),
     .low = 1e-6,
     .high = 1e12,
     .initial = "10",
     .help = "penalty of the reward model and of the fitted Q, in events"},
    {.name = "fqe-steps",
     .value = "N",
     FIELD(ope.fqe_steps),
     .low = 1,
     .high = 1e12,
     .initial = "6000",
     .help = "bound of the work of each fit of Q, in steps of conjugate gradients; a fit that ends "
             "here unconverged is a warning"},
    {.name = "channels",
     FIELD(ope.channels),
     .help = "split the value of the fitted Q by the actions that are rewarded"},
    {.name = "min-ess",
     .value = "N",
     FIELD(ope.ess_wanted),
     .high = 1e18,
     .initial = "100",
     .help = "refuse to estimate below this effective sample size"},
    {.name = "force", FIELD(force), .help = "estimate all the same"},
    {.name = "replicates",
     .value = "N",
     FIELD(replicates),
     .low = 40,
     .high = 1000000,
     .initial = "1000",
     .help = "replicates of the bootstrap"},
    CLI_SEED(.help = "seed of the bootstrap"),
    CLI_JSON,
    {.heading = "General options"},
    CLI_DEVICE(),
    CLI_THREADS,
    CLI_QUIET,
    {0},
};

/* What one evaluation holds open. */
typedef struct {
    Behaviour file;
    OpeLog log;
    Session *session; /* of the checkpoint */
    OpeModelPolicy model_policy;
    OpePopularity popularity;
    OpeFilePolicy file_policy;
    OpeCatalogue catalogue;
    OpePolicy policy;
    char described[512];
} Job;

/* ---- The policy ------------------------------------------------------------------------------ */

static Status open_model(Job *job, const Arguments *a)
{
    TRY(session_open(&job->session, &(SessionOptions){.checkpoint = a->checkpoint,
                                                      .acting = &a->acting,
                                                      .file = &job->file,
                                                      .device = a->config.train_device,
                                                      .threads = a->ope.bootstrap.threads}));
    const bool softmax = isnan(a->epsilon);
    const ActingRule rule = session_acting(job->session);
    char words[ACTING_WORDS_MAX], last[48] = "";
    job->model_policy = (OpeModelPolicy){.session = job->session,
                                         .temperature = a->temperature,
                                         .epsilon = softmax ? -1.0 : a->epsilon,
                                         .listener = a->ope.listener};
    job->policy = ope_policy_model(&job->model_policy);
    acting_words(words, &rule);
    if (rule.exclude_last)
        snprintf(last, sizeof last, ", none of the last %" PRId64 " items", rule.exclude_last);
    if (!softmax)
        snprintf(job->described, sizeof job->described, "%s, best by %s, %g any item%s",
                 a->checkpoint, words, a->epsilon, last);
    else
        snprintf(job->described, sizeof job->described, "%s, softmax of %s at %g%s", a->checkpoint,
                 words, a->temperature, last);
    return OK;
}

static Status open_policy(Job *job, const Arguments *a)
{
    if (a->checkpoint) return open_model(job, a);
    if (a->probabilities) {
        TRY(ope_policy_file_read(&job->file_policy, &job->file, a->probabilities));
        job->policy = ope_policy_file(&job->file_policy);
        snprintf(job->described, sizeof job->described, "the probabilities of %s",
                 a->probabilities);
        return OK;
    }
    if (a->policy == POLICY_POPULARITY)
        job->policy = ope_policy_popularity(&job->popularity);
    else if (a->policy == POLICY_LOGGED)
        job->policy = ope_policy_logged();
    else
        job->policy = ope_policy_uniform();
    snprintf(job->described, sizeof job->described, "%s", job->policy.name);
    return OK;
}

/* ---- The log --------------------------------------------------------------------------------- */

/* The event feature of the slots; NULL: none. */
static const char *position_of(const Behaviour *b, const Arguments *a)
{
    if (a->position) return strcmp(a->position, "none") ? a->position : NULL;
    for (int k = 0; k < b->event_features.numbers; k++)
        if (!strcmp(b->event_features.number_name[k], "position")) return "position";
    return NULL;
}

/* A model that counts the split's events, or has learned them, would seem better than it is. */
static Status check_known(const Job *job, const Arguments *a, int split)
{
    const int known = job->session ? job->session->model->known : 1;
    if (split < SPLIT_VALID || split >= known || a->force) return OK;
    return FAIL(ERR_USAGE,
                "%s counts the events of the %s split or has learned them, so it knows what it is "
                "judged by; --force estimates all the same",
                a->checkpoint, splits[split]);
}

static Status open_log(Job *job, const Arguments *a, OpeReportContext *c)
{
    const int usual = job->policy.fitted ? SPLIT_TEST : SPLITS;
    const int split = a->split < 0 ? usual : a->split;
    const bool sequential =
        a->kind < 0 ? ope_log_is_sequential(&job->file) : a->kind == LOG_SEQUENTIAL;
    c->split = splits[split];
    c->position = position_of(&job->file, a);
    TRY(check_known(job, a, split));
    TRY(ope_log_open(&job->log, &job->file,
                     &(OpeLogOptions){.split = split,
                                      .sequential = sequential,
                                      .history = job->policy.history,
                                      .position = c->position,
                                      .catalogue = &job->catalogue}));
    return ope_catalogue_check(&job->catalogue, &job->file, job->log.event, job->log.item,
                               job->log.count);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static Status evaluate(Job *job, const Arguments *a, bool *refused)
{
    char why[256];
    const char *data = a->config.data_path;
    OpeResult result;
    OpeReportContext context = {.data = data, .policy = job->described, .catalogue = a->catalogue};
    TRY(behaviour_open(&job->file, data));
    TRY(ope_catalogue_open(&job->catalogue, &job->file, a->catalogue));
    TRY(open_policy(job, a));
    TRY(open_log(job, a, &context));
    if (job->session && job->log.sequential && !job->policy.model)
        listener_warn(a->ope.listener,
                      "fitted Q evaluation and sequential DR are left out: they do not work with "
                      "the rule allowed, with mixed under learn.log_values, and where "
                      "exclude_last is above 0");
    if (a->policy == POLICY_POPULARITY)
        TRY(ope_policy_popularity_fit(&job->popularity, &job->log, context.position));
    TRY(ope_run(&result, &job->log, &job->policy, &a->ope));
    if (!ope_overlaps(&result, &job->log, why, sizeof why)) {
        context.refusal = why;
        *refused = !a->force;
        if (*refused)
            return FAIL(ERR_FORMAT, "%s, policy %s: %s; --force estimates all the same", data,
                        job->described, why);
    }
    ope_report_print(stdout, &result, &job->log, &a->ope, &context);
    return a->json ? ope_report_json(a->json, &result, &job->log, &a->ope, &context) : OK;
}

static void job_close(Job *job)
{
    ope_policy_popularity_close(&job->popularity);
    ope_policy_file_close(&job->file_policy);
    ope_catalogue_close(&job->catalogue);
    ope_log_close(&job->log);
    session_close(job->session);
    behaviour_close(&job->file);
}

static Status run(void *arguments, Operands operands, int *exit_code)
{
    Arguments *a = arguments;
    bool refused = false;
    (void)operands;
    if ((a->policy >= 0) + !!a->checkpoint + !!a->probabilities > 1)
        return FAIL(ERR_USAGE,
                    "--policy, --checkpoint and --probabilities exclude each other, want one "
                    "policy");
    if (a->checkpoint && a->catalogue)
        return FAIL(ERR_USAGE,
                    "--catalogue is for simple policies: a model chooses among the items that it "
                    "was trained on");
    a->ope.folds = FOLDS;
    a->ope.listener = terminal_listener(stderr, a->config.train_quiet);
    a->ope.bootstrap = (Bootstrap){.replicates = (int)a->replicates,
                                   .seed = (uint64_t)a->config.train_seed,
                                   .threads = parallel_threads((int)a->config.train_threads)};
    Job *job = calloc(1, sizeof *job);
    if (!job) return FAIL(ERR_MEMORY, "no memory for an evaluation");
    const Status st = evaluate(job, a, &refused);
    job_close(job);
    free(job);
    if (refused) *exit_code = EXIT_REFUSED;
    return st;
}

static void more(FILE *out)
{
    help_section(out, "Estimators");
    estimators_list_help(out);
    acting_help(out);
}

const Command cli_ope = {
    .table =
        {.name = "ope",
         .summary = "Estimate what a policy would have earned, from the log of another",
         .usage =
             {"--data FILE [--policy NAME | --checkpoint PATH | --probabilities FILE] [OPTION]..."},
         .description =
             "Off-policy evaluation, from a log that has the probability with which each item was "
             "shown (/events/propensity). Several estimators, each with a bootstrap interval and "
             "an "
             "empirical Bernstein interval. Where the log overlaps too little with the policy, "
             "nothing is estimated. The results do not depend on the number of threads.\n",
         .options = options,
         .more = more,
         .examples = {"souk ope --data shop.h5 --policy popularity",
                      "souk ope --data shop.h5 --probabilities mine.txt",
                      "souk ope --data shop.h5 --policy uniform --catalogue 10000",
                      "souk ope --data world.h5 --checkpoint agent --split all --temperature 0.1"},
         .exits = {[EXIT_REFUSED] = "refused: the log overlaps too little with the policy"}},
    .arguments = sizeof(Arguments),
    .run = run,
};
