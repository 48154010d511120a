#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "data/ingest_stage.h"

#define MINUTE_MS INT64_C(60000)
#define DAY_MS    INT64_C(86400000)

typedef struct {
    int64_t key, position;
} Place;

typedef struct {
    Stage *stage;
    Core core;
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

Status clean_log(Stage *g, Sorter *sorter)
{
    Cleaner c = {.stage = g};
    Progress progress;
    Record *records;
    int64_t count, done = 0;
    Status st;
    progress_begin(&progress, "cleaning", sorter_count(sorter), g->options->quiet);
    TRY_OR_FAIL(st, table_open(&g->table, g->size, g->memory / 4, g->directory));
    TRY_OR_FAIL(st, core_open(&c.core, g));
    for (;;) {
        TRY_OR_FAIL(st, sorter_next_user(sorter, &records, &count));
        if (count == 0) break;
        progress_update(&progress, done += count, NULL);
        TRY_OR_FAIL(st, clean_user(&c, records, &count));
        core_add(&c.core, records, count, g->size);
        TRY_OR_FAIL(st, table_append(g->table, records, count));
    }
    progress_end(&progress, NULL);
    sorter_close(sorter); /* its memory is the core's now */
    sorter = NULL;
    st = core_find(g, &c.core);
fail:
    free(c.place);
    free(c.copy);
    core_close(&c.core);
    sorter_close(sorter);
    return st;
}
