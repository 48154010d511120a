/* souk info */
#include "cli/info/info.h"

#include <getopt.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"
#include "data/behaviour/behaviour.h"

static void usage(FILE *out)
{
    fputs("usage: souk info FILE [OPTION...]\n\n"
          "All about a behaviour file at a glance: counts, actions, times, history lengths, "
          "splits,\nfeatures, storage, the most frequent items, the cleaning report. Opening "
          "checks the whole\nfile: what is printed can be trained on.\n\n"
          "  --top N   so many of the most frequent items (default 10)\n"
          "  --json    one JSON object on standard output\n"
          "  --help    this text\n\n"
          "example: souk info shop.h5\n",
          out);
}

static Status show(const char *path, int64_t tops, bool json)
{
    Behaviour b;
    Summary s = {0};
    TRY(behaviour_open(&b, path));
    Status st = summary_read(&s, &b, (int)tops);
    if (st == OK) st = json ? info_print_json(&b, &s) : info_print(&b, &s);
    summary_close(&s);
    behaviour_close(&b);
    if (st == OK && (fflush(stdout) != 0 || ferror(stdout)))
        st = FAIL(ERR_IO, "cannot write to standard output");
    return st;
}

int cli_info(int argc, char **argv)
{
    static const struct option options[] = {{"top", required_argument, NULL, 't'},
                                            {"json", no_argument, NULL, 'j'},
                                            {"help", no_argument, NULL, 'h'},
                                            {0}};
    int64_t tops = 10;
    bool json = false;
    Status st = OK;
    for (int c; (c = getopt_long(argc, argv, "h", options, NULL)) != -1;) {
        if (c == 'h') return usage(stdout), 0;
        if (c == 't')
            st = cli_number("top", optarg, 0, 1000000, &tops);
        else if (c == 'j')
            json = true;
        else
            return usage(stderr), 2;
        if (st != OK) return cli_fail(argv[0], st);
    }
    if (optind + 1 != argc) return usage(stderr), 2;
    st = show(argv[optind], tops, json);
    return st == OK ? 0 : cli_fail(argv[0], st);
}
