#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/report.h"
#include "data/ingest/stage.h"

static const char *const owner_name[] = {"items", "users", "events"};

/* 1234567 -> "1,234,567" */
static const char *grouped(char out[32], int64_t value)
{
    char digits[32];
    int at = 0;
    const int length = snprintf(digits, sizeof digits, "%lld", (long long)value);
    for (int i = 0; i < length; i++) {
        out[at++] = digits[i];
        if (digits[i] != '-' && i + 1 < length && (length - i - 1) % 3 == 0) out[at++] = ',';
    }
    out[at] = '\0';
    return out;
}

static void line(FILE *out, const char *what, int64_t value)
{
    char text[32];
    fprintf(out, "  %-36s %15s\n", what, grouped(text, value));
}

static void dropped(FILE *out, const Stage *g)
{
    const IngestReport *r = g->report;
    char what[80];
    line(out, "rows read", r->rows);
    for (int k = 0; k < BAD_KINDS; k++) {
        if (!r->bad[k].count) continue;
        snprintf(what, sizeof what, "- %s", rows_bad_name[k]);
        line(out, what, r->bad[k].count);
        const char *slash = strrchr(r->bad_path[k], '/');
        fprintf(out, "      first: %s:%lld: %s\n", slash ? slash + 1 : r->bad_path[k],
                (long long)r->bad[k].line, r->bad[k].why);
    }
    line(out, "- outside the time range", r->outside_time);
    line(out, "- outside limits", r->outside_limits);
    if (mapping_has_clock(g->m) && g->m->drop_duplicates)
        line(out, "- exact duplicates", r->duplicates);
    if (mapping_has_clock(g->m)) {
        snprintf(what, sizeof what, "- events of %lld bots", (long long)r->bot_users);
        line(out, what, r->bot_events);
    }
    if (r->core_rounds) {
        snprintf(what, sizeof what, "- below the core (%lld rounds)", (long long)r->core_rounds);
        line(out, what, r->core_events);
        line(out, "    its users", r->core_users);
        line(out, "    its items", r->core_items);
    }
    line(out, "events kept", r->events);
}

static void limits(FILE *out, const Mapping *m)
{
    if (!mapping_has_clock(m)) return;
    fprintf(out, "  a bot has more than %lld events a minute or %lld a day (0: no limit)\n",
            (long long)m->max_per_minute, (long long)m->max_per_day);
}

static void features(FILE *out, const Stage *g)
{
    for (int f = 0; f < g->m->features; f++) {
        const Feature *feature = &g->m->feature[f];
        char count[32];
        fprintf(out, "  %s.%s: ", owner_name[feature->owner], feature->name);
        grouped(count, g->report->missing[f]);
        if (feature->category) {
            fprintf(out, "category; %s %s unknown\n", count, owner_name[feature->owner]);
            continue;
        }
        fprintf(out, "%snumber, mean %.6g, std %.6g; %s missing",
                feature->log ? "logarithm of a " : "", features_mean(g, f), features_std(g, f),
                count);
        if (g->stats[f].missing) fprintf(out, ", set to the train median %.6g", g->stats[f].fill);
        fputc('\n', out);
    }
}

Status report_text(Stage *g)
{
    IngestReport *r = g->report;
    const Mapping *m = g->m;
    char first[TIME_TEXT], last[TIME_TEXT];
    size_t size;
    FILE *out = open_memstream(&r->text, &size);
    if (!out) return FAIL(ERR_MEMORY, "no memory for the report");
    fputs("cleaning\n", out);
    dropped(out, g);
    limits(out, m);
    fputs("kept\n", out);
    line(out, "users", r->users);
    line(out, "    with one event", r->one_event_users);
    line(out, "items", r->items);
    line(out, "episodes", r->episodes);
    for (int a = 0; a < m->actions; a++) {
        char what[NAME_MAX_BYTES + 32];
        snprintf(what, sizeof what, "%s (reward %g)", m->action_name[a],
                 (double)m->action_reward[a]);
        line(out, what, r->action_events[a]);
    }
    if (mapping_has_clock(m))
        fprintf(out, "  from %s to %s\n", text_from_time(first, r->first_ms),
                text_from_time(last, r->last_ms));
    fprintf(out, "split\n  %s\n", r->split_rule);
    for (int s = 0; s < SPLITS; s++) line(out, schema_split_name[s], r->split_events[s]);
    if (m->features) fputs("features\n", out);
    features(out, g);
    if (fclose(out) != 0) return FAIL(ERR_MEMORY, "no memory for the report");
    return OK;
}

void ingest_report_close(IngestReport *report)
{
    free(report->text);
    report->text = NULL;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *bad_json(const IngestReport *r)
{
    json_t *all = json_object();
    for (int k = 0; k < BAD_KINDS; k++)
        if (r->bad[k].count)
            json_object_set_new(all, rows_bad_name[k],
                                json_pack("{s:I,s:s,s:I,s:s%}", "rows", (json_int_t)r->bad[k].count,
                                          "file", r->bad_path[k], "line",
                                          (json_int_t)r->bad[k].line, "why", r->bad[k].why,
                                          strlen(r->bad[k].why)));
    return all;
}

static json_t *report_json(const IngestReport *r, const Mapping *m)
{
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {
        {"rows", r->rows},
        {"outside_time", r->outside_time},
        {"outside_limits", r->outside_limits},
        {"duplicates", r->duplicates},
        {"bot_users", r->bot_users},
        {"bot_events", r->bot_events},
        {"core_rounds", r->core_rounds},
        {"core_users", r->core_users},
        {"core_items", r->core_items},
        {"core_events", r->core_events},
        {"users", r->users},
        {"one_event_users", r->one_event_users},
        {"items", r->items},
        {"events", r->events},
        {"episodes", r->episodes},
        {"first_ms", r->first_ms},
        {"last_ms", r->last_ms},
        {"t0_ms", r->t0_ms},
        {"t1_ms", r->t1_ms},
        {"bytes", r->bytes},
        {"peak_bytes", r->peak_bytes},
        {"runs", r->runs},
    };
    json_t *all = json_object(), *actions = json_object(), *splits = json_object();
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_object_set_new(all, counts[i].name, json_integer(counts[i].value));
    for (int a = 0; a < m->actions; a++)
        json_object_set_new(actions, m->action_name[a], json_integer(r->action_events[a]));
    for (int s = 0; s < SPLITS; s++)
        json_object_set_new(splits, schema_split_name[s], json_integer(r->split_events[s]));
    json_object_set_new(all, "bad", bad_json(r));
    json_object_set_new(all, "actions", actions);
    json_object_set_new(all, "splits", splits);
    json_object_set_new(all, "split_rule", json_string(r->split_rule));
    json_object_set_new(all, "seconds", json_real(r->seconds));
    return all;
}

Status ingest_report_json(const IngestReport *report, const Mapping *m, const char *path)
{
    return report_write(path, report_json(report, m), REPORT_WIDE | REPORT_UNENDED);
}
