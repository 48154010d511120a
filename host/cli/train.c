/* SPDX-License-Identifier: Apache-2.0 */
/* souk train: a model from a behaviour file, or from acting in a world. */
#include <string.h>

#include "base/help.h"
#include "cli/cli.h"
#include "cli/terminal.h"
#include "learn/objective.h"
#include "train/defaults.h"
#include "train/train.h"

typedef struct {
    Config config;
    LoopOptions loop;
    bool plan;
} Arguments;

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    CLI_DATA(),
    CLI_WORLD(),
    {.name = "rounds", .value = "N", .setting = "world.rounds"},
    CLI_OUT("FOLDER"),
    {.name = "objective", .value = "AGENTS", .setting = "learn.objective"},
    {.heading = "Options of a run"},
    {.name = "resume",
     FIELD(loop.resume),
     .help = "continue the run in --out where it stopped, bit for bit; not in a world"},
    {.name = "refresh", .value = "SPLIT", .setting = "train.refresh"},
    {.name = "refit", .setting = "train.refit"},
    {.name = "force", FIELD(loop.overwrite), .help = "start again in a folder that has a run"},
    {.name = "plan",
     FIELD(plan),
     .help = "print the parameters, the memory and the settings that the log's size decides, as "
             "JSON, and train nothing"},
    {.heading = "General options"},
    CLI_CONFIG,
    CLI_DEVICE(),
    CLI_THREADS,
    CLI_SEED(),
    CLI_QUIET,
    {0},
};

/* Ctrl-C ends a training on a log after its step, with a checkpoint to resume from. In a world it
 * ends the program, which leaves the checkpoint of the last whole round. */
static Status run(void *arguments, Operands operands, int *exit_code)
{
    Arguments *a = arguments;
    LoopEnd end;
    const bool world = *a->config.world_name;
    (void)operands, (void)exit_code;
    if (a->plan) return loop_plan(&a->config, stdout);
    a->loop.compare = true;
    a->loop.listener = terminal_listener(world ? stdout : stderr, a->config.train_quiet);
    if (!world) terminal_catch_signals();
    return train_run(&a->config, a->loop, &end);
}

/* The settings of the roles that a resumed run may change, from the table of settings. */
static void help_resume(FILE *out)
{
    char text[2048] = "A run that is resumed must have the settings that it began with, except: ";
    bool first = true;
    help_section(out, "Resuming");
    for (int i = 0; i < config_count(); i++) {
        const size_t used = strlen(text);
        if (config_in(i, CONFIG_RESUMED)) continue;
        snprintf(text + used, sizeof text - used, "%s%s", first ? "" : ", ", config_key(i));
        first = false;
    }
    help_text(out, text);
}

static void more(FILE *out)
{
    help_section(out, "Agents of learn.objective, joined by + where they train different heads");
    objective_help(out);
    acting_help(out);
    defaults_help(out);
    help_resume(out);
}

const Command cli_train = {
    .table =
        {.name = "train",
         .summary = "Train a model on a behaviour file, or in a simulated world",
         .usage = {"--data FILE [OPTION]... [SECTION.KEY=VALUE]...",
                   "--world WORLD [OPTION]... [SECTION.KEY=VALUE]..."},
         .description =
             "With --data the model learns from a log. With --world it acts in a simulated "
             "world and learns from what it saw, in rounds.\n\n"
             "A policy scores every item by its vector, and model.candidates of them also by "
             "counts of what followed what in the train split. The counts and the first vectors "
             "of items are made before the first step; each validation weighs the two scores "
             "against each other, which is called calibration.\n\n"
             "Settings come from the defaults below, then from the file of --config, then from "
             "the command line, where the last one wins. The folder of --out gets the weights "
             "of the best validation (best.safetensors), all that a resume needs "
             "(last.safetensors), the settings (checkpoint.json) and the losses "
             "(metrics.jsonl).\n",
         .options = options,
         .all_settings = true,
         .lists_settings = true,
         .more = more,
         .examples = {"souk train --data shop.h5 --out run "
                      "learn.objective=cross_entropy+double_q",
                      "souk train --data shop.h5 --out run --resume train.epochs=40",
                      "souk train --data grown.h5 --out run2 train.from=run train.epochs=2",
                      "souk train --world small-shop --rounds 10 learn.objective=double_q"}},
    .arguments = sizeof(Arguments),
    .run = run,
};
