/* souk ingest: raw logs -> a behaviour file. */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/terminal.h"
#include "data/ingest/ingest.h"
#include "data/rawlog/map.h"
#include "data/rawlog/map_file.h"

static void usage(FILE *out)
{
    fputs("usage: souk ingest [OPTION...] INPUT... OUTPUT.h5\n\n"
          "Clean a shop's event log and write it as a behaviour file. INPUT is CSV, TSV, JSON "
          "lines or\n"
          "sequences (one user a line), plain or .gz, .zst, .xz; several files are one log; - is "
          "standard\n"
          "input. Without --map, common column names are found in the header.\n\n"
          "  --map FILE.ini           which column is what; datasets/ has ready-made ones, and\n"
          "                           datasets/README.md describes every key\n"
          "  --set SECTION.KEY=VALUE  one setting of such a file\n"
          "  --from TIME, --to TIME   keep events from <= time < to (ISO, or a number since 1970)\n"
          "  --max-per-minute N       drop users with more events than that in any minute (120; 0: "
          "off)\n"
          "  --max-per-day N          ... in any 24 hours (5000; 0: off)\n"
          "  --min-user-events N      k-core: drop users and items with fewer events, again and "
          "again\n"
          "  --min-item-events N      until none is left (1, 1)\n"
          "  --gap DURATION           of inactivity ends an episode (30m)\n"
          "  --split RULE             time (default): 80/10/10 % of events by global time;\n"
          "                           leave-one-out; leave-last-basket; files (last input is the "
          "test)\n"
          "  --strict                 stop at the first bad row instead of counting it\n"
          "  --plain-keys             keep users' keys; otherwise they become keyed pseudonyms\n"
          "  --key-file FILE          32 random bytes for the pseudonyms (OUTPUT.key; made if "
          "missing)\n"
          "  --memory SIZE            resident memory to stay within (2GiB)\n"
          "  --tmp DIRECTORY          for temporary files (the output's)\n"
          "  --threads N              (all processors); does not change the result\n"
          "  --compress               smaller file, slower to read\n"
          "  --force                  replace OUTPUT\n"
          "  --json FILE              the report as JSON as well\n"
          "  --quiet                  no progress bar, no report\n\n"
          "examples\n"
          "  souk ingest log.csv log.h5\n"
          "  souk ingest --map datasets/retailrocket.ini events.csv.xz retailrocket.h5\n"
          "  souk ingest --map datasets/sequences.ini beauty.txt.xz beauty.h5\n"
          "  zcat logs/*.gz | souk ingest --set columns.user=uid --set columns.item=sku - log.h5\n"
          "  souk ingest --min-user-events 5 --min-item-events 5 --split leave-one-out log.csv "
          "log.h5\n",
          out);
}

/* Options that are one setting of the mapping. */
static const struct {
    const char *option, *section, *key;
} settings[] = {
    {"from", "clean", "from"},
    {"to", "clean", "to"},
    {"max-per-minute", "clean", "max_per_minute"},
    {"max-per-day", "clean", "max_per_day"},
    {"min-user-events", "clean", "min_user_events"},
    {"min-item-events", "clean", "min_item_events"},
    {"gap", "episodes", "gap"},
    {"split", "split", "rule"},
};

enum {
    SETTING = 256,
    MAP,
    SET,
    STRICT,
    PLAIN,
    KEY,
    MEMORY,
    TMP,
    THREADS,
    COMPRESS,
    FORCE,
    JSON,
    QUIET
};
static const struct option options[] = {
    {"from", 1, 0, SETTING},
    {"to", 1, 0, SETTING},
    {"max-per-minute", 1, 0, SETTING},
    {"max-per-day", 1, 0, SETTING},
    {"min-user-events", 1, 0, SETTING},
    {"min-item-events", 1, 0, SETTING},
    {"gap", 1, 0, SETTING},
    {"split", 1, 0, SETTING},
    {"map", 1, 0, MAP},
    {"set", 1, 0, SET},
    {"strict", 0, 0, STRICT},
    {"plain-keys", 0, 0, PLAIN},
    {"key-file", 1, 0, KEY},
    {"memory", 1, 0, MEMORY},
    {"tmp", 1, 0, TMP},
    {"threads", 1, 0, THREADS},
    {"compress", 0, 0, COMPRESS},
    {"force", 0, 0, FORCE},
    {"json", 1, 0, JSON},
    {"quiet", 0, 0, QUIET},
    {"help", 0, 0, 'h'},
    {0},
};

