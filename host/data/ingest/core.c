/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/core.h"

#include <inttypes.h>
#include <stdlib.h>

#include "data/ingest/pass.h"

Status core_open(Core *core, const Stage *g)
{
    core->user = calloc((size_t)g->users.count + 1, sizeof *core->user);
    core->item = calloc((size_t)g->items.count + 1, sizeof *core->item);
    core->first_ms = INT64_MAX;
    core->last_ms = INT64_MIN;
    if (core->user && core->item) return OK;
    return FAIL(ERR_MEMORY, "no memory to count %" PRId64 " users and %" PRId64 " items",
                g->users.count, g->items.count);
}

void core_close(Core *core)
{
    free(core->user);
    free(core->item);
    *core = (Core){0};
}

void core_add(Core *core, const Record *records, int64_t count, size_t size)
{
    for (int64_t i = 0; i < count; i++) {
        const Record *r = record_at(records, size, i);
        core->user[r->user]++;
        core->item[r->item]++;
        if (r->time < core->first_ms) core->first_ms = r->time;
        if (r->time > core->last_ms) core->last_ms = r->time;
    }
}

/* A new count, without the users and items that `old` has dropped. */
typedef struct {
    size_t size;
    const Core *old;
    Core *fresh;
} Recount;

static Status recount(void *context, int worker, const RecordBatch *batch)
{
    (void)worker;
    Recount *c = context;
    for (int64_t i = 0; i < batch->count; i++) {
        const Record *r = record_at(batch->records, c->size, i);
        if (c->old->user[r->user] && c->old->item[r->item]) core_add(c->fresh, r, 1, c->size);
    }
    return OK;
}

static Status count_round(Stage *g, const Core *old, Core *fresh)
{
    Recount c = {.size = g->size, .old = old, .fresh = fresh};
    TRY(core_open(fresh, g));
    return pass_run(g, &(Pass){.context = &c, .take = recount});
}

/* From number `first` on. */
static bool drop_few(uint32_t *events, int64_t first, int64_t count, int64_t least)
{
    bool changed = false;
    for (int64_t i = first; i < count; i++) {
        if (events[i] == 0 || events[i] >= least) continue;
        events[i] = 0;
        changed = true;
    }
    return changed;
}

static int64_t alive(const uint32_t *events, int64_t count)
{
    int64_t n = 0;
    for (int64_t i = 0; i < count; i++) n += events[i] > 0;
    return n;
}

/* Copies the events of users and items that stay to another table. */
typedef struct {
    size_t size;
    const Core *core;
    Table *kept;
} Rewrite;

static Status keep_batch(void *context, int worker, const RecordBatch *batch)
{
    (void)worker;
    Rewrite *w = context;
    for (int64_t i = 0; i < batch->count; i++) {
        const Record *r = record_at(batch->records, w->size, i);
        if (w->core->user[r->user] && w->core->item[r->item]) TRY(sort_table_append(w->kept, r, 1));
    }
    return OK;
}

static Status rewrite(Stage *g, const Core *core)
{
    Rewrite w = {.size = g->size, .core = core};
    Status st;
    TRY_OR_FAIL(st, sort_table_open(&w.kept, g->size, g->memory / 4, g->directory));
    TRY_OR_FAIL(st, pass_run(g, &(Pass){.context = &w, .take = keep_batch}));
    g->report->core_events = sort_table_count(g->table) - sort_table_count(w.kept);
    sort_table_close(g->table);
    g->table = w.kept;
    return OK;
fail:
    sort_table_close(w.kept);
    return st;
}

/* Catalogue rows in order of the items' first appearance in the input, behind the rows of a known
 * catalogue, which all stay. */
static Status number_items(Stage *g, const uint32_t *events)
{
    g->item_row = malloc((size_t)g->items.count * sizeof *g->item_row + 1);
    if (!g->item_row) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", g->items.count);
    g->rows_of_items = 0;
    for (int64_t i = 0; i < g->items.count; i++)
        g->item_row[i] = events[i] || i < g->known_items ? (int32_t)g->rows_of_items++ : -1;
    GrownReport *grown = &g->report->grown;
    grown->any = g->known != NULL;
    grown->known = g->known_items;
    grown->seen = alive(events, g->known_items);
    grown->fresh = g->rows_of_items - g->known_items;
    return OK;
}

Status core_find(Stage *g, Core *core)
{
    IngestReport *report = g->report;
    report->core_users = alive(core->user, g->users.count);
    report->core_items = alive(core->item, g->items.count);
    for (;;) {
        Core fresh;
        const bool users = drop_few(core->user, 0, g->users.count, g->m->min_user_events);
        const bool items =
            drop_few(core->item, g->known_items, g->items.count, g->m->min_item_events);
        if (!users && !items) break;
        report->core_rounds++;
        const Status st = count_round(g, core, &fresh);
        core_close(core);
        *core = fresh;
        if (st != OK) return st;
    }
    report->core_users -= alive(core->user, g->users.count);
    report->core_items -= alive(core->item, g->items.count);
    if (report->core_rounds) TRY(rewrite(g, core));
    report->first_ms = core->first_ms;
    report->last_ms = core->last_ms;
    return number_items(g, core->item);
}
