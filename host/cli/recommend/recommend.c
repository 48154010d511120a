/* SPDX-License-Identifier: Apache-2.0 */
/* souk recommend: the best items after a history, for a user, or for many of them. */
#include <inttypes.h>
#include <stdlib.h>

#include "base/help.h"
#include "cli/cli.h"
#include "cli/recommend/batch.h"
#include "cli/recommend/history.h"
#include "cli/recommend/why.h"
#include "cli/terminal.h"
#include "data/behaviour/keys.h"

typedef struct {
    Config config;
    const char *checkpoint, *user, *history, *users, *histories, *out;
    ActingChoice acting;
    RecommendItemsOptions items;
    bool all, include_seen, json, explain;
    int format;
    int64_t k, row; /* row: of /users, -1: none */
} Arguments;

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    CLI_CHECKPOINT(.required = true, .help = "the model: a file or the folder of a run"),
    CLI_DATA(.help =
                 "a behaviour file with the catalogue that the model was trained on; wanted for "
                 "users, and for models of earlier versions, which did not keep their catalogue"),
    {.heading = "Options of the history, of which one is wanted"},
    {.name = "history",
     .value = "LIST",
     FIELD(history),
     .help = "item keys joined by commas, oldest first; ITEM:ACTION where the action is not the "
             "first one of the data; ITEM@TIME or ITEM:ACTION@TIME, of all events or of none, with "
             "times as logs have them (2024-06-01T12:00:00, or seconds or milliseconds since "
             "1970). Without times the events are taken to be a minute apart. An item that the "
             "model does not know counts by its action and time alone, with a warning"},
    {.name = "user",
     .value = "KEY",
     FIELD(user),
     .help = "a user of the file by key, which is a pseudonym unless ingest had --plain-keys"},
    {.name = "row",
     .value = "N",
     FIELD(row),
     .high = (double)INT64_MAX,
     .help = "a user of the file by row"},
    {.name = "histories",
     .value = "FILE",
     FIELD(histories),
     .help = "many histories, as JSON lines; plain, .gz, .zst, .xz, or \"-\", standard input"},
    {.name = "users",
     .value = "FILE",
     FIELD(users),
     .help = "many users of the file: their keys, one a line; likewise"},
    {.name = "all", FIELD(all), .help = "all users of the file"},
    {.heading = "Options of the list"},
    {.name = "k",
     .value = "N",
     FIELD(k),
     .low = 1,
     .high = 100000,
     .initial = "10",
     .help = "how many items"},
    {.name = "include-seen",
     FIELD(include_seen),
     .help = "items of the history may be recommended, but for those that the rule leaves out"},
    {.name = "allow",
     .value = "FILE",
     FIELD(items.allow),
     .help = "only the items of this file: their keys, one a line"},
    {.name = "block",
     .value = "FILE",
     FIELD(items.block),
     .help = "none of the items of this file"},
    {.name = "category",
     .value = "NAME=ROW,ROW...",
     FIELD(items.category),
     .help = "only items with one of these rows of a category of the items (souk info has the "
             "names of the categories and the numbers of their rows; row 0 is \"unknown\")"},
    {.name = "cap",
     .value = "NAME=N",
     FIELD(items.cap),
     .help = "at most N items of each row of a category in a list; the next best ones fill it"},
    CLI_ACTING,
    CLI_EXCLUDE_LAST,
    {.heading = "Options of the output"},
    {.name = "explain", FIELD(explain), .help = "say why each item is in the list: see Why, below"},
    {.name = "json", FIELD(json), .help = "of one history: print one JSON object, no table"},
    {.name = "format",
     .value = "FORMAT",
     FIELD(format),
     .choices = recommend_output_formats,
     .help = "of many histories: jsonl, the default, or csv"},
    {.name = "out",
     .letter = 'o',
     .value = "FILE",
     FIELD(out),
     .written = true,
     .help = "of many histories: write the lists to this file, which appears when all are done"},
    {.heading = "General options"},
    CLI_DEVICE(),
    CLI_THREADS,
    CLI_QUIET,
    {0},
};

/* ---- One list -------------------------------------------------------------------------------- */

typedef struct {
    const Arguments *arguments;
    Session *session;
    RecommendItems items;
    RecommendOptions how;
} Job;

static Status show(const Job *j, const Recommendation *list, int64_t found, const Explanation *why)
{
    Behaviour *file = j->session->file;
    return j->arguments->json ? recommend_output_json(file, list, found, why)
                              : recommend_output_table(file, list, found, why);
}

