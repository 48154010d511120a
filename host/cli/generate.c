/* souk generate: a synthetic shop log. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/terminal.h"
#include "data/rawlog/synthetic.h"
#include "data/rawlog/text.h"

static void usage(FILE *out)
{
    fputs("usage: souk generate [OPTION...]\n\n"
          "Write a synthetic shop log: CSV user_id,item_id,category,action,timestamp,price.\n"
          "The same options give the same bytes.\n\n"
          "  --events N    rows (1000000)\n"
          "  --users N     shoppers (events / 50)\n"
          "  --items N     catalogue (users / 5, at most 1000000)\n"
          "  --days N      time the log covers (120)\n"
          "  --seed N      (1)\n"
          "  --noise       add malformed rows, one in ten thousand\n"
          "  --out FILE    - is standard output (-)\n"
          "  --threads N   (all processors)\n"
          "  --quiet       no progress bar\n\n"
          "  souk generate --events 200000 --out log.csv && souk ingest log.csv log.h5\n",
          out);
}

static Status number(const char *option, const char *text, double least, int64_t *value)
{
    double x;
    if (!text_number(text_of(text), &x) || x < least || x > 1e15 || x != (double)(int64_t)x)
        return FAIL(ERR_USAGE, "--%s %s, expected a whole number, at least %g", option, text,
                    least);
    *value = (int64_t)x;
    return OK;
}

int cli_generate(int argc, char **argv)
{
    enum { EVENTS, USERS, ITEMS, DAYS, SEED, THREADS, NUMBERS, NOISE = 100, OUT, QUIET, HELP };
    static const struct option options[] = {
        {"events", 1, 0, EVENTS},
        {"users", 1, 0, USERS},
        {"items", 1, 0, ITEMS},
        {"days", 1, 0, DAYS},
        {"seed", 1, 0, SEED},
        {"threads", 1, 0, THREADS},
        {"noise", 0, 0, NOISE},
        {"out", 1, 0, OUT},
        {"quiet", 0, 0, QUIET},
        {"help", 0, 0, HELP},
        {0},
    };
    int64_t value[NUMBERS] = {[EVENTS] = 1000000, [DAYS] = 120, [SEED] = 1};
    static const double least[NUMBERS] = {
        [EVENTS] = 1, [USERS] = 1, [ITEMS] = 1, [DAYS] = 1, [SEED] = 0, [THREADS] = 1};
    SyntheticOptions o = {.listener = terminal_listener(stderr, false)};
    const char *out = "-";
    for (int c, at; (c = getopt_long(argc, argv, "h", options, &at)) != -1;) {
        if (c == '?') return 2;
        if (c == HELP || c == 'h') return usage(stdout), 0;
        if (c == NOISE)
            o.noise = true;
        else if (c == QUIET)
            o.listener = NULL;
        else if (c == OUT)
            out = optarg;
        else if (number(options[at].name, optarg, least[c], &value[c]) != OK)
            return cli_fail(argv[0], ERR_USAGE);
    }
    if (optind < argc) {
        fprintf(stderr, "souk generate: \"%s\" is not expected; see --help\n", argv[optind]);
        return 2;
    }
    o.events = value[EVENTS];
    o.users = value[USERS];
    o.items = value[ITEMS];
    o.days = (int)(value[DAYS] > 1000000 ? 1000000 : value[DAYS]);
    o.seed = (uint64_t)value[SEED];
    o.threads = (int)value[THREADS];
    const Status st = synthetic_write(&o, out);
    return st == OK ? 0 : cli_fail(argv[0], st);
}
