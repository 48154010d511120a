/* souk recommend */
#include <getopt.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/report.h"
#include "cli/cli.h"
#include "data/behaviour/keys.h"
#include "infer/recommend.h"

enum { HISTORY_MAX = 65536, GAP_MS = 60000 };

typedef struct {
    const char *checkpoint, *data, *user, *history, *device;
    bool include_seen, json;
    int64_t k, row; /* row: of /users, -1: none */
} Arguments;

static void usage(FILE *out)
{
    fputs(
        "usage: souk recommend --checkpoint C --data FILE (--user KEY | --row N | --history LIST) "
        "[OPTION...]\n\n"
        "The best items of the whole catalogue for a user of the file or for a given history.\n\n"
        "  --checkpoint C     a model: a file or a run's folder\n"
        "  --data FILE        the behaviour file it was trained on\n"
        "  --user KEY         a user of the file, by its key (a pseudonym unless --plain-keys at "
        "ingest)\n"
        "  --row N            a user of the file, by its row\n"
        "  --history LIST     item[:action] keys joined by commas, oldest first, a minute apart;\n"
        "                     the action is the file's first one where it is left out\n"
        "  --k N              how many (default 10)\n"
        "  --include-seen     items of the history may be recommended\n"
        "  --json             one JSON object on standard output\n" CLI_DEVICE_HELP
        "  --help             this text\n\n"
        "example: souk recommend --checkpoint run --data shop.h5 --history 1004:view,998:cart --k "
        "5\n",
        out);
}

static Status find_action(const Behaviour *b, const char *name, int32_t *action)
{
    for (*action = 0; *action < b->actions; ++*action)
        if (!strcmp(b->action_name[*action], name)) return OK;
    return FAIL(ERR_USAGE, "--history: %s has no action \"%s\"", b->path, name);
}

/* A history of --history; the columns have HISTORY_MAX events. */
typedef struct {
    int64_t count;
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

static Status parse_history(Behaviour *b, const char *list, Events *e)
{
    char *copy = strdup(list), *rest = copy;
    Status st = copy ? OK : FAIL(ERR_MEMORY, "out of memory");
    for (char *text; st == OK && (text = strsep(&rest, ",")); e->count++) {
        if (e->count == HISTORY_MAX) {
            st = FAIL(ERR_USAGE, "--history: more than %d events", HISTORY_MAX);
            break;
        }
        e->time_ms[e->count] = e->count * GAP_MS;
        st = parse_event(b, text, &e->item[e->count], &e->action[e->count]);
    }
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
    if (!e.item || !e.action || !e.time_ms) TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "out of memory"));
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

static Status run(Session *s, const Arguments *a, Recommendation *out, int64_t *found)
{
    const RecommendOptions o = {.k = a->k, .include_seen = a->include_seen};
    int64_t user = a->row;
    if (a->history) return after_list(s, a, &o, out, found);
    if (a->user) {
        TRY(behaviour_keys_find_user(s->file, a->user, &user));
        if (user < 0) return FAIL(ERR_USAGE, "--user: %s has no user \"%s\"", a->data, a->user);
    }
    if (user >= s->file->users)
        return FAIL(ERR_USAGE, "--row %" PRId64 ": %s has %" PRId64 " users", user, a->data,
                    s->file->users);
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
                              json_pack("{s:s, s:i, s:f, s:o, s:o}", "item", key, "row",
                                        (int)r[i].item, "score", (double)r[i].score, "probability",
                                        report_number((double)r[i].probability), "q",
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
        TRY(behaviour_keys_item(file, r[i].item, &key));
        printf("%4" PRId64 "  %-32s", i + 1, key);
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
    TRY_OR_FAIL(st, session_open(&session, &(SessionOptions){.checkpoint = a->checkpoint,
                                                             .data = a->data,
                                                             .device = a->device}));
    TRY_OR_FAIL(st, run(session, a, out, &found));
    st = a->json ? print_json(session->file, out, found) : print_table(session->file, out, found);
fail:
    session_close(session);
    free(out);
    return st;
}

static Status check(const Arguments *a, int argc, char **argv)
{
    if (optind < argc) return FAIL(ERR_USAGE, "unexpected argument \"%s\"", argv[optind]);
    if (!a->checkpoint || !a->data) return FAIL(ERR_USAGE, "want --checkpoint and --data (--help)");
    if ((a->user != NULL) + (a->row >= 0) + (a->history != NULL) != 1)
        return FAIL(ERR_USAGE, "want one of --user, --row and --history (--help)");
    return OK;
}

int cli_recommend(int argc, char **argv)
{
    static const struct option options[] = {
        {"checkpoint", required_argument, NULL, 'c'},
        {"data", required_argument, NULL, 'd'},
        {"user", required_argument, NULL, 'u'},
        {"history", required_argument, NULL, 'l'},
        {"row", required_argument, NULL, 'r'},
        {"k", required_argument, NULL, 'k'},
        {"include-seen", no_argument, NULL, 'i'},
        {"json", no_argument, NULL, 'j'},
        {"device", required_argument, NULL, 'D'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };
    Arguments a = {.device = "cpu", .k = 10, .row = -1};
    Status st = OK;
    for (int option; (option = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (option) {
        case 'c': a.checkpoint = optarg; break;
        case 'd': a.data = optarg; break;
        case 'u': a.user = optarg; break;
        case 'l': a.history = optarg; break;
        case 'i': a.include_seen = true; break;
        case 'j': a.json = true; break;
        case 'D': a.device = optarg; break;
        case 'k':
            if (st == OK) st = cli_number("k", optarg, 1, 100000, &a.k);
            break;
        case 'r':
            if (st == OK) st = cli_number("row", optarg, 0, INT64_MAX, &a.row);
            break;
        case 'h': return usage(stdout), 0;
        default: return 2;
        }
    }
    if (st == OK) st = check(&a, argc, argv);
    if (st == OK) st = recommend(&a);
    return st == OK ? 0 : cli_fail("recommend", st);
}