static Status show_explained(const Job *j, const History *h, const Recommendation *list,
                             int64_t found)
{
    Explanation why;
    TRY(recommend_why_open(&why, j->session, h, list, found));
    const Status st = show(j, list, found, &why);
    explain_close(&why);
    return st;
}

static Status answer(const Job *j, const History *h)
{
    int64_t found = 0;
    Recommendation *list = calloc((size_t)j->how.k, sizeof *list);
    Status st = list ? OK : FAIL(ERR_MEMORY, "no memory for %" PRId64 " recommendations", j->how.k);
    if (st == OK) st = recommend_items_best(&j->items, j->session, h, 1, j->how, list, &found);
    if (st == OK)
        st = j->arguments->explain ? show_explained(j, h, list, found) : show(j, list, found, NULL);
    free(list);
    return st;
}

static Status after_list(const Job *j)
{
    RecommendHistories given;
    Status st;
    TRY_OR_FAIL(st, recommend_history_open(&given, j->session->file));
    TRY_OR_FAIL(st, recommend_history_add_list(&given, "--history", j->arguments->history));
    recommend_history_warn(&given);
    const History h = recommend_history(&given, 0);
    st = answer(j, &h);
fail:
    recommend_history_close(&given);
    return st;
}

static Status show_one(const Job *j)
{
    const Arguments *a = j->arguments;
    Behaviour *file = j->session->file;
    int64_t user = a->row;
    if (a->history) return after_list(j);
    if (a->user) {
        TRY(behaviour_keys_find_user(file, a->user, &user));
        if (user < 0)
            return FAIL(ERR_USAGE, "--user = \"%s\": %s has no such user", a->user, file->path);
    }
    if (user >= file->users)
        return FAIL(ERR_USAGE,
                    "--row = %" PRId64 ": %s has %" PRId64 " users, want a row below that", user,
                    file->path, file->users);
    const History h = history_of_user(file, user);
    if (h.count == 0) return FAIL(ERR_USAGE, "%s: this user has no events", file->path);
    return answer(j, &h);
}

/* ---- Many lists ------------------------------------------------------------------------------ */

static bool is_batch(const Arguments *a) { return a->all || a->users || a->histories; }

static Status write_many(const Job *j)
{
    const Arguments *a = j->arguments;
    RecommendOutput out;
    const RecommendFormat format = a->format < 0 ? RECOMMEND_JSONL : (RecommendFormat)a->format;
    const RecommendBatch batch = {.histories = a->histories,
                                  .users = a->users,
                                  .how = j->how,
                                  .explain = a->explain,
                                  .items = &j->items,
                                  .listener = terminal_listener(stderr, a->config.train_quiet)};
    Status st;
    terminal_catch_signals();
    TRY_OR_FAIL(st, recommend_output_open(&out, j->session->file, format, a->out));
    TRY_OR_FAIL(st, recommend_batch_run(&batch, j->session, &out));
    st = recommend_output_commit(&out);
fail:
    recommend_output_close(&out);
    return st;
}

/* ---- The command ----------------------------------------------------------------------------- */

static Status check(const Arguments *a)
{
    const bool given = a->history || a->histories;
    const int wanted = (a->user != NULL) + (a->row >= 0) + (a->history != NULL) +
                       (a->users != NULL) + (a->histories != NULL) + a->all;
    if (wanted != 1)
        return FAIL(ERR_USAGE, "want one of --history, --user, --row, --histories, --users and "
                               "--all; souk recommend --help says more");
    if (!given && !*a->config.data_path)
        return FAIL(ERR_USAGE, "users are of a behaviour file, want it as --data; without data the "
                               "model knows no users, and --history says what one did");
    if (a->json && is_batch(a))
        return FAIL(ERR_USAGE, "--json is for one history, want --format for many");
    if ((a->format >= 0 || a->out) && !is_batch(a))
        return FAIL(ERR_USAGE, "%s is for many histories, want --histories, --users or --all",
                    a->out ? "--out" : "--format");
    if (a->explain && a->format == RECOMMEND_CSV)
        return FAIL(ERR_USAGE, "csv has no place for --explain, want --format jsonl");
    return OK;
}

