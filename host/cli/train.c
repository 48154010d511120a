/* souk train */
#include <getopt.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/cli.h"
#include "learn/objective.h"
#include "train/loop.h"

static void usage(FILE *out)
{
    fputs("usage: souk train [--config FILE] [--resume | --force | --plan] SECTION.KEY=VALUE...\n\n"
          "Train a model on a behaviour file. Settings come from the defaults below, then the "
          "config\n"
          "file (INI), then the command line. The run goes to the folder train.out.\n\n"
          "  --config FILE   read settings from an INI file\n"
          "  --resume        go on from train.out/last.safetensors, bit for bit\n"
          "  --force         start anew in a folder that holds a run\n"
          "  --plan          print parameters and memory as JSON, and train nothing\n"
          "  --help          this text\n\n"
          "example: souk train data.path=shop.h5 train.out=run "
          "learn.objective=cross_entropy+double_q\n\n"
          "settings and their defaults:\n",
          out);
    config_help(out);
    fputs("\nagents of learn.objective, to be joined by + where they train different heads:\n",
          out);
    objective_help(out);
}

int cli_train(int argc, char **argv)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'}, {"resume", no_argument, NULL, 'r'},
        {"force", no_argument, NULL, 'f'},        {"plan", no_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},         {0},
    };
    Config config = config_default();
    LoopOptions loop = {0};
    bool plan = false;
    Status st = OK;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'c': st = st == OK ? config_read(&config, optarg) : st; break;
        case 'r': loop.resume = true; break;
        case 'f': loop.overwrite = true; break;
        case 'p': plan = true; break;
        case 'h': return usage(stdout), 0;
        default: return 2;
        }
    }
    for (int i = optind; i < argc && st == OK; i++) st = config_assign(&config, argv[i]);
    if (st == OK && !config.data_path[0])
        st = FAIL(ERR_USAGE, "data.path=FILE is missing (souk train --help)");
    if (st == OK) st = plan ? train_plan(&config, stdout) : train_run(&config, loop);
    return st == OK ? 0 : cli_fail("train", st);
}
