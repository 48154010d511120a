/* SPDX-License-Identifier: Apache-2.0 */
#include "data/counts/events.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/parallel.h"
#include "data/behaviour/columns.h"

/* The users are read in parts of about so many events. */
enum { PART_EVENTS = 1 << 20 };

/* Users first .. end-1, whose places in the result begin at `place`. */
typedef struct {
    int64_t first, end, place;
} Part;

typedef struct {
    const Behaviour *file;
    int counted;
    int64_t parts;
    Part *part;
    int32_t *item;
} Reading;

static int64_t events_of(const Behaviour *b, int counted, int64_t user)
{
    int64_t events = 0;
    for (int s = 0; s < counted; s++) events += b->split[s][user][1] - b->split[s][user][0];
    return events;
}

/* Cuts the users into parts and finds where each part's items go: part[i], unless `part` is NULL.
 * Returns the number of parts. */
static int64_t cut(const Behaviour *b, int counted, Part *part, CountedEvents *total)
{
    int64_t parts = 0, first = 0;
    *total = (CountedEvents){.places = 1};
    for (int64_t u = 0, place = 1; u < b->users; u++) {
        const int64_t events = events_of(b, counted, u);
        total->count += events;
        total->places += events ? events + 1 : 0;
        if (u + 1 < b->users && b->offset[u + 1] - b->offset[first] < PART_EVENTS) continue;
        if (part) part[parts] = (Part){first, u + 1, place};
        parts++;
        first = u + 1;
        place = total->places;
    }
    return parts;
}

static Status read_part(void *context, int64_t index)
{
    const Reading *r = context;
    const Behaviour *b = r->file;
    const Part *part = &r->part[index];
    const int64_t origin = b->offset[part->first], events = b->offset[part->end] - origin;
    int32_t *item = malloc((size_t)events * sizeof *item + 1), *to = r->item + part->place;
    if (!item) return FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " events", b->path, events);
    const Status st = columns_read(b, COLUMN_ITEM, origin, events, item);
    for (int64_t u = part->first; st == OK && u < part->end; u++) {
        if (!events_of(b, r->counted, u)) continue;
        for (int s = 0; s < r->counted; s++) {
            const int64_t first = b->split[s][u][0], count = b->split[s][u][1] - first;
            memcpy(to, item + (first - origin), (size_t)count * sizeof *to);
            to += count;
        }
        *to++ = -1;
    }
    free(item);
    return st;
}

size_t events_bytes(const Behaviour *b, int counted)
{
    CountedEvents total;
    cut(b, counted, NULL, &total);
    return (size_t)total.places * sizeof *total.item;
}

Status events_read(CountedEvents *e, const Behaviour *b, int counted, int threads)
{
    Reading r = {.file = b, .counted = counted};
    r.parts = cut(b, counted, NULL, e);
    r.part = malloc((size_t)r.parts * sizeof *r.part + 1);
    r.item = e->item = malloc((size_t)e->places * sizeof *e->item);
    if (!r.part || !r.item) {
        free(r.part);
        events_close(e);
        return FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " events", b->path, b->events);
    }
    cut(b, counted, r.part, &(CountedEvents){0});
    e->item[0] = -1;
    const Status st = parallel_run(threads, r.parts, read_part, &r);
    free(r.part);
    if (st != OK) events_close(e);
    return st;
}

void events_close(CountedEvents *e)
{
    free(e->item);
    *e = (CountedEvents){0};
}