static Status apply_setting(Mapping *m, const char *option, const char *value)
{
    for (size_t i = 0; i < sizeof settings / sizeof *settings; i++)
        if (strcmp(option, settings[i].option) == 0)
            return map_set(m, settings[i].section, settings[i].key, value);
    return FAIL(ERR_USAGE, "no option --%s", option);
}

/* On the command line a bad setting is wrong usage. */
static Status wrong(Status st) { return st == OK ? OK : ERR_USAGE; }

static Status threads_of(const char *text, int *threads)
{
    double x;
    if (!text_number(text_of(text), &x) || x < 1 || x > 1024 || x != (int)x)
        return FAIL(ERR_USAGE, "--threads %s, expected 1 to 1024", text);
    *threads = (int)x;
    return OK;
}

typedef struct {
    IngestOptions ingest;
    const char *json;
    bool help, wrong;
} Arguments;

/* The mapping file first, so that settings change it wherever they stand. */
static Status parse(int argc, char **argv, Arguments *a, Mapping *m)
{
    IngestOptions *o = &a->ingest;
    for (int pass = 0; pass < 2; pass++) {
        optind = 0;
        for (int c, at; (c = getopt_long(argc, argv, "h", options, &at)) != -1;) {
            if (c == '?') return a->wrong = true, ERR_USAGE;
            if (c == 'h') return a->help = true, OK;
            if (pass == 0) {
                if (c == MAP) TRY(map_file_read(m, optarg));
                continue;
            }
            switch (c) {
            case SETTING: TRY(wrong(apply_setting(m, options[at].name, optarg))); break;
            case SET: TRY(map_assign(m, optarg)); break;
            case STRICT: o->strict = true; break;
            case PLAIN: o->plain_keys = true; break;
            case KEY: o->key_file = optarg; break;
            case TMP: o->directory = optarg; break;
            case COMPRESS: o->compress = true; break;
            case FORCE: o->force = true; break;
            case QUIET: o->listener = NULL; break;
            case JSON: a->json = optarg; break;
            case THREADS: TRY(threads_of(optarg, &o->threads)); break;
            case MEMORY:
                if (!text_bytes(optarg, &o->memory) || o->memory == 0)
                    return FAIL(ERR_USAGE, "--memory %s, expected a size such as 512MiB", optarg);
            }
        }
    }
    if (argc - optind < 2) return FAIL(ERR_USAGE, "expected INPUT... OUTPUT.h5; see --help");
    o->inputs = (const char *const *)argv + optind;
    o->input_count = argc - optind - 1;
    o->output = argv[argc - 1];
    return OK;
}

static Status run(const Arguments *a, Mapping *m)
{
    IngestReport *report = calloc(1, sizeof *report);
    if (!report) return FAIL(ERR_MEMORY, "no memory for the report");
    Status st = ingest_run(&a->ingest, m, report);
    if (st == OK && a->json) st = ingest_report_json(report, m, a->json);
    if (st == OK && a->ingest.listener) {
        fputs(report->text, stdout);
        printf("wrote %s: %.1f s, %.2f M rows/s, %.0f MB read, %.0f MiB of memory at most%s\n",
               a->ingest.output, report->seconds, 1e-6 * (double)report->rows / report->seconds,
               1e-6 * (double)report->bytes, (double)report->peak_bytes / (1 << 20),
               report->runs ? ", sorted through temporary files" : "");
    }
    ingest_report_close(report);
    free(report);
    return st;
}

int cli_ingest(int argc, char **argv)
{
    Arguments a = {.ingest.listener = terminal_listener(stderr, false)};
    Mapping *m = malloc(sizeof *m);
    if (!m) return 1;
    map_init(m);
    Status st = parse(argc, argv, &a, m);
    if (a.help)
        usage(stdout);
    else if (st == OK)
        st = run(&a, m);
    map_close(m);
    free(m);
    if (a.wrong) return 2;
    return st == OK ? 0 : cli_fail(argv[0], st);
}
