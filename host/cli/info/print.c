/* SPDX-License-Identifier: Apache-2.0 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "base/report.h"
#include "cli/info/print.h"
#include "data/behaviour/columns.h"
#include "data/behaviour/keys.h"

enum { BAR = 40, NAME = 24 };

static const char *const split_names[SPLITS] = {"train", "valid", "test"};

const char *info_print_number(int64_t value)
{
    static char text[8][32];
    static int turn;
    char digits[24], *out = text[turn++ % 8], *at = out;
    const int length = snprintf(digits, sizeof digits, "%" PRId64, value);
    for (int i = 0; i < length; i++) {
        *at++ = digits[i];
        if (digits[i] != '-' && i + 1 < length && (length - i - 1) % 3 == 0) *at++ = ',';
    }
    *at = '\0';
    return out;
}

static void print_time(int64_t ms)
{
    const time_t seconds = (time_t)(ms / 1000);
    struct tm utc;
    char text[32];
    if (gmtime_r(&seconds, &utc) && strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S", &utc))
        fputs(text, stdout);
    else
        printf("%" PRId64 " ms", ms);
}

static double share(int64_t part, int64_t whole)
{
    return whole > 0 ? 100.0 * (double)part / (double)whole : 0.0;
}

static void print_actions(const Behaviour *b, const Summary *s)
{
    printf("\n%-*s %15s %8s %10s %12s\n", NAME, "actions", "events", "share", "reward",
           "mean reward");
    for (int a = 0; a < b->actions; a++) {
        const int64_t events = s->action_events[a];
        printf("  %-*s %15s %7.2f%% %10g %12.6g%s\n", NAME - 2, b->action_name[a],
               info_print_number(events), share(events, b->events), (double)b->action_reward[a],
               events ? s->action_reward[a] / (double)events : 0.0,
               schema_is_taken(b, (uint8_t)a) ? "" : "  impression");
    }
    if (!b->has_impressions) {
        printf("  no impressions: what was shown and not taken is not in the file\n");
        return;
    }
    printf("  %s events are impressions, shown and not taken; of all events %.2f%% were taken\n",
           info_print_number(s->impressions), share(b->events - s->impressions, b->events));
}

static void print_histories(const Behaviour *b, const Summary *s)
{
    int64_t most = 1;
    printf("\nhistory length: mean %.1f;", (double)b->events / (double)(b->users ? b->users : 1));
    for (int q = 0; q < QUANTILES; q++)
        printf(" %g%% %s%s", 100.0 * summary_quantile[q], info_print_number(s->length[q]),
               q + 1 < QUANTILES ? "," : "\n");
    for (int k = 0; k < s->bins; k++)
        if (s->bin[k] > most) most = s->bin[k];
    for (int k = 0; k < s->bins; k++) {
        char range[64];
        if (k == 0)
            snprintf(range, sizeof range, "1");
        else
            snprintf(range, sizeof range, "%s to %s", info_print_number((int64_t)1 << k),
                     info_print_number(((int64_t)2 << k) - 1));
        printf("  %-22s %15s ", range, info_print_number(s->bin[k]));
        for (int64_t i = 0; i < (s->bin[k] * BAR + most - 1) / most; i++) putchar('#');
        putchar('\n');
    }
}

static void print_splits(const Behaviour *b, const Summary *s)
{
    printf("\n%-*s %15s %8s %15s\n", NAME, "splits", "events", "share", "users");
    for (int k = 0; k < SPLITS; k++)
        printf("  %-*s %15s %7.2f%% %15s\n", NAME - 2, split_names[k],
               info_print_number(s->split_events[k]), share(s->split_events[k], b->events),
               info_print_number(s->split_users[k]));
    if (b->split_rule && b->split_rule[0]) printf("  rule: %s\n", b->split_rule);
}

static void print_set(const char *what, const FeatureSet *f)
{
    for (int k = 0; k < f->kinds; k++)
        printf("  %-6s %-*s category, %s rows\n", what, NAME, f->kind_name[k],
               info_print_number(f->kind_rows[k]));
    for (int n = 0; n < f->numbers; n++)
        printf("  %-6s %-*s number, normalised: (x - %g) / %g\n", what, NAME, f->number_name[n],
               (double)f->mean[n], (double)f->std[n]);
}

void info_print_features(const Behaviour *b)
{
    const FeatureSet *sets[] = {&b->event_features, &b->item_features, &b->user_features};
    static const char *const what[] = {"event", "item", "user"};
    int count = 0;
    for (int i = 0; i < 3; i++) count += sets[i]->kinds + sets[i]->numbers;
    count += b->texts.rows > 0;
    printf("features%s\n", count ? "" : ": none");
    for (int i = 0; i < 3; i++) print_set(what[i], sets[i]);
    if (b->texts.rows)
        printf("  %-6s %-*s n-grams, %s rows, %.1f of an item in the mean\n", "item", NAME, "text",
               info_print_number(b->texts.rows),
               (double)b->texts.offset[b->items] / (double)b->items);
}

static void print_storage(const Behaviour *b, const Summary *s)
{
    printf("\nstorage: %s bytes, %.2f an event; schema 1, catalogue %.16s\n",
           info_print_number(s->file_bytes), (double)s->file_bytes / (double)b->events,
           b->catalogue_hash);
    for (int c = 0; c < COLUMN_FEATURE + b->event_features.numbers; c++) {
        ColumnStorage column;
        if (!columns_storage(b, (Column)c, &column)) continue;
        printf("  /events/%-*s %-8s %15s bytes  %s", NAME - 9, column.name, column.type,
               info_print_number(column.bytes_stored), column.layout);
        if (column.chunk_events)
            printf(" by %s%s%s, %.2f : 1", info_print_number(column.chunk_events),
                   column.shuffled ? ", shuffled" : "", column.deflated ? ", deflated" : "",
                   (double)column.bytes / (double)(column.bytes_stored ? column.bytes_stored : 1));
        putchar('\n');
    }
}

static Status print_items(Behaviour *b, const Summary *s)
{
    printf("\nitems: %s of %s have events; the top 1%% has %.1f%% of all events, 10%% %.1f%%, 50%% "
           "%.1f%%\n",
           info_print_number(s->items_seen), info_print_number(b->items), 100.0 * s->top_share[0],
           100.0 * s->top_share[1], 100.0 * s->top_share[2]);
    for (int i = 0; i < s->tops; i++) {
        const char *key;
        char shown[REPORT_LINE_MAX];
        TRY(behaviour_keys_item(b, s->top[i], &key));
        printf("  %-*s %15s %7.2f%%\n", NAME - 2, report_line(shown, key),
               info_print_number(s->top_events[i]), share(s->top_events[i], b->events));
    }
    return OK;
}

Status info_print(Behaviour *b, const Summary *s)
{
    printf("%s: %s events of %s users on %s items, ", b->path, info_print_number(b->events),
           info_print_number(b->users), info_print_number(b->items));
    print_time(s->first_ms);
    fputs(" to ", stdout);
    print_time(s->last_ms);
    printf(" UTC\n");
    printf("keys of users: %s; reward in all: %g; episodes cut after %g min: %s terminal, %s "
           "truncated; same item twice in a row: %.2f%%\n",
           b->plain_keys ? "plain" : "pseudonyms", s->reward, (double)b->episode_gap_ms / 60000.0,
           info_print_number(s->terminal), info_print_number(s->truncated),
           share(s->repeats, b->events));
    print_actions(b, s);
    print_histories(b, s);
    print_splits(b, s);
    putchar('\n');
    info_print_features(b);
    print_storage(b, s);
    TRY(print_items(b, s));
    if (b->report && b->report[0]) printf("\ncleaning report\n%s\n", b->report);
    return OK;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *json_actions(const Behaviour *b, const Summary *s)
{
    json_t *list = json_array();
    for (int a = 0; a < b->actions; a++)
        json_array_append_new(
            list, json_pack("{s:o,s:I,s:f,s:f,s:b}", "name", report_string(b->action_name[a]),
                            "events", (json_int_t)s->action_events[a], "reward",
                            (double)b->action_reward[a], "reward_sum", s->action_reward[a],
                            "impression", !schema_is_taken(b, (uint8_t)a)));
    return list;
}

static json_t *json_histories(const Summary *s)
{
    json_t *quantiles = json_array(), *bins = json_array();
    for (int q = 0; q < QUANTILES; q++)
        json_array_append_new(quantiles, json_pack("{s:f,s:I}", "quantile", summary_quantile[q],
                                                   "events", (json_int_t)s->length[q]));
    for (int k = 0; k < s->bins; k++)
        json_array_append_new(bins, json_pack("{s:I,s:I}", "from", (json_int_t)1 << k, "users",
                                              (json_int_t)s->bin[k]));
    return json_pack("{s:o,s:o}", "quantiles", quantiles, "powers_of_two", bins);
}

static json_t *json_splits(const Behaviour *b, const Summary *s)
{
    json_t *splits = json_object();
    for (int k = 0; k < SPLITS; k++)
        json_object_set_new(splits, split_names[k],
                            json_pack("{s:I,s:I}", "events", (json_int_t)s->split_events[k],
                                      "users", (json_int_t)s->split_users[k]));
    json_object_set_new(splits, "rule", report_string(b->split_rule));
    return splits;
}

static json_t *json_features(const FeatureSet *f)
{
    json_t *list = json_array();
    for (int k = 0; k < f->kinds; k++)
        json_array_append_new(list,
                              json_pack("{s:o,s:s,s:i}", "name", report_string(f->kind_name[k]),
                                        "kind", "category", "rows", (int)f->kind_rows[k]));
    for (int n = 0; n < f->numbers; n++)
        json_array_append_new(
            list, json_pack("{s:o,s:s,s:f,s:f}", "name", report_string(f->number_name[n]), "kind",
                            "number", "mean", (double)f->mean[n], "std", (double)f->std[n]));
    return list;
}

void info_print_json_features(const Behaviour *b, json_t *root)
{
    json_object_set_new(root, "event_features", json_features(&b->event_features));
    json_object_set_new(root, "item_features", json_features(&b->item_features));
    json_object_set_new(root, "user_features", json_features(&b->user_features));
    json_object_set_new(root, "text_ngrams", json_integer((json_int_t)b->texts.rows));
}

static json_t *json_storage(const Behaviour *b)
{
    json_t *list = json_array();
    for (int c = 0; c < COLUMN_FEATURE + b->event_features.numbers; c++) {
        ColumnStorage column;
        if (!columns_storage(b, (Column)c, &column)) continue;
        json_array_append_new(list, json_pack("{s:o,s:s,s:s,s:I,s:b,s:b,s:I,s:I}", "column",
                                              report_string(column.name), "type", column.type,
                                              "layout", column.layout, "chunk_events",
                                              (json_int_t)column.chunk_events, "shuffled",
                                              column.shuffled, "deflated", column.deflated, "bytes",
                                              (json_int_t)column.bytes, "bytes_stored",
                                              (json_int_t)column.bytes_stored));
    }
    return list;
}

static Status json_items(Behaviour *b, const Summary *s, json_t *list)
{
    for (int i = 0; i < s->tops; i++) {
        const char *key;
        TRY(behaviour_keys_item(b, s->top[i], &key));
        json_array_append_new(list, json_pack("{s:o,s:I}", "key", report_string(key), "events",
                                              (json_int_t)s->top_events[i]));
    }
    return OK;
}

Status info_print_json(Behaviour *b, const Summary *s)
{
    json_t *top = json_array();
    const Status st = json_items(b, s, top);
    json_t *root = json_pack(
        "{s:o,s:I,s:I,s:I,s:I,s:I,s:I,s:o,s:b,s:I,s:I,s:I,s:f,s:I}", "path", report_string(b->path),
        "events", (json_int_t)b->events, "users", (json_int_t)b->users, "items",
        (json_int_t)b->items, "items_seen", (json_int_t)s->items_seen, "first_ms",
        (json_int_t)s->first_ms, "last_ms", (json_int_t)s->last_ms, "catalogue_hash",
        report_string(b->catalogue_hash), "plain_keys", b->plain_keys, "episode_gap_ms",
        (json_int_t)b->episode_gap_ms, "terminal", (json_int_t)s->terminal, "truncated",
        (json_int_t)s->truncated, "reward_sum", s->reward, "bytes", (json_int_t)s->file_bytes);
    json_object_set_new(root, "actions", json_actions(b, s));
    json_object_set_new(root, "impressions", json_integer((json_int_t)s->impressions));
    json_object_set_new(root, "history_length", json_histories(s));
    json_object_set_new(root, "splits", json_splits(b, s));
    info_print_json_features(b, root);
    json_object_set_new(root, "storage", json_storage(b));
    json_object_set_new(root, "top_items", top);
    json_object_set_new(root, "report", report_string(b->report));
    if (st == OK) return report_print(stdout, root, REPORT_NARROW);
    json_decref(root);
    return st;
}
