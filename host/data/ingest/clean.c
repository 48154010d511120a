/* SPDX-License-Identifier: Apache-2.0 */
#include "data/ingest/clean.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/progress.h"
#include "base/rng.h"
#include "data/ingest/core.h"
#include "data/ingest/pass.h"

/* A record's key to sort by, and its position in the input. */
typedef struct {
    int64_t key, position;
} Place;

/* A worker's memory, and the counts of its batch. */
typedef struct {
    const Stage *stage;
    Place *place;       /* [capacity] */
    char *copy;         /* [capacity] records */
    int64_t capacity;   /* events of one user */
    const Record *tied; /* the records that by_draw compares */
    bool shows;         /* some actions are impressions */
    int64_t read, duplicates, answers, bot_users, bot_events;
} Cleaner;

typedef struct {
    Stage *stage;
    Core core;
    Progress progress;
    int64_t done;
    Cleaner cleaner[PASS_WORKERS];
} Cleaning;

static Status reserve(Cleaner *c, int64_t count)
{
    if (count <= c->capacity) return OK;
    const int64_t capacity = count + count / 2;
    Place *place = realloc(c->place, (size_t)capacity * sizeof *place);
    if (place) c->place = place;
    char *copy = realloc(c->copy, (size_t)capacity * c->stage->size);
    if (copy) c->copy = copy;
    if (!place || !copy)
        return FAIL(ERR_MEMORY, "no memory for one user's %" PRId64 " events", count);
    c->capacity = capacity;
    return OK;
}

static int by_place(const void *a, const void *b)
{
    const Place *x = a, *y = b;
    if (x->key != y->key) return x->key < y->key ? -1 : 1;
    return x->position < y->position ? -1 : x->position > y->position;
}

static void move_to_places(Cleaner *c, Record *records, int64_t count)
{
    const size_t size = c->stage->size;
    memcpy(c->copy, records, (size_t)count * size);
    for (int64_t i = 0; i < count; i++)
        memcpy(record_at(records, size, i), c->copy + (size_t)c->place[i].position * size, size);
}

/* Stable: equal times stay in order of the input. */
static Status order_by_time(Cleaner *c, Record *records, int64_t count)
{
    const size_t size = c->stage->size;
    bool ordered = true;
    for (int64_t i = 1; i < count && ordered; i++)
        ordered = record_at(records, size, i - 1)->time <= record_at(records, size, i)->time;
    if (ordered) return OK;
    TRY(reserve(c, count));
    for (int64_t i = 0; i < count; i++) c->place[i] = (Place){record_at(records, size, i)->time, i};
    qsort(c->place, (size_t)count, sizeof *c->place, by_place);
    move_to_places(c, records, count);
    return OK;
}

/* Without a clock `time` holds the gap to the next event. The sums of these gaps become the times;
 * the first event has time 0. */
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

/* Remove the records with `dropped` set; returns how many are left. */
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

/* Set `dropped` in all but the first of equal rows among records first .. end-1, which are of one
 * user and one time. */
static Status mark_equal(Cleaner *c, Record *records, int64_t first, int64_t end, int64_t *marked)
{
    const size_t size = c->stage->size;
    TRY(reserve(c, end - first));
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
    c->duplicates += marked;
    return OK;
}

/* Makes the row `answer` part of the impression that it answers. What ends with a row that goes
 * ends with the row before it that stays (keep_ends). */
static void join(const Mapping *m, Record *impression, Record *answer)
{
    impression->action = answer->action;
    if (m->reward_cell >= 0) impression->cell[m->reward_cell] = answer->cell[m->reward_cell];
    answer->dropped = 1;
}

/* Answers among the rows of one item, place[first .. end-1] in order of time: the first row of
 * what was taken after each impression, not later than a gap and before the next impression. At
 * one time impressions come first. */
