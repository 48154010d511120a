/* SPDX-License-Identifier: Apache-2.0 */
/* souk simulate: let policies, or a model, act in a simulated world. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/files.h"
#include "base/progress.h"
#include "base/report.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "world/choices.h"
#include "world/log.h"
#include "world/model_actor.h"
#include "world/open.h"
#include "world/optimum.h"

enum { POLICIES_MAX = 32 };

typedef struct {
    Config config;
    const char *checkpoint, *json, *plot, *returns;
    ActingChoice acting;
    const char *policy[POLICIES_MAX];
    int policies;
    int64_t episodes, first, slots, valid;
    bool all, show;
} Arguments;

/* ---- Options --------------------------------------------------------------------------------- */

static Status add_policy(void *arguments, const Option *o, const char *name)
{
    Arguments *a = arguments;
    (void)o;
    if (a->policies == POLICIES_MAX)
        return FAIL(ERR_USAGE, "--policy is given more than %d times, want at most %d",
                    POLICIES_MAX, POLICIES_MAX);
    a->policy[a->policies++] = name;
    return OK;
}

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    CLI_WORLD(.required = true, .help = "NAME or NAME:KEY=VALUE,KEY=VALUE, as listed below"),
    {.name = "policy",
     .value = "NAME",
     .take = add_policy,
     .help = "a policy of the world, random, or optimal where the optimum is known; may be given "
             "again"},
    {.name = "all", FIELD(all), .help = "every policy that the world has"},
    {.heading = "Options of a model"},
    CLI_CHECKPOINT(.help = "a model acts: a file or the folder of a run"),
    CLI_DATA(.help = "the behaviour file that the model was trained on; wanted for models of "
                     "earlier versions, which did not keep their catalogue"),
    CLI_ACTING,
    CLI_EXCLUDE_LAST,
    {.name = "temperature",
     .value = "T",
     .setting = "world.temperature",
     .help = "draw from softmax(score / T); 0: take the best item"},
    {.name = "epsilon",
     .value = "E",
     .setting = "world.epsilon",
     .initial = "0",
     .help = "instead take any item with probability E"},
    {.heading = "Options of the episodes"},
    {.name = "episodes",
     .value = "N",
     FIELD(episodes),
     .low = 1,
     .high = 1000000000,
     .initial = "10000",
     .help = "episodes of each policy"},
    {.name = "first",
     .value = "N",
     FIELD(first),
     .high = (double)(INT64_MAX / 2),
     .initial = "0",
     .help = "the number of the first episode"},
    {.name = "slots",
     .value = "N",
     FIELD(slots),
     .low = 1,
     .high = 1000000,
     .initial = "4096",
     .help = "episodes that are played at the same time"},
    CLI_SEED(.help = "seed of the randomness of world and policy"),
    {.heading = "Output options"},
    CLI_OUT("FILE", .initial = "",
            .help = "write what happened, with propensities, as a "
                    "behaviour file"),
    {.name = "valid",
     .value = "N",
     FIELD(valid),
     .high = 19,
     .initial = "1",
     .help = "of twenty episodes so many are for validation"},
    {.name = "show",
     FIELD(show),
     .help = "print what the policy does where: the order table of an inventory, the bid curve of "
             "an auction, what a shop shows after which event and Q by kind of reward"},
    {.name = "plot",
     .value = "FOLDER",
     FIELD(plot),
     .help = "draw the bid curve of each policy there"},
    {.name = "returns",
     .value = "FILE",
     FIELD(returns),
     .help = "write the return of each episode, one a line, so that two policies can be compared "
             "episode by episode: with one seed all meet the same random numbers"},
    {.name = "json", .value = "FILE", FIELD(json), .help = "write the table as JSON too"},
    {.heading = "General options"},
    CLI_DEVICE(),
    CLI_THREADS,
    CLI_QUIET,
    {0},
};

/* ---- One policy ------------------------------------------------------------------------------ */

typedef struct {
    const char *name;
    bool oracle;
    PlayInterval value;
    double length, rate; /* choices an episode, a second */
} Row;

typedef struct {
    const double *value;
    int64_t episodes;
} Returns;

static Status write_returns(const void *content, FILE *out)
{
    const Returns *r = content;
    for (int64_t i = 0; i < r->episodes; i++) fprintf(out, "%.17g\n", r->value[i]);
    return OK;
}

