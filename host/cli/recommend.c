/* SPDX-License-Identifier: Apache-2.0 */
/* souk recommend: the best items for a user or after a history. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "base/report.h"
#include "cli/cli.h"
#include "data/behaviour/keys.h"
#include "data/rawlog/text.h"
#include "infer/recommend.h"

enum { HISTORY_MAX = 65536, GAP_MS = 60000 };

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
    CLI_DATA(.required = true, .help = "the behaviour file that the model was trained on"),
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
             "first one of the file; ITEM@TIME or ITEM:ACTION@TIME, of all events or of none, with "
             "times as logs have them (2024-06-01T12:00:00, or seconds or milliseconds since "
             "1970). Without times the events are taken to be a minute apart"},
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

static Status find_action(const Behaviour *b, const char *name, int32_t *action)
{
    Nearest near = nearest_to(name);
    for (*action = 0; *action < b->actions; ++*action) {
        if (!strcmp(b->action_name[*action], name)) return OK;
        nearest_offer(&near, b->action_name[*action]);
    }
    return FAIL(ERR_USAGE, "--history: %s has no action \"%s\"%s", b->path, name,
                nearest_hint(&near));
}

/* The events that --history lists. Each column has memory for HISTORY_MAX events. The user gave
 * times for the first `timed` events. */
typedef struct {
    int64_t count, timed;
    int32_t *item;
    uint8_t *action;
    int64_t *time_ms;
} Events;

/* One item[:action]. The action is what stands behind the last colon, if an action is called so. */
static Status parse_event(Behaviour *b, char *text, int32_t *item, uint8_t *action)
{
    int32_t found = 0;
    TRY(behaviour_keys_find_item(b, text, item));
    if (*item >= 0) return OK;
    char *colon = strrchr(text, ':');
    if (colon) {
        *colon = '\0';
        TRY(find_action(b, colon + 1, &found));
        TRY(behaviour_keys_find_item(b, text, item));
    }
    *action = (uint8_t)found;
    if (*item < 0) return FAIL(ERR_USAGE, "--history: %s has no item \"%s\"", b->path, text);
    return OK;
}

/* The time behind the last @, which is cut off. *time_ms stays as it is where there is none. */
static Status parse_time(Behaviour *b, char *text, int64_t *time_ms, bool *timed)
{
    int32_t item;
    char *at = strrchr(text, '@');
    *timed = false;
    if (!at) return OK;
    TRY(behaviour_keys_find_item(b, text, &item));
    if (item >= 0) return OK;
    const Text time = {at + 1, (uint32_t)strlen(at + 1)};
    const TimeFormat format = {.unit = text_time_unit(time)};
    if (!text_time(time, &format, time_ms))
        return FAIL(ERR_USAGE, "--history: \"%s\" is no time; want %s", time.at,
                    "2024-06-01T12:00:00, or seconds or milliseconds since 1970");
    *at = '\0';
    *timed = true;
    return OK;
}

static Status add_event(Behaviour *b, char *text, Events *e)
{
    const int64_t i = e->count;
    bool timed;
    if (i == HISTORY_MAX) return FAIL(ERR_USAGE, "--history: more than %d events", HISTORY_MAX);
    e->time_ms[i] = i * GAP_MS;
    TRY(parse_time(b, text, &e->time_ms[i], &timed));
    e->timed += timed;
    if (e->timed != (timed ? i + 1 : 0))
        return FAIL(ERR_USAGE,
                    "--history: event %" PRId64 " has %s time, want a time of every event "
                    "or of none",
                    i, timed ? "a" : "no");
    if (i > 0 && e->time_ms[i] < e->time_ms[i - 1])
        return FAIL(ERR_USAGE,
                    "--history: event %" PRId64 " is earlier than the one before it, want "
                    "the oldest event first",
                    i);
    TRY(parse_event(b, text, &e->item[i], &e->action[i]));
    e->count++;
    return OK;
}

static Status parse_history(Behaviour *b, const char *list, Events *e)
{
    char *copy = strdup(list), *rest = copy;
    Status st = copy ? OK : FAIL(ERR_MEMORY, "no memory for the history");
    for (char *text; st == OK && (text = strsep(&rest, ","));) st = add_event(b, text, e);
    free(copy);
    return st;
}

static Status after_list(Session *s, const Arguments *a, const RecommendOptions *o,
                         Recommendation *out, int64_t *found)
{
    Events e = {.item = calloc(HISTORY_MAX, sizeof *e.item),
                .action = calloc(HISTORY_MAX, sizeof *e.action),
                .time_ms = calloc(HISTORY_MAX, sizeof *e.time_ms)};
    Status st = OK;
    if (!e.item || !e.action || !e.time_ms)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for the history"));
    TRY_OR_FAIL(st, parse_history(s->file, a->history, &e));
    const History h = {
        .count = e.count, .user = -1, .item = e.item, .action = e.action, .time_ms = e.time_ms};
    st = recommend_best(s, &h, 1, o, out, found);
fail:
    free(e.item);
    free(e.action);
    free(e.time_ms);
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
    TRY_OR_FAIL(st,
                session_open(&session, &(SessionOptions){.checkpoint = a->checkpoint,
                                                         .acting = &a->acting,
                                                         .data = a->config.data_path,
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
    return recommend(a);
}

const Command cli_recommend = {
    .table =
        {.name = "recommend",
         .summary = "List the best items for a user or after a history",
         .usage = {"--checkpoint PATH --data FILE --user KEY [OPTION]...",
                   "--checkpoint PATH --data FILE --row N [OPTION]...",
                   "--checkpoint PATH --data FILE --history LIST [OPTION]..."},
         .description =
             "Ranks the whole catalogue by the rule by which the model acts (souk info PATH shows "
             "it). A policy with a "
             "count table also scores some items by counts of what "
             "followed what: those of the history and their neighbours. The events of a user of "
             "the file are left out of these counts, as in training.\n",
         .options = options,
         .more = acting_help,
         .examples = {"souk recommend --checkpoint run --data shop.h5 --row 0",
                      "souk recommend --checkpoint run --data shop.h5 --history 1004:view,998:cart "
                      "--k 5"}},
    .arguments = sizeof(Arguments),
    .run = run,
};