static void answers_of_item(Cleaner *c, Record *records, int64_t first, int64_t end)
{
    const Mapping *m = c->stage->m;
    const size_t size = c->stage->size;
    Record *open = NULL;
    for (int64_t i = first, last; i < end; i = last) {
        const int64_t time = record_at(records, size, c->place[i].position)->time;
        for (last = i; last < end; last++)
            if (record_at(records, size, c->place[last].position)->time != time) break;
        for (int64_t k = i; k < last; k++) {
            Record *r = record_at(records, size, c->place[k].position);
            if (m->action_impression[r->action]) open = r;
        }
        for (int64_t k = i; k < last && open; k++) {
            Record *r = record_at(records, size, c->place[k].position);
            if (r == open || m->action_impression[r->action] || time - open->time > m->gap_ms)
                continue;
            c->answers++;
            if (m->answers_later) join(m, open, r);
            open = NULL;
        }
    }
}

static void keep_ends(Record *records, int64_t count, size_t size)
{
    Record *stays = NULL;
    for (int64_t i = 0; i < count; i++) {
        Record *r = record_at(records, size, i);
        if (!r->dropped)
            stays = r;
        else if (stays && r->end != END_UNKNOWN && r->end != END_GOES_ON)
            stays->end = r->end;
    }
}

/* Finds the rows that say what was taken of an item shown before, and joins them with its
 * impression where the mapping says so. The records are in order of time. */
static Status find_answers(Cleaner *c, Record *records, int64_t *count)
{
    const size_t size = c->stage->size;
    const int64_t before = c->answers;
    TRY(reserve(c, *count));
    for (int64_t i = 0; i < *count; i++)
        c->place[i] = (Place){record_at(records, size, i)->item, i};
    qsort(c->place, (size_t)*count, sizeof *c->place, by_place);
    for (int64_t first = 0, end; first < *count; first = end) {
        for (end = first; end < *count && c->place[end].key == c->place[first].key;) end++;
        answers_of_item(c, records, first, end);
    }
    if (!c->stage->m->answers_later || c->answers == before) return OK;
    keep_ends(records, *count, size);
    *count = compact(records, *count, size);
    return OK;
}

static int by_number(uint64_t x, uint64_t y) { return x < y ? -1 : x > y; }

/* The order of a user's records of one time, the places of which have draws as keys. */
static int by_draw(const void *a, const void *b, void *cleaner)
{
    const Cleaner *c = cleaner;
    const Place *p = a, *q = b;
    const Record *x = record_at(c->tied, c->stage->size, p->position);
    const Record *y = record_at(c->tied, c->stage->size, q->position);
    int order = by_number(x->part, y->part);
    if (!order) order = by_number(x->session, y->session);
    if (!order) order = by_number(x->end, y->end);
    if (!order) order = (p->key > q->key) - (p->key < q->key);
    if (!order) order = by_number(x->action, y->action);
    if (!order) order = by_number(x->hash, y->hash);
    return order ? order : by_place(a, b);
}

/* Orders the records of each time by draws: functions of user, item and time, so that neither the
 * input's order nor the order of keys says which of them is the last. Parts and sessions stay
 * together, and an end comes after what it ends. */
static Status order_ties(Cleaner *c, Record *records, int64_t count)
{
    const Stage *g = c->stage;
    for (int64_t first = 0, end; first < count; first = end) {
        const Record *head = c->tied = record_at(records, g->size, first);
        for (end = first + 1; end < count; end++)
            if (record_at(records, g->size, end)->time != head->time) break;
        if (end - first == 1) continue;
        TRY(reserve(c, end - first));
        const uint64_t user = text_hash(keys_text(&g->users, head->user));
        for (int64_t i = 0; i < end - first; i++) {
            const uint64_t item =
                text_hash(keys_text(&g->items, record_at(head, g->size, i)->item));
            c->place[i] = (Place){(int64_t)philox_u64(user, item, (uint64_t)head->time), i};
        }
        qsort_r(c->place, (size_t)(end - first), sizeof *c->place, by_draw, c);
        move_to_places(c, record_at(records, g->size, first), end - first);
    }
    return OK;
}

