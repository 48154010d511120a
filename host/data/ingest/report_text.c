/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/report_text.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/ingest/features/features.h"
#include "data/ingest/text/bags.h"

static const char *const owner_name[] = {"items", "users", "events"};

/* 1234567 -> "1,234,567" */
static const char *grouped(char out[32], int64_t value)
{
    char digits[32];
    int at = 0;
    const int length = snprintf(digits, sizeof digits, "%" PRId64, value);
    for (int i = 0; i < length; i++) {
        out[at++] = digits[i];
        if (digits[i] != '-' && i + 1 < length && (length - i - 1) % 3 == 0) out[at++] = ',';
    }
    out[at] = '\0';
    return out;
}

static const char *mean_text(char out[32], int64_t sum, int64_t count)
{
    snprintf(out, 32, "%.1f", (double)sum / (double)(count ? count : 1));
    return out;
}

static void line(FILE *out, const char *what, int64_t value)
{
    char text[32];
    fprintf(out, "  %-36s %15s\n", what, grouped(text, value));
}

static void columns(FILE *out, const ColumnUses *uses)
{
    if (uses->count) fputs("columns\n", out);
    for (int i = 0; i < uses->count; i++) {
        const ColumnUse *c = &uses->column[i];
        fprintf(out, "  %-36s %s%s%s%s\n", c->name[0] ? c->name : "(no name)",
                c->use[0] ? c->use : "not used", c->detected ? " (detected)" : "",
                !c->use[0] && c->why[0] ? ": " : "", c->use[0] ? "" : c->why);
    }
}

static void dropped(FILE *out, const Stage *g)
{
    const IngestReport *r = g->report;
    char what[80], why[WHY_MAX];
    line(out, "rows read", r->rows);
    for (int k = 0; k < BAD_KINDS; k++) {
        if (!r->bad[k].count) continue;
        snprintf(what, sizeof what, "- %s", rows_bad_name[k]);
        line(out, what, r->bad[k].count);
        const char *slash = strrchr(r->bad_path[k], '/');
        fprintf(out, "      first: %s:%" PRId64 ": %s\n", slash ? slash + 1 : r->bad_path[k],
                r->bad[k].line, ingest_report_why(r, (BadKind)k, why));
    }
    if (r->unknown.rows && g->m->unknown_at >= 0) {
        snprintf(what, sizeof what, "  unknown actions kept as %.48s", g->m->unknown_action);
        line(out, what, r->unknown.rows);
    }
    line(out, "- outside the time range", r->outside_time);
    line(out, "- outside limits", r->outside_limits);
    if (mapping_has_clock(g->m) && g->m->drop_duplicates)
        line(out, "- exact duplicates", r->duplicates);
    if (g->m->answers_later) line(out, "- answers, joined with their impression", r->answers);
    if (mapping_has_clock(g->m)) {
        snprintf(what, sizeof what, "- events of %" PRId64 " bots", r->bot_users);
        line(out, what, r->bot_events);
    }
    if (r->core_rounds) {
        snprintf(what, sizeof what, "- below the core (%" PRId64 " rounds)", r->core_rounds);
        line(out, what, r->core_events);
        line(out, "    its users", r->core_users);
        line(out, "    its items", r->core_items);
    }
    line(out, "events kept", r->events);
}

static void limits(FILE *out, const Stage *g)
{
    const Mapping *m = g->m;
    if (!mapping_has_clock(m)) return;
    fprintf(out,
            "  a bot has more than %" PRId64 " events a minute or %" PRId64
            " a day (0: no limit)\n",
            m->max_per_minute, m->max_per_day);
    if (g->stamp == 0)
        fputs("  no limit applies: all events have one time\n", out);
    else if (!stage_limit_applies(g, STAGE_MINUTE_MS))
        fprintf(out, "  the limit%s not apply: times are multiples of %g s apart\n",
                stage_limit_applies(g, STAGE_DAY_MS) ? " a minute does" : "s do",
                1e-3 * (double)g->stamp);
}

