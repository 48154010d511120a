/* The subcommands of `souk`, one file each. argv[0] is the subcommand's name. They return the exit
 * code: 0 done, 1 failed (one line on standard error says why), 2 wrong usage; check and ope say 3
 * too. */
#ifndef SOUK_CLI_H
#define SOUK_CLI_H

#include <stdint.h>

#include "base/status.h"

/* Do what the program `souk` does: argv[1] names the subcommand, the rest is its arguments. Not to be
 * called from two threads at once, as getopt is not. */
int cli_run(int argc, char **argv);

/* Print `souk NAME: <the recorded failure>` on standard error; the exit code for `st`. */
int cli_fail(const char *name, Status st);
/* What the help of a command that runs a model says of --device. */
#define CLI_DEVICE_HELP "  --device D         where the model runs: cpu (default), cuda, cuda:N\n"
/* The whole number in [low, high] that --`option` was given. */
Status cli_number(const char *option, const char *value, int64_t low, int64_t high, int64_t *out);

int cli_ablate(int argc, char **argv);
int cli_bench(int argc, char **argv);
int cli_check(int argc, char **argv);
int cli_eval(int argc, char **argv);
int cli_generate(int argc, char **argv);
int cli_info(int argc, char **argv);
int cli_ingest(int argc, char **argv);
int cli_ope(int argc, char **argv);
int cli_recommend(int argc, char **argv);
int cli_simulate(int argc, char **argv);
int cli_trace(int argc, char **argv);
int cli_train(int argc, char **argv);

#endif
