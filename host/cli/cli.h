/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands of `souk`: one file and one Command each. cli.c finds the command, parses its
 * options, runs it, and prints why it failed. */
#ifndef SOUK_CLI_H
#define SOUK_CLI_H

#include "base/options.h"

typedef struct {
    OptionTable table;
    size_t arguments; /* bytes of its struct of arguments, which begins with a Config */
    /* Before the options are parsed, and after all is done; NULL: nothing to do. */
    void (*begin)(void *arguments);
    void (*end)(void *arguments);
    /* *exit_code is that of the returned status, unless the command sets another. */
    Status (*run)(void *arguments, Operands operands, int *exit_code);
} Command;

extern const Command cli_ablate, cli_bench, cli_check, cli_eval, cli_generate, cli_info, cli_ingest,
    cli_ope, cli_recommend, cli_simulate, cli_trace, cli_train;

/* The command of the program alone: a program that embeds souk does not link what it needs. */
extern const Command cli_serve;

/* Do what the program `souk` does, with one more command, `own`, unless it is NULL: argv[1] names
 * the subcommand, the rest is its arguments. Returns the exit code: 0 done, 1 failed (one line on
 * standard error says why), 2 wrong usage; check and ope return 3 too. Not to be called from two
 * threads at once, as getopt is not. */
int cli_run(const Command *own, int argc, char **argv);

/* ---- Options that several commands have ------------------------------------------------------ */

/* Fields that differ go between the parentheses: CLI_DATA(.required = true). */
#define CLI_DATA(...)                                                                              \
    {                                                                                              \
        .name = "data", .letter = 'd', .value = "FILE", .setting = "data.path", __VA_ARGS__        \
    }
#define CLI_CHECKPOINT(...)                                                                        \
    {                                                                                              \
        .name = "checkpoint", .value = "PATH", FIELD(checkpoint), __VA_ARGS__                      \
    }
#define CLI_OUT(kind, ...)                                                                         \
    {                                                                                              \
        .name = "out", .letter = 'o', .value = kind, .setting = "train.out", __VA_ARGS__           \
    }
#define CLI_WORLD(...)                                                                             \
    {                                                                                              \
        .name = "world", .value = "WORLD", .setting = "world.name", __VA_ARGS__                    \
    }
#define CLI_ACTING                                                                                 \
    {                                                                                              \
        .name = "acting", .value = "RULE", FIELD(acting.rule),                                     \
        .help = "how the model acts, as listed below; without it by its own rule"                  \
    }
#define CLI_EXCLUDE_LAST                                                                           \
    {                                                                                              \
        .name = "exclude-last", .value = "N", FIELD(acting.exclude_last), .high = 1000,            \
        .help = "leave out the items of the last N events; without it as many as the rule says"    \
    }
#define CLI_DEVICE(...)                                                                            \
    {                                                                                              \
        .name = "device", .value = "DEVICE", .setting = "train.device", __VA_ARGS__                \
    }
#define CLI_THREADS                                                                                \
    {                                                                                              \
        .name = "threads", .value = "N", .setting = "train.threads"                                \
    }
#define CLI_SEED(...)                                                                              \
    {                                                                                              \
        .name = "seed", .value = "N", .setting = "train.seed", __VA_ARGS__                         \
    }
#define CLI_JSON                                                                                   \
    {                                                                                              \
        .name = "json", .value = "FILE", FIELD(json), .written = true,                             \
        .help = "write the report as JSON too"                                                     \
    }
#define CLI_QUIET                                                                                  \
    {                                                                                              \
        .name = "quiet", .letter = 'q', .setting = "train.quiet", .help = "print no progress"      \
    }
/* A file of settings, which options and arguments may change wherever they stand. */
#define CLI_CONFIG                                                                                 \
    {                                                                                              \
        .name = "config", .value = "FILE", .take = cli_read_config, .early = true,                 \
        .help = "read settings from an INI file: [SECTION], KEY = VALUE"                           \
    }
Status cli_read_config(void *arguments, const Option *o, const char *value);

#endif