static void features(FILE *out, const Stage *g)
{
    for (int f = 0; f < g->m->features; f++) {
        const Feature *feature = &g->m->feature[f];
        char count[32];
        fprintf(out, "  %s.%s: ", owner_name[feature->owner], feature->name);
        grouped(count, g->report->missing[f]);
        if (feature->text) {
            fprintf(out, "text; %s items without\n", count);
            continue;
        }
        if (feature->category) {
            fprintf(out, "category; %s %s unknown\n", count, owner_name[feature->owner]);
            continue;
        }
        fprintf(out, "%snumber, mean %.6g, std %.6g; %s missing",
                feature->log ? "logarithm of a " : "", g->stats[f].center, g->stats[f].scale,
                count);
        if (g->stats[f].missing)
            fprintf(out, ", set to %s %.6g", g->known ? "the catalogue's" : "the train median",
                    (double)g->stats[f].fill);
        fputc('\n', out);
    }
}

static void texts(FILE *out, const Stage *g)
{
    const TextCounts *t = &g->report->texts;
    char number[7][32];
    bool any = false;
    for (int f = 0; f < g->m->features; f++) any |= g->m->feature[f].text;
    if (!any) return;
    fprintf(
        out,
        "  texts: %s n-grams, %s of an item in the mean; left out: %s that only one item has, %s "
        "that more than half of the items have; %s items without a text\n",
        grouped(number[0], t->rows), mean_text(number[1], t->entries, g->report->items),
        grouped(number[2], t->rare), grouped(number[3], t->common), grouped(number[4], t->without));
    if (t->cut)
        fprintf(out, "  texts: %s have %d bytes or more; the rest of each was not read\n",
                grouped(number[5], t->cut), KEY_MAX);
    if (t->shortened)
        fprintf(out, "  texts: %s items have more than %d n-grams, of which the first were kept\n",
                grouped(number[6], t->shortened), BAG_MOST);
}

/* What a known catalogue has become. */
static void catalogue(FILE *out, const Stage *g)
{
    const GrownReport *r = &g->report->grown;
    if (!r->any) return;
    fputs("catalogue\n", out);
    line(out, "items known before", r->known);
    line(out, "    with events in this log", r->seen);
    line(out, "    with newer features", r->changed);
    for (int f = 0; f < g->m->features; f++) {
        char what[NAME_MAX_BYTES + 32];
        snprintf(what, sizeof what, "        another %s", g->m->feature[f].name);
        if (r->changed_feature[f]) line(out, what, r->changed_feature[f]);
    }
    line(out, "new items", r->fresh);
}

Status report_text(Stage *g)
{
    IngestReport *r = g->report;
    const Mapping *m = g->m;
    char first[TIME_TEXT], last[TIME_TEXT];
    size_t size;
    FILE *out = open_memstream(&r->text, &size);
    if (!out) return FAIL(ERR_MEMORY, "no memory for the report");
    columns(out, &r->columns);
    fputs("cleaning\n", out);
    dropped(out, g);
    limits(out, g);
    fputs("kept\n", out);
    line(out, "users", r->users);
    line(out, "    with one event", r->one_event_users);
    line(out, "items", r->items);
    line(out, "episodes", r->episodes);
    line(out, "events at the time of another one", r->tied);
    for (int a = 0; a < m->actions; a++) {
        char what[NAME_MAX_BYTES + 32];
        snprintf(what, sizeof what, "%s (%sreward %g)", m->action_name[a],
                 m->action_impression[a] ? "impression, " : "", (double)m->action_reward[a]);
        line(out, what, r->action_events[a]);
    }
    if (mapping_has_clock(m))
        fprintf(out, "  from %s to %s\n", text_from_time(first, r->first_ms),
                text_from_time(last, r->last_ms));
    fprintf(out, "split\n  %s\n", r->split_rule);
    for (int s = 0; s < SPLITS; s++) line(out, schema_split_name[s], r->split_events[s]);
    catalogue(out, g);
    if (m->features) fputs("features\n", out);
    features(out, g);
    texts(out, g);
    if (fclose(out) != 0) return FAIL(ERR_MEMORY, "no memory for the report");
    return OK;
}
