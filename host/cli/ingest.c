/* SPDX-License-Identifier: Apache-2.0 */
/* souk ingest: raw logs -> a behaviour file. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "cli/terminal.h"
#include "data/ingest/ingest.h"
#include "data/rawlog/map.h"
#include "data/rawlog/map_file.h"
#include "model/saved.h"

typedef struct {
    Config config;
    Mapping mapping;
    IngestOptions ingest;
    const char *json, *catalogue; /* catalogue: a run, or a behaviour file */
    bool list_presets;
} Arguments;

/* ---- Options --------------------------------------------------------------------------------- */

static Status read_map(void *arguments, const Option *o, const char *path)
{
    (void)o;
    return map_file_read(&((Arguments *)arguments)->mapping, path);
}

static Status read_preset(void *arguments, const Option *o, const char *name)
{
    Arguments *a = arguments;
    (void)o;
    a->list_presets = strcmp(name, "list") == 0;
    return a->list_presets ? OK : map_file_read_preset(&a->mapping, name);
}

/* On the command line a bad value is wrong usage. */
static Status set_key(void *arguments, const Option *o, const char *value)
{
    char section[16];
    const char *dot = strchr(o->key, '.');
    snprintf(section, sizeof section, "%.*s", (int)(dot - o->key), o->key);
    const Status st = map_set(&((Arguments *)arguments)->mapping, section, dot + 1, value);
    return st == OK ? OK : ERR_USAGE;
}

static Status assign(void *arguments, const Option *o, const char *assignment)
{
    (void)o;
    return map_assign(&((Arguments *)arguments)->mapping, assignment);
}

static Status set_memory(void *arguments, const Option *o, const char *size)
{
    IngestOptions *ingest = &((Arguments *)arguments)->ingest;
    (void)o;
    if (text_bytes(size, &ingest->memory) && ingest->memory > 0) return OK;
    return FAIL(ERR_USAGE, "--memory = \"%s\", want a size such as 512MiB", size);
}

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    {.name = "map",
     .value = "FILE",
     .take = read_map,
     .early = true,
     .help = "INI file that says which column is what; datasets/README.md describes every key"},
    {.name = "preset",
     .value = "NAME",
     .take = read_preset,
     .early = true,
     .help = "a map that souk has for the log of this name, such as movielens-1m, otto or mind; "
             "list: show all of them"},
    {.name = "set",
     .value = "SECTION.KEY=VALUE",
     .take = assign,
     .help = "one key of such a file; may be given again"},
    {.name = "strict",
     FIELD(ingest.strict),
     .help = "stop at the first bad row; else rows are "
             "counted and left out"},
    {.name = "catalogue",
     .value = "RUN|FILE.h5",
     FIELD(catalogue),
     .help =
         "grow the catalogue of this model or behaviour file, so that its models go on with the "
         "new file: known items, kinds of events and categories keep their rows, numbers their "
         "scales, and what is new comes behind. A new kind of event is an error: --set "
         "action_values.TEXT=KIND says which known kind its texts mean"},
    {.heading = "Options of cleaning"},
    {.name = "from",
     .value = "TIME",
     .take = set_key,
     .key = "clean.from",
     .help = "drop earlier events; an ISO time, or a number since 1970"},
    {.name = "to",
     .value = "TIME",
     .take = set_key,
     .key = "clean.to",
     .help = "drop events at "
             "this time and later"},
    {.name = "max-per-minute",
     .value = "N",
     .take = set_key,
     .key = "clean.max_per_minute",
     .help = "drop users with more than N events in any minute; 0: keep all; default 120"},
    {.name = "max-per-day",
     .value = "N",
     .take = set_key,
     .key = "clean.max_per_day",
     .help = "drop users with more than N events in any 24 hours; 0: keep all; default 5000"},
    {.name = "min-user-events",
     .value = "N",
     .take = set_key,
     .key = "clean.min_user_events",
     .help = "drop users with fewer events, again after each drop of items (k-core); default 1"},
    {.name = "min-item-events",
     .value = "N",
     .take = set_key,
     .key = "clean.min_item_events",
     .help = "drop items with fewer events, again after each drop of users; default 1"},
    {.heading = "Options of episodes and splits"},
    {.name = "gap",
     .value = "DURATION",
     .take = set_key,
     .key = "episodes.gap",
     .help = "inactivity that ends an episode, such as 90s, 30m, 2h; default 30m"},
    {.name = "split",
     .value = "RULE",
     .take = set_key,
     .key = "split.rule",
     .help = "time: 80, 10 and 10 % of the events by time; leave-one-out; leave-last-basket; "
             "files: the last input is the test split; default time"},
    {.heading = "Options of the output"},
    {.name = "plain-keys",
     FIELD(ingest.plain_keys),
     .help = "keep the keys of users; else they become pseudonyms that a secret key makes"},
    {.name = "key-file",
     .value = "FILE",
     FIELD(ingest.key_file),
     .help = "32 random bytes, the secret key; made where it is missing; default OUTPUT.key"},
    {.name = "compress", FIELD(ingest.compress), .help = "a smaller file that is slower to read"},
    {.name = "force", FIELD(ingest.force), .help = "replace OUTPUT"},
    CLI_JSON,
    {.heading = "General options"},
    {.name = "memory",
     .value = "SIZE",
     .take = set_memory,
     .help = "resident memory to stay within, such as 512MiB; default 2GiB"},
    {.name = "tmp",
     .value = "FOLDER",
     FIELD(ingest.directory),
     .help = "where temporary files go; default the folder of OUTPUT"},
    CLI_THREADS,
    {.name = "quiet",
     .letter = 'q',
     .setting = "train.quiet",
     .help = "no progress bar and no report, only warnings"},
    {0},
};

