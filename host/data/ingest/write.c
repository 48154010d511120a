/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/write.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "data/behaviour/catalogue/texts.h"
#include "data/behaviour/write.h"
#include "data/ingest/features/features.h"
#include "data/ingest/features/table.h"
#include "data/ingest/pass.h"
#include "data/ingest/report_text.h"
#include "data/ingest/split.h"
#include "data/ingest/text/bags.h"

/* What the file stores of each user of a batch, apart from the events. */
typedef struct {
    uint64_t pseudonym;
    int64_t split[SPLITS][2];
} UserPart;

/* A batch as columns. */
typedef struct {
    int64_t capacity; /* events */
    UserPart *user;
    int32_t *item;
    uint8_t *action, *end;
    int64_t *time;
    float *reward, *propensity, *feature[FEATURES_MAX];
} Columns;

/* Event columns of the file: the values of a feature, or flags of its missing values. */
typedef struct {
    int count;
    int feature[FEATURES_MAX];
    bool flag[FEATURES_MAX];
    char name[FEATURES_MAX][FEATURE_NAME_MAX];
} EventColumns;

typedef struct {
    Stage *g;
    BehaviourWriter *writer;
    EventColumns columns;
    Columns batch[PASS_WORKERS];
    Progress progress;
    int64_t done; /* events */
} Writing;

/* ---- Columns --------------------------------------------------------------------------------- */

static void free_columns(Columns *c)
{
    void *const all[] = {c->user, c->item, c->action, c->end, c->time, c->reward, c->propensity};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
    for (int f = 0; f < FEATURES_MAX; f++) free(c->feature[f]);
    *c = (Columns){0};
}

static Status reserve_columns(Columns *c, int features, int64_t count)
{
    if (count <= c->capacity) return OK;
    const size_t capacity = (size_t)(count + count / 4 + 64);
    free_columns(c);
    c->user = malloc(capacity * sizeof *c->user);
    c->item = malloc(capacity * sizeof *c->item);
    c->action = malloc(capacity);
    c->end = malloc(capacity);
    c->time = malloc(capacity * sizeof *c->time);
    c->reward = malloc(capacity * sizeof *c->reward);
    c->propensity = malloc(capacity * sizeof *c->propensity);
    bool good = c->user && c->item && c->action && c->end && c->time && c->reward && c->propensity;
    for (int f = 0; f < features; f++)
        good = (c->feature[f] = malloc(capacity * sizeof(float))) && good;
    if (!good) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " events", count);
    c->capacity = (int64_t)capacity;
    return OK;
}

/* One user's events, into rows first, first + 1, … of the columns. */
static void fill_events(const Stage *g, Columns *c, int64_t first, const Record *records,
                        int64_t count)
{
    const int reward = g->m->reward_cell, propensity = g->m->propensity_cell;
    for (int64_t i = 0, at = first; i < count; i++, at++) {
        const Record *r = record_at(records, g->size, i);
        c->item[at] = g->item_row[r->item];
        c->action[at] = r->action;
        c->time[at] = r->time;
        c->end[at] =
            split_event_end(g, r, i + 1 < count ? record_at(records, g->size, i + 1) : NULL);
        c->reward[at] = g->m->action_reward[r->action];
        if (reward >= 0 && !isnan(r->cell[reward].number)) c->reward[at] = r->cell[reward].number;
        if (propensity >= 0) c->propensity[at] = r->cell[propensity].number;
    }
}

static void fill_features(const Writing *w, Columns *c, const RecordBatch *batch)
{
    const Stage *g = w->g;
    for (int f = 0; f < w->columns.count; f++) {
        const int feature = w->columns.feature[f], cell = g->m->feature[feature].cell;
        for (int64_t i = 0; i < batch->count; i++) {
            const float x = record_at(batch->records, g->size, i)->cell[cell].number;
            c->feature[f][i] =
                w->columns.flag[f] ? (float)(isnan(x) != 0) : features_normal(g, feature, x);
        }
    }
}

static Status fill_columns(void *context, int worker, RecordBatch *batch)
{
    Writing *w = context;
    const Stage *g = w->g;
    Columns *c = &w->batch[worker];
    TRY(reserve_columns(c, w->columns.count, batch->count));
    UserPart *user = c->user;
    for (int64_t first = 0, end; first < batch->count; user++, first = end) {
        const Record *records = record_at(batch->records, g->size, first);
        end = sort_batch_user_end(batch, g->size, first);
        fill_events(g, c, first, records, end - first);
        user->pseudonym = g->options->plain_keys
                              ? 0
                              : pseudonym_of(&g->pseudonyms, keys_text(&g->users, records->user));
        TRY(split_user(g, records, end - first, user->split));
    }
    fill_features(w, c, batch);
    return OK;
}

static Status append_user(Writing *w, const Columns *c, const UserPart *user, const char *key,
                          int64_t first, int64_t count)
{
    const Stage *g = w->g;
    UserHistory h = {.key = g->options->plain_keys ? key : NULL,
                     .pseudonym = user->pseudonym,
                     .count = count,
                     .item = c->item + first,
                     .action = c->action + first,
                     .time = c->time + first,
                     .reward = c->reward + first,
                     .end = c->end + first,
                     .propensity = g->m->propensity_cell >= 0 ? c->propensity + first : NULL};
    for (int f = 0; f < w->columns.count; f++) h.feature[f] = c->feature[f] + first;
    memcpy(h.split, user->split, sizeof h.split);
    return behaviour_write_append(w->writer, &h);
}

