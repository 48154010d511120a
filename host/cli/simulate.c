/* souk simulate */
#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    const char *world, *checkpoint, *data, *out, *json, *plot, *device, *head;
    const char *policy[POLICIES_MAX];
    int policies;
    int64_t episodes, first, slots, seed, threads, valid, candidates, exclude_last;
    double temperature, epsilon;
    bool quiet, all, show;
} Arguments;

static void usage(FILE *out)
{
    fputs("usage: souk simulate --world W (--policy NAME... | --all | --checkpoint C --data FILE) "
          "[OPTION...]\n\n"
          "Let policies act in a simulated world; print their returns with 95 % intervals, write\n"
          "what happened. All policies meet the same luck.\n\n"
          "  --world W         NAME or NAME:key=value,key=value (below)\n"
          "  --policy NAME     a policy of the world, random, or optimal where the optimum is "
          "known;\n"
          "                    may be given again\n"
          "  --all             every policy that the world has\n"
          "  --checkpoint C    a model: a file or a run's folder\n"
          "  --data FILE       the behaviour file it was trained on\n"
          "  --head H          act by this head, one of souk train --help (the head it recommends "
          "by)\n"
          "  --temperature X   draw from softmax(score / X) over the whole catalogue (0: the best "
          "item)\n"
          "  --epsilon X       instead, with this chance any item (0)\n"
          "  --candidates N    act by q among so many items that the policy ranks best\n"
          "  --exclude-last N  items of so many last events are not shown again (0)\n"
          "  --episodes N      (10000)\n"
          "  --first N         number of the first episode (0)\n"
          "  --slots N         episodes at once (4096)\n"
          "  --seed N          of the world's and the policy's luck (1)\n"
          "  --out FILE        behaviour file of what happened, with propensities\n"
          "  --valid N         of twenty episodes, so many for validation (1)\n"
          "  --show            print what the policy does where, for a person to read: order "
          "tables,\n"
          "                    bid curves, what a shop shows after what and Q by kind of reward\n"
          "  --plot FOLDER     bid curves as pictures there, one a policy\n"
          "  --json FILE       the table as JSON\n" CLI_DEVICE_HELP
          "  --threads N       (all processors)\n"
          "  --quiet           no progress bar\n"
          "  --help            this text\n\n"
          "example: souk simulate --world small-shop --all\n\n"
          "worlds:\n",
          out);
    world_open_help(out, NULL);
}

/* ---- One policy ---------------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    bool oracle;
    PlayInterval value;
    double length, rate; /* choices an episode, a second */
} Row;

static Status simulate(const Arguments *a, const World *w, Actor actor, Row *row)
{
    WorldLog *log = NULL;
    Choices choices = {0};
    char report[512];
    const PlayOptions o = {a->first,          a->episodes,     a->slots,
                           (uint64_t)a->seed, (int)a->threads, terminal_listener(stderr, a->quiet)};
    PlayResult r = {.value = calloc((size_t)a->episodes, sizeof(double))};
    Status st = r.value ? OK : FAIL(ERR_MEMORY, "no memory for %" PRId64 " returns", a->episodes);
    snprintf(report, sizeof report,
             "simulated: %s in %s, seed %" PRId64 ", temperature %g, "
             "epsilon %g",
             row->name, a->world, a->seed, a->temperature, a->epsilon);
    if (st == OK && a->out) st = world_log_open(&log, a->out, w, (int)a->valid, report);
    if (st == OK && log) choices.then = world_log_sink(log);
    const double started = progress_seconds();
    if (st == OK)
        st = play(w, &o, actor, a->show || a->plot ? choices_sink(&choices) : choices.then, &r);
    if (st == OK && log) st = world_log_finish(log);
    if (st == OK) {
        row->value = play_interval(r.value, a->episodes);
        row->length = (double)r.choices / (double)a->episodes;
        row->rate = (double)r.choices / (progress_seconds() - started);
    }
    if (st == OK && a->show) printf("%s: ", row->name);
    if (st == OK && a->show) st = choices_print(&choices, w, stdout);
    if (st == OK && a->plot) st = choices_plot(&choices, w, a->plot, row->name);
    choices_close(&choices);
    world_log_close(log);
    free(r.value);
    return st;
}

