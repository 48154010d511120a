/* souk ablate: does reinforcement learning do more than an auxiliary loss would? */
#include <getopt.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/terminal.h"
#include "train/ablation/ablation.h"
#include "train/train.h"

static void usage(FILE *out)
{
    fputs(
        "usage: souk ablate [--config FILE] [OPTION...] data.path=FILE SECTION.KEY=VALUE...\n"
        "       souk ablate --world W [OPTION...] SECTION.KEY=VALUE...\n\n"
        "Does reinforcement learning do more than an auxiliary loss would? Trains one model, with "
        "the\n"
        "same settings, budget and seeds, as\n"
        "  cross_entropy               no reinforcement learning\n"
        "  cross_entropy+aux_random    a control: Q regresses on noise\n"
        "  cross_entropy+aux_length    a control: Q regresses on the length of the history\n"
        "  cross_entropy+sarsa         an agent, with the simplest target\n"
        "  learn.objective             the chosen agent (default: cross_entropy+double_q)\n"
        "judges all on the test split as souk eval does, or in a world by the return of the "
        "greedy\n"
        "policy, and says of every agent whether it beats, is beaten by, or cannot be told apart "
        "from\n"
        "the others, with 95 % intervals over users and seeds.\n\n"
        "Settings are those of souk train; train.steps, train.epochs or train.seconds is the "
        "budget of\n"
        "each arm. The folder train.out gets a run an arm and seed, ablation.json, and a plot "
        "where\n"
        "gnuplot is. The same command goes on where it was killed; with another learn.objective it "
        "trains\nthat arm alone.\n\n"
        "  --seeds N       train.seed and the N-1 after it (default 3)\n"
        "  --users N       judge by a random sample of N users of the test split\n"
        "  --include-seen  items of the history stay candidates\n"
        "  --config FILE   read settings from an INI file\n"
        "  --world W       world.name: NAME or NAME:key=value,... (souk simulate --help)\n"
        "  --rounds N      world.rounds\n"
        "  --force         train all arms anew\n" CLI_DEVICE_HELP "  --help          this text\n\n"
        "example: souk ablate data.path=shop.h5 train.out=ablation train.steps=2000 --seeds 5\n",
        out);
}

static const struct option long_options[] = {
    {"seeds", required_argument, NULL, 's'},  {"users", required_argument, NULL, 'u'},
    {"include-seen", no_argument, NULL, 'i'}, {"config", required_argument, NULL, 'c'},
    {"world", required_argument, NULL, 'w'},  {"rounds", required_argument, NULL, 'n'},
    {"force", no_argument, NULL, 'f'},        {"device", required_argument, NULL, 'D'},
    {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0}};

/* Takes one option; 'h' and '?' are the caller's. */
static Status take(Config *config, AblationOptions *o, int option, const char *value)
{
    switch (option) {
    case 's': return cli_number("seeds", value, 2, ABLATION_SEEDS_MAX, &o->seeds);
    case 'u': return cli_number("users", value, 1, INT64_MAX, &o->users);
    case 'i': o->include_seen = true; break;
    case 'c': return config_read(config, value);
    case 'w': return config_set(config, "world.name", value);
    case 'n': return config_set(config, "world.rounds", value);
    case 'f': o->overwrite = true; break;
    case 'D': return config_set(config, "train.device", value);
    }
    return OK;
}

static Status ablate(const Config *config, const AblationOptions *options)
{
    const bool world = config->world_name[0];
    AblationOptions with = *options;
    TRY(train_check(config));
    if (world && (options->users || options->include_seen))
        return FAIL(ERR_USAGE, "--users and --include-seen are of a log, not of a world");
    with.listener = terminal_listener(world ? stdout : stderr, config->train_quiet);
    if (!world) terminal_catch_signals();
    return ablation_run(config, &with);
}

int cli_ablate(int argc, char **argv)
{
    Config config = config_default();
    AblationOptions options = {.seeds = 3};
    snprintf(config.learn_objective, sizeof config.learn_objective, "cross_entropy+double_q");
    for (int option; (option = getopt_long(argc, argv, "", long_options, NULL)) != -1;) {
        if (option == 'h') return usage(stdout), 0;
        if (option == '?') return 2;
        const Status st = take(&config, &options, option, optarg);
        if (st != OK) return cli_fail("ablate", st);
    }
    Status st = OK;
    for (int i = optind; i < argc && st == OK; i++) st = config_assign(&config, argv[i]);
    if (st == OK) st = ablate(&config, &options);
    return st == OK ? 0 : cli_fail("ablate", st);
}
