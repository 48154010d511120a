/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/report.h"

void ingest_report_close(IngestReport *report)
{
    free(report->text);
    report->text = NULL;
}

int64_t ingest_report_lost(const IngestReport *r)
{
    int64_t lost = 0;
    for (int k = 0; k < BAD_KINDS; k++) lost += r->bad[k].count;
    return lost;
}

const char *ingest_report_why(const IngestReport *r, BadKind kind, char out[WHY_MAX])
{
    snprintf(out, WHY_MAX, "%s", r->bad[kind].why);
    char *at = strchr(out, '"'), *const end = strrchr(out, '"');
    for (; !r->plain && at && at < end; at++) {
        const bool digit = *at >= '0' && *at <= '9';
        const char lower = (char)(*at | 0x20);
        if (digit)
            *at = '9';
        else if ((lower >= 'a' && lower <= 'z') || (unsigned char)*at >= 0x80)
            *at = 'x';
    }
    return out;
}

/* ---- JSON ------------------------------------------------------------------------------------ */

static json_t *bad_json(const IngestReport *r)
{
    json_t *all = json_object();
    char why[WHY_MAX];
    for (BadKind k = 0; k < BAD_KINDS; k++)
        if (r->bad[k].count)
            json_object_set_new(all, rows_bad_name[k],
                                json_pack("{s:I,s:o,s:I,s:o}", "rows", (json_int_t)r->bad[k].count,
                                          "file", report_string(r->bad_path[k]), "line",
                                          (json_int_t)r->bad[k].line, "why",
                                          report_string(ingest_report_why(r, k, why))));
    return all;
}

static json_t *columns_json(const ColumnUses *uses)
{
    json_t *all = json_array();
    for (int i = 0; i < uses->count; i++) {
        const ColumnUse *c = &uses->column[i];
        json_array_append_new(all, json_pack("{s:s%,s:s,s:b,s:s}", "name", c->name, strlen(c->name),
                                             "use", c->use, "detected", (int)c->detected, "why_not",
                                             c->why));
    }
    return all;
}

static void set_count(json_t *object, const char *name, int64_t count)
{
    json_t *text = report_string(name); /* of a mapping, which may have any bytes */
    json_object_set_new(object, json_string_value(text), json_integer(count));
    json_decref(text);
}

static json_t *grown_json(const GrownReport *g, const Mapping *m)
{
    json_t *changed = json_object();
    for (int f = 0; f < m->features; f++)
        if (g->changed_feature[f]) set_count(changed, m->feature[f].name, g->changed_feature[f]);
    return json_pack("{s:I, s:I, s:I, s:I, s:o}", "known_items", (json_int_t)g->known, "seen_items",
                     (json_int_t)g->seen, "new_items", (json_int_t)g->fresh, "changed_items",
                     (json_int_t)g->changed, "changed_features", changed);
}

static json_t *report_json(const IngestReport *r, const Mapping *m)
{
    const struct {
        const char *name;
        int64_t value;
    } counts[] = {
        {"rows", r->rows},
        {"lost_rows", ingest_report_lost(r)},
        {"unknown_actions", r->unknown.rows},
        {"outside_time", r->outside_time},
        {"outside_limits", r->outside_limits},
        {"duplicates", r->duplicates},
        {"answers", r->answers},
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
        {"tied_events", r->tied},
        {"first_ms", r->first_ms},
        {"last_ms", r->last_ms},
        {"t0_ms", r->t0_ms},
        {"t1_ms", r->t1_ms},
        {"bytes", r->bytes},
        {"peak_bytes", r->peak_bytes},
        {"runs", r->runs},
        {"text_ngrams", r->texts.rows},
        {"text_entries", r->texts.entries},
        {"text_dropped_rare", r->texts.rare},
        {"text_dropped_common", r->texts.common},
        {"items_without_text", r->texts.without},
        {"texts_cut", r->texts.cut},
        {"texts_shortened", r->texts.shortened},
    };
    json_t *all = json_object(), *actions = json_object(), *splits = json_object();
    json_t *impressions = json_array();
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        json_object_set_new(all, counts[i].name, json_integer(counts[i].value));
    for (int a = 0; a < m->actions; a++) {
        set_count(actions, m->action_name[a], r->action_events[a]);
        if (m->action_impression[a])
            json_array_append_new(impressions, report_string(m->action_name[a]));
    }
    for (int s = 0; s < SPLITS; s++)
        json_object_set_new(splits, schema_split_name[s], json_integer(r->split_events[s]));
    if (r->grown.any) json_object_set_new(all, "catalogue", grown_json(&r->grown, m));
    json_object_set_new(all, "columns", columns_json(&r->columns));
    json_object_set_new(all, "bad", bad_json(r));
    json_object_set_new(all, "actions", actions);
    json_object_set_new(all, "impressions", impressions);
    json_object_set_new(all, "splits", splits);
    json_object_set_new(all, "split_rule", json_string(r->split_rule));
    json_object_set_new(all, "seconds", json_real(r->seconds));
    return all;
}

Status ingest_report_json(const IngestReport *report, const Mapping *m, const char *path)
{
    return report_write(path, report_json(report, m), REPORT_WIDE | REPORT_UNENDED);
}
