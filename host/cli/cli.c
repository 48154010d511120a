#include "cli/cli.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "souk.h"

static const struct {
    const char *name;
    int (*run)(int argc, char **argv);
    const char *help;
} commands[] = {
    {"ablate", cli_ablate, "does reinforcement learning do more than an auxiliary loss would?"},
    {"bench", cli_bench, "how fast ops and steps are here, beside what the machine can do"},
    {"check", cli_check, "hold the GPU against the CPU, tensor by tensor"},
    {"eval", cli_eval, "rank a split's next events: the model beside the baselines"},
    {"generate", cli_generate, "write a synthetic shop log"},
    {"info", cli_info, "all about a behaviour file at a glance"},
    {"ingest", cli_ingest, "raw logs -> a behaviour file"},
    {"ope", cli_ope, "what a policy would have earned, from the log of another"},
    {"recommend", cli_recommend, "the best items for a user or a history"},
    {"simulate", cli_simulate, "let policies act in a simulated world"},
    {"trace", cli_trace, "one batch laid open for another framework"},
    {"train", cli_train, "train a model on a behaviour file"},
    {NULL, NULL, NULL},
};

static void usage(FILE *out)
{
    fputs("souk: train large models on shoppers' behaviour with reinforcement learning\n\n"
          "usage: souk COMMAND [ARGUMENT...]   (souk COMMAND --help says more)\n\n",
          out);
    for (int i = 0; commands[i].name; i++)
        fprintf(out, "  %-10s %s\n", commands[i].name, commands[i].help);
}

int cli_fail(const char *name, Status st)
{
    fprintf(stderr, "souk %s: %s\n", name, status_message());
    if (getenv("SOUK_DEBUG")) fprintf(stderr, "  at %s\n", status_place());
    return st == ERR_USAGE ? 2 : 1;
}

Status cli_number(const char *option, const char *value, int64_t low, int64_t high, int64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoll(value, &end, 10);
    if (errno || end == value || *end || *out < low || *out > high)
        return FAIL(ERR_USAGE, "--%s \"%s\": expected a whole number from %lld to %lld", option,
                    value, (long long)low, (long long)high);
    return OK;
}

int cli_run(int argc, char **argv)
{
    optind = 0; /* each call parses from the start */
    status_clear();
    if (argc < 2) return usage(stderr), 2;
    if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help"))
        return usage(stdout), 0;
    if (!strcmp(argv[1], "--version")) return printf("souk %s\n", souk_version()), 0;
    for (int i = 0; commands[i].name; i++)
        if (!strcmp(argv[1], commands[i].name)) return commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "souk: no command \"%s\"; souk --help lists them\n", argv[1]);
    return 2;
}