static Status simulate_model(const Arguments *a, const World *w, Row *row)
{
    Session *session = NULL;
    ModelActor *actor = NULL;
    ActOptions options = {.temperature = a->temperature,
                          .epsilon = a->epsilon,
                          .candidates = a->candidates,
                          .exclude_last = a->exclude_last,
                          .seed = (uint64_t)a->seed};
    Status st;
    TRY_OR_FAIL(st, session_open(&session, &(SessionOptions){.checkpoint = a->checkpoint,
                                                             .data = a->data,
                                                             .device = a->device,
                                                             .threads = (int)a->threads}));
    const HeadSet has = session->model->shape.head_set;
    TRY_OR_FAIL(st, heads_find(&options.head, a->head, has, "--head"));
    TRY_OR_FAIL(st, model_actor_open(&actor, session, w, &options));
    st = simulate(a, w, model_actor(actor), row);
fail:
    model_actor_close(actor);
    session_close(session);
    return st;
}

/* ---- The table ------------------------------------------------------------------------------------- */

static Status print_json(const Arguments *a, const Row *row, int rows, const Optimum *optimum)
{
    json_t *list = json_array();
    for (int i = 0; i < rows; i++)
        json_array_append_new(list, json_pack("{s:s, s:f, s:f, s:f, s:f}", "policy", row[i].name,
                                              "return", row[i].value.mean, "half_interval_95",
                                              row[i].value.half, "choices_per_episode",
                                              row[i].length, "choices_per_second", row[i].rate));
    json_t *root = json_pack("{s:s, s:I, s:I, s:o, s:o}", "world", a->world, "episodes",
                             (json_int_t)a->episodes, "seed", (json_int_t)a->seed, "policies", list,
                             "optimum", optimum->known ? json_real(optimum->value) : json_null());
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

static Status run(Arguments *a)
{
    World w;
    Row row[POLICIES_MAX] = {{.name = a->checkpoint}};
    Optimum optimum = {0};
    TRY(world_open(&w, a->world));
    bool optimal = a->all && w.kind->mdp;
    for (int i = 0; i < a->policies; i++) optimal |= !strcmp(a->policy[i], "optimal");
    if (a->all) {
        a->policy[a->policies++] = "random";
        for (const WorldBaseline *b = w.kind->baselines; b && b->name; b++)
            a->policy[a->policies++] = b->name;
        if (optimal) a->policy[a->policies++] = "optimal";
    }
    Status st = optimal ? optimum_open(&optimum, &w) : OK;
    if (st == OK && a->checkpoint) st = simulate_model(a, &w, &row[0]);
    if (st == OK && !a->checkpoint) st = run_policies(a, &w, &optimum, row);
    const int rows = a->checkpoint ? 1 : a->policies;
    if (st == OK && w.kind->describe) w.kind->describe(w.parameters, stdout);
    if (st == OK) print_table(row, rows, &optimum);
    if (st == OK && a->json) st = print_json(a, row, rows, &optimum);
    optimum_close(&optimum);
    world_close(&w);
    return st;
}

/* ---- Arguments --------------------------------------------------------------------------------------- */

static Status real_number(const char *option, const char *text, double high, double *out)
{
    char *end;
    errno = 0;
    *out = strtod(text, &end);
    if (errno || end == text || *end || !(*out >= 0.0 && *out <= high))
        return FAIL(ERR_USAGE, "--%s \"%s\": expected a number from 0 to %g", option, text, high);
    return OK;
}

static Status check(const Arguments *a, int argc, char **argv)
{
    if (optind < argc) return FAIL(ERR_USAGE, "unexpected argument \"%s\"", argv[optind]);
    if (!a->world) return FAIL(ERR_USAGE, "want --world (--help)");
    if ((a->policies > 0) + a->all + (a->checkpoint != NULL) != 1)
        return FAIL(ERR_USAGE, "want one of --policy, --all and --checkpoint (--help)");
    if ((a->checkpoint != NULL) != (a->data != NULL))
        return FAIL(ERR_USAGE, "--checkpoint and --data go together");
    if (!a->checkpoint && (a->temperature > 0.0 || a->epsilon > 0.0 || a->head))
        return FAIL(ERR_USAGE, "--head, --temperature and --epsilon are for a --checkpoint");
    if (a->temperature > 0.0 && a->epsilon > 0.0)
        return FAIL(ERR_USAGE, "--temperature and --epsilon exclude each other");
    if (a->out && (a->all || a->policies > 1)) return FAIL(ERR_USAGE, "--out takes one policy");
    return OK;
}

static Status take(Arguments *a, int option)
{
    switch (option) {
    case 'w': return a->world = optarg, OK;
    case 'c': return a->checkpoint = optarg, OK;
    case 'd': return a->data = optarg, OK;
    case 'o': return a->out = optarg, OK;
    case 'j': return a->json = optarg, OK;
    case 'D': return a->device = optarg, OK;
    case 'H': return a->head = optarg, OK;
    case 'a': return a->all = true, OK;
    case 'q': return a->quiet = true, OK;
    case 'P': return a->show = true, OK;
    case 'L': return a->plot = optarg, OK;
    case 't': return real_number("temperature", optarg, 1e6, &a->temperature);
    case 'e': return real_number("epsilon", optarg, 1.0, &a->epsilon);
    case 'k': return cli_number("candidates", optarg, 1, 1000, &a->candidates);
    case 'X': return cli_number("exclude-last", optarg, 0, 1000, &a->exclude_last);
    case 'n': return cli_number("episodes", optarg, 1, 1000000000, &a->episodes);
    case 'f': return cli_number("first", optarg, 0, INT64_MAX / 2, &a->first);
    case 's': return cli_number("slots", optarg, 1, 1000000, &a->slots);
    case 'S': return cli_number("seed", optarg, 0, INT64_MAX, &a->seed);
    case 'T': return cli_number("threads", optarg, 0, 4096, &a->threads);
    case 'v': return cli_number("valid", optarg, 0, 19, &a->valid);
    default: break;
    }
    if (a->policies == POLICIES_MAX) return FAIL(ERR_USAGE, "more than %d policies", POLICIES_MAX);
    return a->policy[a->policies++] = optarg, OK;
}

int cli_simulate(int argc, char **argv)
{
    static const struct option options[] = {
        {"world", required_argument, NULL, 'w'},
        {"policy", required_argument, NULL, 'p'},
        {"all", no_argument, NULL, 'a'},
        {"checkpoint", required_argument, NULL, 'c'},
        {"data", required_argument, NULL, 'd'},
        {"head", required_argument, NULL, 'H'},
        {"temperature", required_argument, NULL, 't'},
        {"epsilon", required_argument, NULL, 'e'},
        {"candidates", required_argument, NULL, 'k'},
        {"exclude-last", required_argument, NULL, 'X'},
        {"episodes", required_argument, NULL, 'n'},
        {"first", required_argument, NULL, 'f'},
        {"slots", required_argument, NULL, 's'},
        {"seed", required_argument, NULL, 'S'},
        {"out", required_argument, NULL, 'o'},
        {"valid", required_argument, NULL, 'v'},
        {"show", no_argument, NULL, 'P'},
        {"plot", required_argument, NULL, 'L'},
        {"json", required_argument, NULL, 'j'},
        {"device", required_argument, NULL, 'D'},
        {"threads", required_argument, NULL, 'T'},
        {"quiet", no_argument, NULL, 'q'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    Arguments a = {.device = "cpu", .episodes = 10000, .slots = 4096, .seed = 1, .valid = 1};
    Status st = OK;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        if (option == 'h') return usage(stdout), 0;
        if (option == '?') return 2;
        if (st == OK) st = take(&a, option);
    }
    if (st == OK) st = check(&a, argc, argv);
    if (st == OK) st = run(&a);
    return st == OK ? 0 : cli_fail("simulate", st);
}
