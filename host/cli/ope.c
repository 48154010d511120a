/* SPDX-License-Identifier: Apache-2.0 */
/* souk ope: what a policy would have earned, from the log of another. */
#include <stdio.h>
#include <stdlib.h>

#include "base/help.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "evaluate/run/ope.h"

enum { EXIT_REFUSED = 3 };

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

static const char *const policies[] = {"uniform", "popularity", "logged", NULL};
static const char *const splits[] = {"train", "valid", "test", "all", NULL};
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

static const char *name_of(const char *const *names, int chosen)
{
    return chosen < 0 ? NULL : names[chosen];
}

static Status run(void *arguments, Operands operands, int *exit_code)
{
    Arguments *a = arguments;
    (void)operands;
    a->ope.listener = terminal_listener(stderr, a->config.train_quiet);
    a->ope.bootstrap =
        (Bootstrap){.replicates = (int)a->replicates, .seed = (uint64_t)a->config.train_seed};
    OpeRun *run = calloc(1, sizeof *run);
    if (!run) return FAIL(ERR_MEMORY, "no memory for an evaluation");
    Status st = run_ope(run, &(OpeRunOptions){.data = a->config.data_path,
                                              .device = a->config.train_device,
                                              .checkpoint = a->checkpoint,
                                              .probabilities = a->probabilities,
                                              .policy = name_of(policies, a->policy),
                                              .acting = a->acting,
                                              .temperature = a->temperature,
                                              .epsilon = a->epsilon,
                                              .split = name_of(splits, a->split),
                                              .log = name_of(kinds, a->kind),
                                              .catalogue = a->catalogue,
                                              .position = a->position,
                                              .force = a->force,
                                              .ope = a->ope,
                                              .threads = (int)a->config.train_threads});
    const OpeRunOptions *o = &run->options;
    if (st == OK) ope_report_print(stdout, &run->result, &run->log, &o->ope, &run->context);
    if (st == OK && a->json)
        st = ope_report_json(a->json, &run->result, &run->log, &o->ope, &run->context);
    if (run->refused) *exit_code = EXIT_REFUSED;
    run_ope_close(run);
    free(run);
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
