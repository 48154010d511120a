/* SPDX-License-Identifier: Apache-2.0 */
#include "data/counts/events.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "data/behaviour/columns.h"

/* The users are read in parts of about so many events. */
enum { PART_EVENTS = 1 << 20 };

/* Users first .. end-1, whose places in the result begin at `place`. A thread that has read them
 * says how many places it has used, and how many events are in them. */
typedef struct {
    int64_t first, end, place;
    int64_t used, count;
} Part;

typedef struct {
    const Behaviour *file;
    int counted;
    int64_t parts;
    Part *part; /* [parts] */
    PairEvent *event;
} Reading;

static int64_t events_of(const Behaviour *b, int counted, int64_t user)
{
    int64_t events = 0;
    for (int s = 0; s < counted; s++) events += b->split[s][user][1] - b->split[s][user][0];
    return events;
}

/* Cuts the users into parts and finds where each part's events go, if all are taken: part[i],
 * unless `part` is NULL. Returns the number of parts. */
static int64_t cut(const Behaviour *b, int counted, Part *part, CountedEvents *total)
{
    int64_t parts = 0, first = 0;
    *total = (CountedEvents){.places = 1};
    for (int64_t u = 0, place = 1; u < b->users; u++) {
        const int64_t events = events_of(b, counted, u);
        total->count += events;
        total->places += events ? events + 1 : 0;
        if (u + 1 < b->users && b->offset[u + 1] - b->offset[first] < PART_EVENTS) continue;
        if (part) part[parts] = (Part){.first = first, .end = u + 1, .place = place};
        parts++;
        first = u + 1;
        place = total->places;
    }
    return parts;
}

/* The columns of a part; row i of the file is number i - origin. */
typedef struct {
    int64_t origin;
    int32_t *item;
    int64_t *time;
    uint8_t *action; /* read where the file has impressions */
} Rows;

/* Copies the events of rows first .. end-1 that were taken; returns how many. */
static int64_t copy_taken(const Behaviour *b, PairEvent *to, const Rows *rows, int64_t first,
                          int64_t end)
{
    int64_t taken = 0;
    for (int64_t i = first - rows->origin; i < end - rows->origin; i++)
        if (!b->has_impressions || schema_is_taken(b, rows->action[i]))
            to[taken++] = (PairEvent){rows->item[i], pair_second(rows->time[i])};
    return taken;
}

static void copy_part(const Reading *r, Part *part, const Rows *rows)
{
    const Behaviour *b = r->file;
    PairEvent *const begin = r->event + part->place, *to = begin;
    for (int64_t u = part->first; u < part->end; u++) {
        int64_t count = 0;
        for (int s = 0; s < r->counted; s++)
            count += copy_taken(b, to + count, rows, b->split[s][u][0], b->split[s][u][1]);
        if (count == 0) continue;
        part->count += count;
        to += count;
        *to++ = (PairEvent){.item = -1};
    }
    part->used = to - begin;
}

static Status read_part(void *context, int64_t index)
{
    const Reading *r = context;
    const Behaviour *b = r->file;
    Part *part = &r->part[index];
    const int64_t origin = b->offset[part->first], events = b->offset[part->end] - origin;
    const Rows rows = {.origin = origin,
                       .item = malloc((size_t)events * sizeof *rows.item + 1),
                       .time = malloc((size_t)events * sizeof *rows.time + 1),
                       .action = malloc((size_t)events + 1)};
    Status st;
    if (!rows.item || !rows.time || !rows.action)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " events", b->path, events));
    TRY_OR_FAIL(st, columns_read(b, COLUMN_ITEM, origin, events, rows.item));
    TRY_OR_FAIL(st, columns_read(b, COLUMN_TIME, origin, events, rows.time));
    if (b->has_impressions)
        TRY_OR_FAIL(st, columns_read(b, COLUMN_ACTION, origin, events, rows.action));
    copy_part(r, part, &rows);
fail:
    free(rows.item);
    free(rows.time);
    free(rows.action);
    return st;
}

/* Moves the parts together. */
static void join_parts(const Reading *r, CountedEvents *e)
{
    *e = (CountedEvents){.places = 1, .event = r->event};
    for (int64_t i = 0; i < r->parts; i++) {
        const Part *part = &r->part[i];
        if (e->places != part->place)
            memmove(r->event + e->places, r->event + part->place,
                    (size_t)part->used * sizeof *r->event);
        e->places += part->used;
        e->count += part->count;
    }
}

size_t events_bytes(const Behaviour *b, int counted)
{
    CountedEvents total;
    cut(b, counted, NULL, &total);
    return (size_t)total.places * sizeof *total.event;
}

Status events_read(CountedEvents *e, const Behaviour *b, int counted, int threads)
{
    Reading r = {.file = b, .counted = counted};
    r.parts = cut(b, counted, NULL, e);
    r.part = malloc((size_t)r.parts * sizeof *r.part + 1);
    r.event = e->event = malloc((size_t)e->places * sizeof *e->event);
    if (!r.part || !r.event) {
        free(r.part);
        events_close(e);
        return FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " events", b->path, b->events);
    }
    cut(b, counted, r.part, &(CountedEvents){0});
    e->event[0] = (PairEvent){.item = -1};
    const Status st = parallel_run(threads, r.parts, read_part, &r);
    if (st == OK) join_parts(&r, e);
    free(r.part);
    if (st != OK) events_close(e);
    return st;
}

void events_close(CountedEvents *e)
{
    free(e->event);
    *e = (CountedEvents){0};
}