static Status append_batch(void *context, int worker, const RecordBatch *batch)
{
    Writing *w = context;
    const Columns *c = &w->batch[worker];
    const size_t size = w->g->size;
    const UserPart *user = c->user;
    for (int64_t first = 0, end; first < batch->count; user++, first = end) {
        const uint32_t id = record_at(batch->records, size, first)->user;
        end = sort_batch_user_end(batch, size, first);
        TRY(append_user(w, c, user, w->g->users.key[id], first, end - first));
    }
    w->done += batch->count;
    return progress_update(&w->progress, w->done, NULL);
}

/* ---- File ------------------------------------------------------------------------------------ */

static Status add_column(EventColumns *columns, const char *name, int feature, bool flag)
{
    const int at = columns->count;
    if (at == FEATURES_MAX) return FAIL(ERR_FORMAT, "more than %d event features", FEATURES_MAX);
    if (snprintf(columns->name[at], FEATURE_NAME_MAX, "%s%s", name, flag ? "_missing" : "") >=
        FEATURE_NAME_MAX)
        return FAIL(ERR_FORMAT, "feature \"%s_missing\": want a name of at most %d bytes", name,
                    FEATURE_NAME_MAX - 1);
    columns->feature[at] = feature;
    columns->flag[at] = flag;
    columns->count++;
    return OK;
}

static Status create(Writing *w)
{
    const Stage *g = w->g;
    const char *action[ACTIONS_MAX];
    for (int a = 0; a < g->m->actions; a++) action[a] = g->m->action_name[a];
    for (int f = 0; f < g->m->features; f++) {
        if (g->m->feature[f].owner != OWNER_EVENT) continue;
        TRY(add_column(&w->columns, g->m->feature[f].name, f, false));
        if (g->stats[f].flagged) TRY(add_column(&w->columns, g->m->feature[f].name, f, true));
    }
    BehaviourHeader h = {.actions = g->m->actions,
                         .action_name = action,
                         .action_reward = g->m->action_reward,
                         .action_impression = g->m->action_impression,
                         .episode_gap_ms = g->m->gap_ms,
                         .has_propensity = g->m->propensity_cell >= 0,
                         .compress = g->options->compress,
                         .plain_keys = g->options->plain_keys,
                         .event_numbers = w->columns.count};
    for (int f = 0; f < w->columns.count; f++) {
        const int feature = w->columns.feature[f];
        const NumberStats *stats = &g->stats[feature];
        h.event_number_name[f] = w->columns.name[f];
        h.event_std[f] = 1.0f;
        if (w->columns.flag[f]) continue;
        h.event_mean[f] = (float)stats->center;
        h.event_std[f] = (float)stats->scale;
        h.event_logarithm[f] = g->m->feature[feature].log;
        h.event_has_fill[f] = stats->filled;
        h.event_fill[f] = stats->fill;
    }
    return behaviour_write_create(&w->writer, g->options->output, &h);
}

static Status make_catalogue(Stage *g, BehaviourCatalogue *catalogue)
{
    const char **key = malloc((size_t)(g->rows_of_items + 1) * sizeof *key);
    *catalogue = (BehaviourCatalogue){.items = g->rows_of_items, .item_key = key};
    if (!key) return FAIL(ERR_MEMORY, "no memory for the catalogue");
    for (int64_t i = 0; i < g->items.count; i++)
        if (g->item_row[i] >= 0) key[g->item_row[i]] = g->items.key[i];
    TRY(features_table(g, OWNER_ITEM, &catalogue->item_features));
    TRY(features_table(g, OWNER_USER, &catalogue->user_features));
    TRY(bags_make(g, &catalogue->texts));
    TRY(report_text(g));
    catalogue->report = g->report->text;
    catalogue->split_rule = g->report->split_rule;
    return OK;
}

static void free_catalogue(BehaviourCatalogue *catalogue)
{
    features_table_free(&catalogue->item_features);
    features_table_free(&catalogue->user_features);
    texts_close(&catalogue->texts);
    free((void *)catalogue->item_key);
}

Status write_behaviour(Stage *g)
{
    Writing w = {.g = g};
    BehaviourCatalogue catalogue = {0};
    Status st;
    if (!g->options->plain_keys) TRY(pseudonym_open(&g->pseudonyms, g->options));
    TRY_OR_FAIL(st, create(&w));
    TRY_OR_FAIL(st, make_catalogue(g, &catalogue));
    TRY_OR_FAIL(st,
                behaviour_write_place(w.writer, &catalogue, g->report->users, g->report->events));
    progress_begin(&w.progress, "writing", g->report->events, g->options->listener);
    TRY_OR_FAIL(st, pass_run(g, &(Pass){NULL, &w, fill_columns, append_batch}));
    TRY_OR_FAIL(st, behaviour_write_finish(w.writer, &catalogue));
    progress_end(&w.progress, NULL);
fail:
    behaviour_write_close(w.writer);
    free_catalogue(&catalogue);
    for (int b = 0; b < PASS_WORKERS; b++) free_columns(&w.batch[b]);
    pseudonym_close(&g->pseudonyms, st != OK);
    return st;
}
