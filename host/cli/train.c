/* souk train */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/cli.h"
#include "cli/terminal.h"
#include "learn/objective.h"
#include "train/train.h"

static void usage(FILE *out)
{
    fputs("usage: souk train [--config FILE] [--resume | --force | --plan] SECTION.KEY=VALUE...\n"
          "       souk train --world W [--rounds N] [--config FILE] [--force] "
          "SECTION.KEY=VALUE...\n\n"
          "Train a model on a behaviour file; or in a simulated world, where rounds of acting and "
          "of\n"
          "training on what was seen follow one another. Settings come from the defaults below, "
          "then\n"
          "the config file (INI), then the command line. The run goes to the folder train.out.\n\n"
          "  --config FILE   read settings from an INI file\n"
          "  --world W       world.name: NAME or NAME:key=value,... (souk simulate --help)\n"
          "  --rounds N      world.rounds\n"
          "  --resume        go on from train.out/last.safetensors, bit for bit; not in a world\n"
          "  --force         start anew in a folder that holds a run\n" CLI_DEVICE_HELP
          "  --plan          print parameters and memory as JSON, and train nothing\n"
          "  --help          this text\n\n"
          "examples: souk train data.path=shop.h5 train.out=run "
          "learn.objective=cross_entropy+double_q\n"
          "          souk train --world small-shop --rounds 10 learn.objective=double_q\n\n"
          "settings and their defaults:\n",
          out);
    config_help(out);
    fputs("\nagents of learn.objective, to be joined by + where they train different heads:\n",
          out);
    objective_help(out);
    fputs("\nheads of world.head:\n", out);
    heads_help(out);
}

/* Ctrl-C ends a training on a log after its step, with a checkpoint to resume from. In a world it ends
 * the program, which leaves the checkpoint of the last whole round. */
static Status train(const Config *config, LoopOptions loop)
{
    const bool world = config->world_name[0];
    LoopEnd end;
    loop.listener = terminal_listener(world ? stdout : stderr, config->train_quiet);
    if (!world) terminal_catch_signals();
    return train_run(config, loop, &end);
}

int cli_train(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"world", required_argument, NULL, 'w'},
        {"rounds", required_argument, NULL, 'n'},
        {"device", required_argument, NULL, 'D'},
        {"resume", no_argument, NULL, 'r'},
        {"force", no_argument, NULL, 'f'},
        {"plan", no_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    Config config = config_default();
    LoopOptions loop = {0};
    bool plan = false;
    Status st = OK;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'c': st = st == OK ? config_read(&config, optarg) : st; break;
        case 'w': st = st == OK ? config_set(&config, "world.name", optarg) : st; break;
        case 'n': st = st == OK ? config_set(&config, "world.rounds", optarg) : st; break;
        case 'D': st = st == OK ? config_set(&config, "train.device", optarg) : st; break;
        case 'r': loop.resume = true; break;
        case 'f': loop.overwrite = true; break;
        case 'p': plan = true; break;
        case 'h': return usage(stdout), 0;
        default: return 2;
        }
    }
    for (int i = optind; i < argc && st == OK; i++) st = config_assign(&config, argv[i]);
    if (st == OK) st = plan ? loop_plan(&config, stdout) : train(&config, loop);
    return st == OK ? 0 : cli_fail("train", st);
}