static Status simulate(const Arguments *a, const World *w, Actor actor, Row *row)
{
    const Config *c = &a->config;
    WorldLog *log = NULL;
    Choices choices = {0};
    char report[2 * sizeof(Config_text)];
    const PlayOptions o = {a->first,
                           a->episodes,
                           a->slots,
                           (uint64_t)c->train_seed,
                           (int)c->train_threads,
                           terminal_listener(stderr, c->train_quiet)};
    PlayResult r = {.value = calloc((size_t)a->episodes, sizeof(double))};
    Status st = OK;
    if (!r.value)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for %" PRId64 " returns", a->episodes));
    snprintf(report, sizeof report,
             "simulated: %s in %s, seed %" PRId64 ", temperature %g, epsilon %g", row->name,
             c->world_name, c->train_seed, c->world_temperature, c->world_epsilon);
    if (*c->train_out) {
        TRY_OR_FAIL(st, world_log_open(&log, c->train_out, w, (int)a->valid, report));
        choices.then = world_log_sink(log);
    }
    const double started = progress_seconds();
    TRY_OR_FAIL(st,
                play(w, &o, actor, a->show || a->plot ? choices_sink(&choices) : choices.then, &r));
    if (log) TRY_OR_FAIL(st, world_log_finish(log));
    row->value = play_interval(r.value, a->episodes);
    row->length = (double)r.choices / (double)a->episodes;
    row->rate = (double)r.choices / (progress_seconds() - started);
    if (a->returns)
        TRY_OR_FAIL(
            st, files_atomic_write(a->returns, write_returns, &(Returns){r.value, a->episodes}));
    if (a->show) printf("%s: ", row->name);
    if (a->show) TRY_OR_FAIL(st, choices_print(&choices, w, stdout));
    if (a->plot) TRY_OR_FAIL(st, choices_plot(&choices, w, a->plot, row->name));
fail:
    choices_close(&choices);
    world_log_close(log);
    free(r.value);
    return st;
}

static Status simulate_model(const Arguments *a, const World *w, Row *row)
{
    const Config *c = &a->config;
    Session *session = NULL;
    ModelActor *actor = NULL;
    const ActOptions act = {.temperature = c->world_temperature,
                            .epsilon = c->world_epsilon,
                            .seed = (uint64_t)c->train_seed};
    Status st;
    TRY_OR_FAIL(
        st, session_open(&session, &(SessionOptions){.checkpoint = a->checkpoint,
                                                     .acting = &a->acting,
                                                     .data = *c->data_path ? c->data_path : NULL,
                                                     .device = c->train_device,
                                                     .threads = (int)c->train_threads}));
    session_warn(session, terminal_listener(stderr, c->train_quiet));
    TRY_OR_FAIL(st, model_actor_open(&actor, session, w, &act));
    st = simulate(a, w, model_actor(actor), row);
fail:
    model_actor_close(actor);
    session_close(session);
    return st;
}

/* ---- The table ------------------------------------------------------------------------------- */

static Status print_json(const Arguments *a, const Row *row, int rows, const Optimum *optimum)
{
    json_t *list = json_array();
    for (int i = 0; i < rows; i++)
        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:f, s:f}", "policy", row[i].name,
                                              "return", row[i].value.mean, "half_interval_95",
                                              row[i].value.half, "choices_per_episode",
                                              row[i].length, "choices_per_second", row[i].rate));
    json_t *root =
        json_pack("{s:s, s:I, s:I, s:o, s:o}", "world", a->config.world_name, "episodes",
                  (json_int_t)a->episodes, "seed", (json_int_t)a->config.train_seed, "policies",
                  list, "optimum", optimum->known ? json_real(optimum->value) : json_null());
    return report_write(a->json, root, REPORT_WIDE | REPORT_UNENDED);
}

static void print_table(const Row *row, int rows, const Optimum *optimum)
{
    printf("%-16s %12s %10s %12s %12s\n", "policy", "return", "+- 95 %", "choices", "choices/s");
    for (int i = 0; i < rows; i++)
        printf("%-16s %12.5f %10.5f %12.2f %12.4g%s\n", row[i].name, row[i].value.mean,
               row[i].value.half, row[i].length, row[i].rate,
               row[i].oracle ? "  sees what no history shows" : "");
    if (optimum->known) printf("%-16s %12.5f\n", "the optimum", optimum->value);
}

