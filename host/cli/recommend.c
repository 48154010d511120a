/* souk recommend */
#include <getopt.h>
#include <inttypes.h>
#include <jansson.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"
#include "infer/recommend.h"
#include "model/saved.h"

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

/* One item[:action]. The action is what stands behind the last colon, if an action is called so. */
static Status parse_event(Behaviour *b, char *text, HistoryEvent *e)
{
    TRY(behaviour_keys_find_item(b, text, &e->item));
    if (e->item >= 0) return OK;
    char *colon = strrchr(text, ':');
    if (colon) {
        *colon = '\0';
        TRY(find_action(b, colon + 1, &e->action));
        TRY(behaviour_keys_find_item(b, text, &e->item));
    }
    if (e->item < 0) return FAIL(ERR_USAGE, "--history: %s has no item \"%s\"", b->path, text);
    return OK;
}

static Status parse_history(Behaviour *b, const char *list, HistoryEvent *events, int64_t *count)
{
    char *copy = strdup(list), *rest = copy;
    Status st = copy ? OK : FAIL(ERR_MEMORY, "out of memory");
    *count = 0;
    for (char *text; st == OK && (text = strsep(&rest, ","));) {
        if (*count == HISTORY_MAX) {
            st = FAIL(ERR_USAGE, "--history: more than %d events", HISTORY_MAX);
            break;
        }
        events[*count] = (HistoryEvent){.time_ms = *count * GAP_MS};
        st = parse_event(b, text, &events[(*count)++]);
    }
    free(copy);
    return st;
}

static Status run(const ModelScorer *s, Behaviour *file, const Arguments *a, Recommendation *out,
                  int64_t *found)
{
    int64_t user, count = 0;
    if (a->user) {
        TRY(behaviour_keys_find_user(file, a->user, &user));
        if (user < 0) return FAIL(ERR_USAGE, "--user: %s has no user \"%s\"", a->data, a->user);
        return recommend_user(s, user, a->include_seen, a->k, out, found);
    }
    if (a->row >= file->users)
        return FAIL(ERR_USAGE, "--row %" PRId64 ": %s has %" PRId64 " users", a->row, a->data,
                    file->users);
    if (a->row >= 0) return recommend_user(s, a->row, a->include_seen, a->k, out, found);
    HistoryEvent *events = calloc(HISTORY_MAX, sizeof *events);
    Status st = events ? parse_history(file, a->history, events, &count)
                       : FAIL(ERR_MEMORY, "out of memory");
    if (st == OK) st = recommend_history(s, events, count, -1, a->include_seen, a->k, out, found);
    free(events);
    return st;
}

static json_t *number_or_null(float x) { return isfinite(x) ? json_real((double)x) : json_null(); }

static Status print_json(Behaviour *file, const Recommendation *r, int64_t found)
{
    json_t *list = json_array();
    for (int64_t i = 0; i < found; i++) {
        const char *key;
        TRY(behaviour_keys_item(file, r[i].item, &key));
        json_array_append_new(list, json_pack("{s:s, s:i, s:f, s:o, s:o}", "item", key, "row",
                                              (int)r[i].item, "score", (double)r[i].score,
                                              "probability", number_or_null(r[i].probability), "q",
                                              number_or_null(r[i].q)));
    }
    json_t *root = json_pack("{s:o}", "recommendations", list);
    json_dumpf(root, stdout, JSON_INDENT(2));
    fputc('\n', stdout);
    json_decref(root);
    return OK;
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
    Behaviour file = {0};
    Device dev = {0};
    Model model = {0};
    Config config;
    int64_t found = 0;
    Status st;
    Recommendation *out = calloc((size_t)a->k, sizeof *out);
    if (!out) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " recommendations", a->k);
    TRY_OR_FAIL(st, device_open(&dev, a->device, 0));
    TRY_OR_FAIL(st, behaviour_open(&file, a->data));
    TRY_OR_FAIL(st, saved_open(&model, &config, &file, &dev, a->checkpoint));
    const ModelScorer scorer = {&model, &file, &dev, config.model_length, NULL};
    TRY_OR_FAIL(st, run(&scorer, &file, a, out, &found));
    st = a->json ? print_json(&file, out, found) : print_table(&file, out, found);
fail:
    model_close(&model);
    behaviour_close(&file);
    device_close(&dev);
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