/* ---- The command ----------------------------------------------------------------------------- */

static Status ingest(Arguments *a, IngestReport *report)
{
    char catalogue[SAVED_PATH];
    if (a->catalogue) {
        TRY(saved_find_catalogue(catalogue, a->catalogue));
        a->ingest.catalogue = catalogue;
    }
    TRY(ingest_run(&a->ingest, &a->mapping, report));
    if (a->json) TRY(ingest_report_json(report, &a->mapping, a->json));
    if (a->config.train_quiet) return OK;
    fputs(report->text, stdout);
    printf("wrote %s: %.1f s, %.2f M rows/s, %.0f MB read, %.0f MiB of memory at most%s\n",
           a->ingest.output, report->seconds, 1e-6 * (double)report->rows / report->seconds,
           1e-6 * (double)report->bytes, (double)report->peak_bytes / (1 << 20),
           report->runs ? ", sorted through temporary files" : "");
    return OK;
}

static Status print_presets(void)
{
    const MapPreset *preset;
    for (int i = 0; (preset = map_file_preset(i)); i++)
        printf("%-24s %s\n", preset->name, preset->title);
    return OK;
}

static Status run(void *arguments, Operands operands, int *exit_code)
{
    Arguments *a = arguments;
    (void)exit_code;
    if (a->list_presets) return print_presets();
    if (operands.count < 2)
        return FAIL(ERR_USAGE, "want INPUT... OUTPUT.h5; souk ingest --help says more");
    a->ingest.inputs = (const char *const *)operands.text;
    a->ingest.input_count = operands.count - 1;
    a->ingest.output = operands.text[operands.count - 1];
    a->ingest.threads = (int)a->config.train_threads;
    a->ingest.listener = terminal_listener(stderr, a->config.train_quiet);
    IngestReport *report = calloc(1, sizeof *report);
    if (!report) return FAIL(ERR_MEMORY, "no memory for the report");
    const Status st = ingest(a, report);
    ingest_report_close(report);
    free(report);
    return st;
}

static void begin(void *arguments) { map_init(&((Arguments *)arguments)->mapping); }
static void end(void *arguments) { map_close(&((Arguments *)arguments)->mapping); }

const Command cli_ingest = {
    .table =
        {.name = "ingest",
         .summary = "Clean raw logs and write them as a behaviour file",
         .usage = {"[OPTION]... INPUT... OUTPUT.h5", "--preset list"},
         .description =
             "INPUT is CSV, TSV, JSON lines or sequences (one user a line), plain or compressed "
             "(.gz, .zst, .xz). Several files are one log; - is standard input. Columns that "
             "neither --map, --preset nor --set names are recognised by common names; the report "
             "lists "
             "what becomes of every column. The number of threads and the memory do not change "
             "the result.\n",
         .options = options,
         .operands = true,
         .examples = {"souk ingest log.csv log.h5",
                      "souk ingest --preset movielens-1m ratings.dat movielens.h5",
                      "souk ingest --map shop.ini log.csv log.h5",
                      "zcat logs/*.gz | souk ingest --set columns.user=uid --set columns.item=sku "
                      "- log.h5",
                      "souk ingest --catalogue run today.csv today.h5",
                      "souk ingest --min-user-events 5 --min-item-events 5 --split leave-one-out "
                      "log.csv log.h5"}},
    .arguments = sizeof(Arguments),
    .begin = begin,
    .end = end,
    .run = run,
};
