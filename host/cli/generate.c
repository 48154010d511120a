/* SPDX-License-Identifier: Apache-2.0 */
/* souk generate: a synthetic shop log. */
#include "cli/cli.h"
#include "cli/terminal.h"
#include "data/rawlog/synthetic.h"

typedef struct {
    Config config;
    int64_t events, users, items, days;
    bool noise;
} Arguments;

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    {.name = "events",
     .value = "N",
     FIELD(events),
     .low = 1,
     .high = 1e15,
     .initial = "1000000",
     .help = "rows of the log"},
    {.name = "users",
     .value = "N",
     FIELD(users),
     .high = 1e15,
     .initial = "0",
     .help = "shoppers; 0: one for 50 events"},
    {.name = "items",
     .value = "N",
     FIELD(items),
     .high = 1e15,
     .initial = "0",
     .help = "items of the catalogue; 0: one for 5 users, at most 1,000,000"},
    {.name = "days",
     .value = "N",
     FIELD(days),
     .low = 1,
     .high = 1000000,
     .initial = "120",
     .help = "days that the log covers"},
    {.name = "noise", FIELD(noise), .help = "add malformed rows, one in ten thousand"},
    CLI_OUT("FILE", .initial = "-", .help = "the file to write; -: standard output"),
    CLI_SEED(.help = "seed; the same options give the same bytes"),
    CLI_THREADS,
    CLI_QUIET,
    {0},
};

static Status run(void *arguments, Operands operands, int *exit_code)
{
    const Arguments *a = arguments;
    const SyntheticOptions o = {.events = a->events,
                                .users = a->users,
                                .items = a->items,
                                .days = (int)a->days,
                                .seed = (uint64_t)a->config.train_seed,
                                .threads = (int)a->config.train_threads,
                                .noise = a->noise,
                                .listener = terminal_listener(stderr, a->config.train_quiet)};
    (void)operands, (void)exit_code;
    return synthetic_write(&o, a->config.train_out);
}

const Command cli_generate = {
    .table = {.name = "generate",
              .summary = "Write a synthetic shop log",
              .usage = {"[OPTION]..."},
              .description = "Writes CSV with the columns user_id, item_id, category, action, "
                             "timestamp and price.\n",
              .options = options,
              .examples = {"souk generate --events 200000 --out log.csv",
                           "souk generate | souk ingest - log.h5"}},
    .arguments = sizeof(Arguments),
    .run = run,
};