static Status run_policies(const Arguments *a, const World *w, const Optimum *optimum, Row *row)
{
    for (int i = 0; i < a->policies; i++) {
        const char *name = row[i].name = a->policy[i];
        const WorldBaseline *b = world_baseline(w, name);
        if (!b && strcmp(name, "optimal")) return world_no_policy(w, "--policy", name, "optimal");
        row[i].oracle = b && b->oracle;
        TRY(simulate(a, w, b ? play_baseline_actor(b) : play_table_actor(optimum->policy),
                     &row[i]));
    }
    return OK;
}

static Status play_all(Arguments *a)
{
    World w;
    Row row[POLICIES_MAX] = {{.name = a->checkpoint}};
    Optimum optimum = {0};
    TRY(world_open(&w, a->config.world_name));
    bool optimal = a->all && w.kind->mdp;
    for (int i = 0; i < a->policies; i++) optimal |= !strcmp(a->policy[i], "optimal");
    if (a->all) {
        a->policy[a->policies++] = "random";
        for (const WorldBaseline *b = w.kind->baselines; b && b->name; b++)
            a->policy[a->policies++] = b->name;
        if (optimal) a->policy[a->policies++] = "optimal";
    }
    Status st = OK;
    if (optimal) TRY_OR_FAIL(st, optimum_open(&optimum, &w));
    TRY_OR_FAIL(st, a->checkpoint ? simulate_model(a, &w, &row[0])
                                  : run_policies(a, &w, &optimum, row));
    const int rows = a->checkpoint ? 1 : a->policies;
    if (w.kind->describe) w.kind->describe(w.parameters, stdout);
    print_table(row, rows, &optimum);
    if (a->json) TRY_OR_FAIL(st, print_json(a, row, rows, &optimum));
fail:
    optimum_close(&optimum);
    world_close(&w);
    return st;
}

/* ---- The command ----------------------------------------------------------------------------- */

static Status run(void *arguments, Operands operands, int *exit_code)
{
    Arguments *a = arguments;
    const Config *c = &a->config;
    const bool model = a->checkpoint != NULL;
    (void)operands, (void)exit_code;
    if ((a->policies > 0) + a->all + model != 1)
        return FAIL(ERR_USAGE, "want one of --policy, --all and --checkpoint; souk simulate --help "
                               "says more");
    if (!model && *c->data_path)
        return FAIL(ERR_USAGE, "--data is of a model, want a --checkpoint");
    if (!model && (c->world_temperature > 0.0 || c->world_epsilon > 0.0 || a->acting.rule ||
                   a->acting.exclude_last >= 0))
        return FAIL(ERR_USAGE, "--acting, --exclude-last, --temperature and --epsilon want a "
                               "--checkpoint");
    if (c->world_temperature > 0.0 && c->world_epsilon > 0.0)
        return FAIL(ERR_USAGE, "--temperature and --epsilon exclude each other");
    if ((*c->train_out || a->returns) && (a->all || a->policies > 1))
        return FAIL(ERR_USAGE, "--%s with several policies, want one",
                    a->returns ? "returns" : "out");
    if (a->returns) TRY(files_check_writable(a->returns));
    return play_all(a);
}

static void more(FILE *out)
{
    acting_help(out);
    world_open_help(out, NULL);
}

const Command cli_simulate = {
    .table =
        {.name = "simulate",
         .summary = "Let policies or a model act in a simulated world",
         .usage = {"--world WORLD --policy NAME... [OPTION]...", "--world WORLD --all [OPTION]...",
                   "--world WORLD --checkpoint PATH [OPTION]..."},
         .description =
             "Prints the mean return of each policy with a 95 % interval, beside the optimum where "
             "it is known. All policies meet the same random numbers.\n",
         .options = options,
         .more = more,
         .examples = {"souk simulate --world small-shop --all",
                      "souk simulate --world shop:items=1000 --policy popularity --out world.h5",
                      "souk simulate --world shop:items=1000 --checkpoint agent"}},
    .arguments = sizeof(Arguments),
    .run = run,
};