static Status run(void *arguments, Operands operands, int *exit_code)
{
    const Arguments *a = arguments;
    const Config *c = &a->config;
    Job j = {.arguments = a, .how = {.k = a->k, .include_seen = a->include_seen}};
    Status st;
    (void)operands, (void)exit_code;
    TRY(check(a));
    TRY(session_open(&j.session, &(SessionOptions){.checkpoint = a->checkpoint,
                                                   .acting = &a->acting,
                                                   .data = *c->data_path ? c->data_path : NULL,
                                                   .device = c->train_device,
                                                   .threads = (int)c->train_threads}));
    session_warn(j.session, terminal_listener(stderr, c->train_quiet));
    TRY_OR_FAIL(st, recommend_items_open(&j.items, j.session->file, &a->items));
    st = is_batch(a) ? write_many(&j) : show_one(&j);
fail:
    recommend_items_close(&j.items);
    session_close(j.session);
    return st;
}

static void explain_help(FILE *out)
{
    help_section(out, "Why (--explain)");
    help_text(
        out,
        "Four lines below each item say why it is there. The first has the shares of the policy's "
        "two halves in the item's probability: learned taste scores every item by its vector, and "
        "counts score items of the history and what followed them in the log. The second has the "
        "items of the history that change the probability most: the factor between the list for "
        "the whole history and the list for the history without the item's events. The third says "
        "how often the item "
        "came right after an item of the history in the log, in which a user's own events are not "
        "counted. The last has the answers that an outcome head foretells when the item is shown. "
        "A line is missing where there is nothing to say. Of a model that acts by Q the second "
        "line has the changes of Q, and there is no first line.\n"
        "With --json and in jsonl each item has all numbers as \"why\": {\"log_probability\": "
        "..., \"taste\": {...}, \"counts\": {...}, \"answers\": [...], \"events\": [...], "
        "\"items\": [...], \"evidence\": [...]}. The probabilities of taste and counts add up to "
        "that of the "
        "policy, exp(log_probability), and their terms to their scores. The numbers of an event, "
        "and of all events of an item, are the changes of the logarithm of the list's probability "
        "(\"score\"), of "
        "log_probability and of q. An explanation takes about as long as a list for each event "
        "that the model reads.\n");
}

static void more(FILE *out)
{
    acting_help(out);
    explain_help(out);
    help_section(out, "Many histories");
    help_text(
        out,
        "A line of --histories is {\"id\": \"anna\", \"history\": [\"1004\", {\"item\": \"998\", "
        "\"action\": \"cart\", \"time\": \"2024-06-01T12:00:00\"}]}: an event is an item key or an "
        "object, and all events of a history have times or none has. Without an id the number of "
        "the line stands for it. A history without events, an unknown action and an unknown user "
        "are errors.\n"
        "The lists come in the order of the histories. A line of jsonl is {\"id\": ..., "
        "\"recommendations\": [{\"item\": ..., \"score\": ..., \"probability\": ..., \"q\": ...}, "
        "...]}, with null where the model has no such number; csv has the columns id, rank, item, "
        "score, probability and q. The last bits of scores may differ from those of a history "
        "alone, because sums are made in another order.\n");
}

const Command cli_recommend = {
    .table =
        {.name = "recommend",
         .summary = "List the best items after a history, or for many users",
         .usage = {"--checkpoint PATH --history LIST|--histories FILE [OPTION]...",
                   "--checkpoint PATH --data FILE --user KEY|--row N [OPTION]...",
                   "--checkpoint PATH --data FILE --users FILE|--all [OPTION]..."},
         .description =
             "Ranks the whole catalogue by the rule by which the model acts (souk info PATH shows "
             "it). A policy with a "
             "count table also scores some items by counts of what "
             "followed what: those of the history and their neighbours. The events of a user of "
             "the file are left out of these counts, as in training. Items whose keys the file "
             "retired.txt in the run's folder has, a key a line, are never listed.\n",
         .options = options,
         .more = more,
         .examples =
             {"souk recommend --checkpoint run --history 1004:view,998:cart --k 5",
              "souk recommend --checkpoint run --history 1004@2024-06-01T12:00:00 --json",
              "souk recommend --checkpoint run --history 1004:view,998:cart --explain",
              "souk recommend --checkpoint run --data shop.h5 --row 0 --cap brand=2",
              "souk recommend --checkpoint run --histories today.jsonl.gz --out lists.jsonl",
              "souk recommend --checkpoint run --data shop.h5 --all --format csv -o all.csv"}},
    .arguments = sizeof(Arguments),
    .run = run,
};
