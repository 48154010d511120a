/* SPDX-License-Identifier: Apache-2.0 */
/* souk recommend: the best items for a user or after a history. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/report.h"
#include "cli/cli.h"
#include "cli/recommend/history.h"
#include "data/behaviour/keys.h"
#include "infer/recommend.h"

typedef struct {
    Config config;
    const char *checkpoint, *user, *history;
    ActingChoice acting;
    bool include_seen, json;
    int64_t k, row; /* row: of /users, -1: none */
} Arguments;

#define FIELD(name) OPTION_FIELD(Arguments, name)
static const Option options[] = {
    CLI_CHECKPOINT(.required = true, .help = "the model: a file or the folder of a run"),
    CLI_DATA(.help =
                 "a behaviour file with the catalogue that the model was trained on; wanted for "
                 "--user and --row, and for models of earlier versions, which did not keep "
                 "their catalogue"),
    {.heading = "Options of the history, of which one is wanted"},
    {.name = "user",
     .value = "KEY",
     FIELD(user),
     .help = "a user of the file by key, which is a pseudonym unless ingest had --plain-keys"},
    {.name = "row",
     .value = "N",
     FIELD(row),
     .high = (double)INT64_MAX,
     .help = "a user of the file by row"},
    {.name = "history",
     .value = "LIST",
     FIELD(history),
     .help = "item keys joined by commas, oldest first; ITEM:ACTION where the action is not the "
             "first one of the data; ITEM@TIME or ITEM:ACTION@TIME, of all events or of none, with "
             "times as logs have them (2024-06-01T12:00:00, or seconds or milliseconds since "
             "1970). Without times the events are taken to be a minute apart. An item that the "
             "model does not know counts by its action and time alone, with a warning"},
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
    CLI_ACTING,
    CLI_EXCLUDE_LAST,
    {.name = "json", FIELD(json), .help = "print one JSON object instead of a table"},
    {.heading = "General options"},
    CLI_DEVICE(),
    CLI_THREADS,
    {0},
};

static Status after_list(Session *s, const Arguments *a, const RecommendOptions *o,
                         Recommendation *out, int64_t *found)
{
    RecommendHistories given;
    Status st;
    TRY_OR_FAIL(st, recommend_history_open(&given, s->file));
    TRY_OR_FAIL(st, recommend_history_add_list(&given, "--history", a->history));
    recommend_history_warn(&given);
    const History h = recommend_history(&given, 0);
    st = recommend_best(s, &h, 1, o, out, found);
fail:
    recommend_history_close(&given);
    return st;
}

static Status answer(Session *s, const Arguments *a, Recommendation *out, int64_t *found)
{
    const RecommendOptions o = {.k = a->k, .include_seen = a->include_seen};
    int64_t user = a->row;
    if (a->history) return after_list(s, a, &o, out, found);
    if (a->user) {
        TRY(behaviour_keys_find_user(s->file, a->user, &user));
        if (user < 0)
            return FAIL(ERR_USAGE, "--user = \"%s\": %s has no such user", a->user,
                        a->config.data_path);
    }
    if (user >= s->file->users)
        return FAIL(ERR_USAGE,
                    "--row = %" PRId64 ": %s has %" PRId64 " users, want a row below that", user,
                    a->config.data_path, s->file->users);
    const History h = history_of_user(s->file, user);
    if (h.count == 0) return FAIL(ERR_USAGE, "%s: this user has no events", s->file->path);
    return recommend_best(s, &h, 1, &o, out, found);
}

static Status print_json(Behaviour *file, const Recommendation *r, int64_t found)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < found; i++) {
        const char *key;
        TRY(behaviour_keys_item(file, r[i].item, &key));
        json_array_append_new(list,
                              json_pack("{s:o, s:i, s:f, s:o, s:o}", "item", report_string(key),
                                        "row", (int)r[i].item, "score", (double)r[i].score,
                                        "probability", report_number((double)r[i].probability), "q",
                                        report_number((double)r[i].q)));
    }
    return report_print(stdout, json_pack("{s:o}", "recommendations", list), REPORT_WIDE);
}

static void print_number(float x)
{
    if (isfinite(x))
        printf(" %12.5g", (double)x);
    else
        printf(" %12s", "-");
}

static Status print_table(Behaviour *file, const Recommendation *r, int64_t found)
{
    printf("%4s  %-32s %12s %12s %12s\n", "rank", "item", "score", "probability", "Q");
    for (int64_t i = 0; i < found; i++) {
        const char *key;
        char shown[REPORT_LINE_MAX];
        TRY(behaviour_keys_item(file, r[i].item, &key));
        printf("%4" PRId64 "  %-32s", i + 1, report_line(shown, key));
        print_number(r[i].score);
        print_number(r[i].probability);
        print_number(r[i].q);
        putchar('\n');
    }
    return OK;
}

static Status recommend(const Arguments *a)
{
    Session *session = NULL;
    int64_t found = 0;
    Status st;
    Recommendation *out = calloc((size_t)a->k, sizeof *out);
    if (!out) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " recommendations", a->k);
    TRY_OR_FAIL(st, session_open(
                        &session,
                        &(SessionOptions){.checkpoint = a->checkpoint,
                                          .acting = &a->acting,
                                          .data = *a->config.data_path ? a->config.data_path : NULL,
                                          .device = a->config.train_device,
                                          .threads = (int)a->config.train_threads}));
    TRY_OR_FAIL(st, answer(session, a, out, &found));
    st = a->json ? print_json(session->file, out, found) : print_table(session->file, out, found);
fail:
    session_close(session);
    free(out);
    return st;
}

static Status run(void *arguments, Operands operands, int *exit_code)
{
    const Arguments *a = arguments;
    (void)operands, (void)exit_code;
    if ((a->user != NULL) + (a->row >= 0) + (a->history != NULL) != 1)
        return FAIL(ERR_USAGE, "want one of --user, --row and --history; souk recommend --help "
                               "says more");
    if (!a->history && !*a->config.data_path)
        return FAIL(ERR_USAGE,
                    "--user and --row are of a behaviour file, want it as --data; without "
                    "data the model knows no users, and --history says what one did");
    return recommend(a);
}

const Command cli_recommend = {
    .table =
        {.name = "recommend",
         .summary = "List the best items for a user or after a history",
         .usage = {"--checkpoint PATH --history LIST [OPTION]...",
                   "--checkpoint PATH --data FILE --user KEY [OPTION]...",
                   "--checkpoint PATH --data FILE --row N [OPTION]..."},
         .description =
             "Ranks the whole catalogue by the rule by which the model acts (souk info PATH shows "
             "it). A policy with a "
             "count table also scores some items by counts of what "
             "followed what: those of the history and their neighbours. The events of a user of "
             "the file are left out of these counts, as in training.\n",
         .options = options,
         .more = acting_help,
         .examples = {"souk recommend --checkpoint run --data shop.h5 --row 0",
                      "souk recommend --checkpoint run --history 1004:view,998:cart --k 5",
                      "souk recommend --checkpoint run --history 1004@2024-06-01T12:00:00 --json"}},
    .arguments = sizeof(Arguments),
    .run = run,
};
