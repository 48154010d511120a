/* SPDX-License-Identifier: Apache-2.0 */
/* souk ablate: does reinforcement learning do more than an auxiliary loss would? */
#include "cli/cli.h"
#include "cli/terminal.h"
#include "train/ablation/ablation.h"
#include "train/train.h"

typedef struct {
    Config config;
    AblationOptions ablation;
} Arguments;

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    CLI_DATA(),
    CLI_WORLD(),
    {.name = "rounds", .value = "N", .setting = "world.rounds"},
    CLI_OUT("FOLDER", .help = "folder of the runs, the table and the plot"),
    {.name = "objective",
     .value = "AGENTS",
     .setting = "learn.objective",
     .initial = "cross_entropy+double_q",
     .help = "the agent that is examined"},
    {.heading = "Options of the comparison"},
    {.name = "seeds",
     .value = "N",
     FIELD(ablation.seeds),
     .low = 2,
     .high = ABLATION_SEEDS_MAX,
     .initial = "3",
     .help = "train every arm with train.seed and the N - 1 seeds after it"},
    {.name = "users",
     .value = "N",
     FIELD(ablation.users),
     .high = (double)INT64_MAX,
     .initial = "0",
     .help = "judge by a random sample of N users of the test split; 0: by all"},
    {.name = "include-seen",
     FIELD(ablation.include_seen),
     .help = "items of the history stay candidates; by default souk eval's rule decides"},
    {.name = "exclude-seen",
     FIELD(ablation.exclude_seen),
     .help = "items of the history are no candidates, and events whose target is one of them are "
             "left out"},
    {.name = "force", FIELD(ablation.overwrite), .help = "train all arms again"},
    {.heading = "General options"},
    CLI_CONFIG,
    CLI_DEVICE(),
    CLI_THREADS,
    CLI_SEED(.help = "the first seed"),
    CLI_QUIET,
    {0},
};

static Status run(void *arguments, Operands operands, int *exit_code)
{
    Arguments *a = arguments;
    const bool world = *a->config.world_name;
    (void)operands, (void)exit_code;
    TRY(train_check(&a->config));
    if (world && (a->ablation.users || a->ablation.include_seen || a->ablation.exclude_seen))
        return FAIL(ERR_USAGE, "--users, --include-seen and --exclude-seen are options of --data, "
                               "not of --world");
    if (a->ablation.include_seen && a->ablation.exclude_seen)
        return FAIL(ERR_USAGE, "--include-seen and --exclude-seen, want one of them");
    a->ablation.listener = terminal_listener(world ? stdout : stderr, a->config.train_quiet);
    if (!world) terminal_catch_signals();
    return ablation_run(&a->config, &a->ablation);
}

const Command cli_ablate = {
    .table =
        {.name = "ablate",
         .summary = "Test whether an agent does more than an auxiliary loss would",
         .usage = {"--data FILE [OPTION]... [SECTION.KEY=VALUE]...",
                   "--world WORLD [OPTION]... [SECTION.KEY=VALUE]..."},
         .description =
             "Trains one model, with the same settings, budget and seeds, as each of these "
             "arms:\n\n"
             "  cross_entropy               no reinforcement learning\n"
             "  cross_entropy+aux_random    a control: Q regresses on noise\n"
             "  cross_entropy+aux_length    a control: Q regresses on the length of history\n"
             "  cross_entropy+sarsa         an agent, with the simplest target\n"
             "  learn.objective             the agent that is examined\n\n"
             "Judges all arms on the test split as souk eval does, or in a world by the return of "
             "the greedy policy. Says of every two arms which one wins, or that they cannot be "
             "told "
             "apart, with 95 % intervals over users and seeds.\n\n"
             "train.steps, train.epochs or train.seconds is the budget of each arm. The folder of "
             "--out gets a run for each arm and seed, ablation.json, and a plot where gnuplot is "
             "installed. The same command continues where it was stopped. With another "
             "learn.objective it trains that arm alone.\n",
         .options = options,
         .all_settings = true,
         .examples = {"souk ablate --data shop.h5 --out ablation train.steps=2000 --seeds 5"}},
    .arguments = sizeof(Arguments),
    .run = run,
};