/* Whether more than `limit` events are within some `window_ms`; 0: no limit. */
static bool too_busy(const Stage *g, const Record *records, int64_t count, int64_t limit,
                     int64_t window_ms)
{
    const size_t size = g->size;
    if (limit <= 0 || !stage_limit_applies(g, window_ms)) return false;
    for (int64_t i = limit; i < count; i++)
        if (record_at(records, size, i)->time - record_at(records, size, i - limit)->time <
            window_ms)
            return true;
    return false;
}

static Status clean_user(Cleaner *c, Record *records, int64_t *count)
{
    const Stage *g = c->stage;
    if (!mapping_has_clock(g->m)) {
        times_from_gaps(records, *count, g->size);
        return order_ties(c, records, *count);
    }
    TRY(order_by_time(c, records, *count));
    if (g->m->drop_duplicates) TRY(drop_duplicates(c, records, count));
    if (c->shows) TRY(find_answers(c, records, count));
    TRY(order_ties(c, records, *count));
    if (too_busy(g, records, *count, g->m->max_per_minute, STAGE_MINUTE_MS) ||
        too_busy(g, records, *count, g->m->max_per_day, STAGE_DAY_MS)) {
        c->bot_users++;
        c->bot_events += *count;
        *count = 0;
    }
    return OK;
}

static Status clean_batch(void *context, int worker, RecordBatch *batch)
{
    Cleaning *all = context;
    const size_t size = all->stage->size;
    Cleaner *c = &all->cleaner[worker];
    int64_t kept = 0;
    c->read = batch->count;
    c->duplicates = c->answers = c->bot_users = c->bot_events = 0;
    for (int64_t first = 0, end; first < batch->count; first = end) {
        Record *records = record_at(batch->records, size, first);
        end = sort_batch_user_end(batch, size, first);
        int64_t count = end - first;
        TRY(clean_user(c, records, &count));
        if (kept != first)
            memmove(record_at(batch->records, size, kept), records, (size_t)count * size);
        kept += count;
    }
    batch->count = kept;
    return OK;
}

static Status take_clean(void *context, int worker, const RecordBatch *batch)
{
    Cleaning *all = context;
    const Cleaner *c = &all->cleaner[worker];
    IngestReport *report = all->stage->report;
    report->duplicates += c->duplicates;
    report->answers += c->answers;
    report->bot_users += c->bot_users;
    report->bot_events += c->bot_events;
    core_add(&all->core, batch->records, batch->count, all->stage->size);
    TRY(progress_update(&all->progress, all->done += c->read, NULL));
    return sort_table_append(all->stage->table, batch->records, batch->count);
}

Status clean_log(Stage *g, Sorter *sorter)
{
    Cleaning all = {.stage = g};
    Status st;
    for (int w = 0; w < PASS_WORKERS; w++) {
        all.cleaner[w].stage = g;
        for (int a = 0; a < g->m->actions; a++) all.cleaner[w].shows |= g->m->action_impression[a];
    }
    progress_begin(&all.progress, "cleaning", sort_count(sorter), g->options->listener);
    TRY_OR_FAIL(st, sort_table_open(&g->table, g->size, g->memory / 4, g->directory));
    TRY_OR_FAIL(st, core_open(&all.core, g));
    TRY_OR_FAIL(st, pass_run(g, &(Pass){sorter, &all, clean_batch, take_clean}));
    progress_end(&all.progress, NULL);
    sort_close(sorter); /* frees memory for the core */
    sorter = NULL;
    st = core_find(g, &all.core);
fail:
    for (int w = 0; w < PASS_WORKERS; w++) {
        free(all.cleaner[w].place);
        free(all.cleaner[w].copy);
    }
    core_close(&all.core);
    sort_close(sorter);
    return st;
}
