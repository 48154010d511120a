#include <stdlib.h>
#include <string.h>

#include "data/ingest_stage.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS    INT64_C(86400000)

typedef struct {
    int64_t key, position;
} Place;

typedef struct {
    Stage *stage;
    Place *place;
    char *copy;
    int64_t room;
} Cleaner;

static Status make_room(Cleaner *c, int64_t count)
{
    if (count <= c->room) return OK;
    const int64_t room = count + count / 2;
    Place *place = realloc(c->place, (size_t)room * sizeof *place);
    if (place) c->place = place;
    char *copy = realloc(c->copy, (size_t)room * c->stage->size);
    if (copy) c->copy = copy;
    if (!place || !copy)
        return FAIL(ERR_MEMORY, "no memory for one user's %lld events", (long long)count);
    c->room = room;
    return OK;
}

static int by_place(const void *a, const void *b)
{
    const Place *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

/* Stable: equal times stay in order of the input. */
static Status order_by_time(Cleaner *c, Record *records, int64_t count)
{
    const size_t size = c->stage->size;
    bool ordered = true;
    for (int64_t i = 1; i < count && ordered; i++)
        ordered = record_at(records, size, i - 1)->time <= record_at(records, size, i)->time;
    if (ordered) return OK;
    TRY(make_room(c, count));
    for (int64_t i = 0; i < count; i++) c->place[i] = (Place){record_at(records, size, i)->time, i};
    qsort(c->place, (size_t)count, sizeof *c->place, by_place);
    memcpy(c->copy, records, (size_t)count * size);
    for (int64_t i = 0; i < count; i++)
        memcpy(record_at(records, size, i), c->copy + (size_t)c->place[i].position * size, size);
    return OK;
}

/* Without a clock `time` holds the gap to the next event: sum them up from 0. */
static void times_from_gaps(Record *records, int64_t count, size_t size)
{
    int64_t now = 0;
    for (int64_t i = 0; i < count; i++) {
        Record *r = record_at(records, size, i);
        const int64_t gap = r->time;
        r->time = now;
        now += gap;
    }
}

/* Drop the records marked in `dropped`. */
static int64_t compact(Record *records, int64_t count, size_t size)
{
    int64_t kept = 0;
    for (int64_t i = 0; i < count; i++) {
        if (record_at(records, size, i)->dropped) continue;
        if (kept != i) memcpy(record_at(records, size, kept), record_at(records, size, i), size);
        kept++;
    }
    return kept;
}

/* Mark all but the first of equal rows among records first .. end-1, which share user and time. */
static Status mark_equal(Cleaner *c, Record *records, int64_t first, int64_t end, int64_t *marked)
{
    const size_t size = c->stage->size;
    TRY(make_room(c, end - first));
    for (int64_t i = first; i < end; i++) {
        const Record *r = record_at(records, size, i);
        c->place[i - first] = (Place){(int64_t)r->hash << 31 ^ r->item, i};
    }
    qsort(c->place, (size_t)(end - first), sizeof *c->place, by_place);
    for (int64_t i = 1; i < end - first; i++) {
        if (c->place[i].key != c->place[i - 1].key) continue;
        record_at(records, size, c->place[i].position)->dropped = 1;
        ++*marked;
    }
    return OK;
}

static Status drop_duplicates(Cleaner *c, Record *records, int64_t *count)
{
    const size_t size = c->stage->size;
    int64_t marked = 0;
    for (int64_t first = 0, end; first < *count; first = end) {
        const int64_t time = record_at(records, size, first)->time;
        for (end = first + 1; end < *count && record_at(records, size, end)->time == time;) end++;
        if (end - first > 1) TRY(mark_equal(c, records, first, end, &marked));
    }
    if (marked) *count = compact(records, *count, size);
    c->stage->report->duplicates += marked;
    return OK;
}

/* More than `limit` events within any `window_ms`. */
static bool too_busy(const Record *records, int64_t count, size_t size, int64_t limit,
                     int64_t window_ms)
{
    if (limit <= 0) return false;
    for (int64_t i = limit; i < count; i++)
        if (record_at(records, size, i)->time - record_at(records, size, i - limit)->time <
            window_ms)
            return true;
    return false;
}

static Status clean_user(Cleaner *c, Record *records, int64_t *count)
{
    Stage *g = c->stage;
    if (!mapping_has_clock(g->m)) {
        times_from_gaps(records, *count, g->size);
        return OK;
    }
    TRY(order_by_time(c, records, *count));
    if (g->m->drop_duplicates) TRY(drop_duplicates(c, records, count));
    if (too_busy(records, *count, g->size, g->m->max_per_minute, MINUTE_MS) ||
        too_busy(records, *count, g->size, g->m->max_per_day, DAY_MS)) {
        g->report->bot_users++;
        g->report->bot_events += *count;
        *count = 0;
    }
    return OK;
}

/* ---- k-core ------------------------------------------------------------------------------------
 */

typedef struct {
    uint32_t *user, *item; /* events among those that stay; 0 dropped */
} Core;

static Status count_round(Stage *g, const Core *old, Core *fresh)
{
    Record *records;
    int64_t count;
    memset(fresh->user, 0, (size_t)g->users.count * sizeof *fresh->user);
    memset(fresh->item, 0, (size_t)g->items.count * sizeof *fresh->item);
    TRY(table_rewind(g->table));
    for (;;) {
        TRY(table_next_user(g->table, &records, &count));
        if (count == 0) return OK;
        for (int64_t i = 0; i < count; i++) {
            const Record *r = record_at(records, g->size, i);
            if (old && !(old->user[r->user] && old->item[r->item])) continue;
            fresh->user[r->user]++;
            fresh->item[r->item]++;
        }
    }
}

static bool drop_few(uint32_t *events, int64_t count, int64_t least)
{
    bool changed = false;
    for (int64_t i = 0; i < count; i++) {
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

/* Events of users and items that stay, into a table of their own. */
static Status rewrite(Stage *g, const Core *core)
{
    Table *kept;
    Record *records;
    int64_t count;
    Status st;
    TRY(table_open(&kept, g->size, g->memory / 4, g->directory));
    TRY_OR_FAIL(st, table_rewind(g->table));
    for (;;) {
        TRY_OR_FAIL(st, table_next_user(g->table, &records, &count));
        if (count == 0) break;
        for (int64_t i = 0; i < count; i++) {
            const Record *r = record_at(records, g->size, i);
            if (core->user[r->user] && core->item[r->item])
                TRY_OR_FAIL(st, table_append(kept, r, 1));
        }
    }
    g->report->core_events = table_count(g->table) - table_count(kept);
    table_close(g->table);
    g->table = kept;
    return OK;
fail:
    table_close(kept);
    return st;
}

/* Catalogue rows in order of the items' first appearance in the input. */
static Status number_items(Stage *g, const uint32_t *events)
{
    g->item_row = malloc((size_t)g->items.count * sizeof *g->item_row + 1);
    if (!g->item_row)
        return FAIL(ERR_MEMORY, "no memory for %lld items", (long long)g->items.count);
    g->rows_of_items = 0;
    for (int64_t i = 0; i < g->items.count; i++)
        g->item_row[i] = events[i] ? (int32_t)g->rows_of_items++ : -1;
    return OK;
}

static Status find_core(Stage *g)
{
    IngestReport *report = g->report;
    Status st = OK;
    Core a = {calloc((size_t)g->users.count + 1, 4), calloc((size_t)g->items.count + 1, 4)};
    Core b = {calloc((size_t)g->users.count + 1, 4), calloc((size_t)g->items.count + 1, 4)};
    const bool wanted = g->m->min_user_events > 1 || g->m->min_item_events > 1;
    if (!a.user || !a.item || !b.user || !b.item) {
        st = FAIL(ERR_MEMORY, "no memory to count %lld users and %lld items",
                  (long long)g->users.count, (long long)g->items.count);
        goto fail;
    }
    TRY_OR_FAIL(st, count_round(g, NULL, &a));
    report->core_users = alive(a.user, g->users.count);
    report->core_items = alive(a.item, g->items.count);
    while (wanted) {
        const bool users = drop_few(a.user, g->users.count, g->m->min_user_events);
        const bool items = drop_few(a.item, g->items.count, g->m->min_item_events);
        if (!users && !items) break;
        report->core_rounds++;
        TRY_OR_FAIL(st, count_round(g, &a, &b));
        const Core swap = a;
        a = b;
        b = swap;
    }
    report->core_users -= alive(a.user, g->users.count);
    report->core_items -= alive(a.item, g->items.count);
    if (report->core_rounds) TRY_OR_FAIL(st, rewrite(g, &a));
    st = number_items(g, a.item);
fail:
    free(a.user);
    free(a.item);
    free(b.user);
    free(b.item);
    return st;
}

Status clean_log(Stage *g, Sorter *sorter)
{
    Cleaner c = {.stage = g};
    Record *records;
    int64_t count;
    Status st;
    TRY_OR_FAIL(st, table_open(&g->table, g->size, g->memory / 4, g->directory));
    for (;;) {
        TRY_OR_FAIL(st, sorter_next_user(sorter, &records, &count));
        if (count == 0) break;
        TRY_OR_FAIL(st, clean_user(&c, records, &count));
        if (count) TRY_OR_FAIL(st, table_append(g->table, records, count));
    }
fail:
    free(c.place);
    free(c.copy);
    sorter_close(sorter);
    return st == OK ? find_core(g) : st;
}
