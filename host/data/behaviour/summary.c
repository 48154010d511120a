/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/summary.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "data/behaviour/columns.h"

enum { EVENTS = 1 << 16 }; /* read at a time */

const double summary_quantile[QUANTILES] = {0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 1.0};

/* Some events, column by column. */
typedef struct {
    int32_t item[EVENTS];
    uint8_t action[EVENTS], end[EVENTS];
    int64_t time[EVENTS];
    float reward[EVENTS];
} EventBlock;

static Status read_block(const Behaviour *b, int64_t first, int64_t count, EventBlock *e)
{
    TRY(columns_read(b, COLUMN_ITEM, first, count, e->item));
    TRY(columns_read(b, COLUMN_ACTION, first, count, e->action));
    TRY(columns_read(b, COLUMN_END, first, count, e->end));
    TRY(columns_read(b, COLUMN_TIME, first, count, e->time));
    return columns_read(b, COLUMN_REWARD, first, count, e->reward);
}

/* The last event that was counted: its user and its item; item -1 before the user's first event. */
typedef struct {
    int64_t user;
    int32_t item;
} Last;

static void count_block(Summary *s, const Behaviour *b, int64_t first, int64_t count,
                        const EventBlock *e, Last *last, int64_t *events_of)
{
    for (int64_t i = 0; i < count; i++) {
        for (; b->offset[last->user + 1] <= first + i; last->user++) last->item = -1;
        s->action_events[e->action[i]]++;
        s->action_reward[e->action[i]] += (double)e->reward[i];
        s->terminal += e->end[i] == END_TERMINAL;
        s->truncated += e->end[i] == END_TRUNCATED;
        s->repeats += e->item[i] == last->item;
        last->item = e->item[i];
        events_of[e->item[i]]++;
        if (e->time[i] < s->first_ms) s->first_ms = e->time[i];
        if (e->time[i] > s->last_ms) s->last_ms = e->time[i];
    }
}

/* events_of: [items] events of each item. */
static Status read_events(Summary *s, const Behaviour *b, int64_t *events_of)
{
    EventBlock *e = malloc(sizeof *e);
    if (!e) return FAIL(ERR_MEMORY, "%s: no memory to read it", b->path);
    Last last = {.item = -1};
    Status st = OK;
    s->first_ms = INT64_MAX;
    s->last_ms = INT64_MIN;
    for (int64_t first = 0; first < b->events; first += EVENTS) {
        const int64_t count = b->events - first < EVENTS ? b->events - first : EVENTS;
        TRY_OR_FAIL(st, read_block(b, first, count, e));
        count_block(s, b, first, count, e, &last, events_of);
    }
    for (int a = 0; a < b->actions; a++) {
        s->reward += s->action_reward[a];
        if (!schema_is_taken(b, (uint8_t)a)) s->impressions += s->action_events[a];
    }
fail:
    free(e);
    return st;
}

static int ascending(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

static Status measure_histories(Summary *s, const Behaviour *b)
{
    int64_t *length = malloc((size_t)b->users * sizeof *length + 1);
    if (!length) return FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " users", b->path, b->users);
    for (int64_t u = 0; u < b->users; u++) {
        length[u] = b->offset[u + 1] - b->offset[u];
        for (int k = 0; k < SPLITS; k++) {
            const int64_t events = b->split[k][u][1] - b->split[k][u][0];
            s->split_events[k] += events;
            s->split_users[k] += events > 0;
        }
        if (length[u] == 0) continue;
        const int bin = 63 - __builtin_clzll((unsigned long long)length[u]);
        if (bin < LENGTH_BINS) s->bin[bin]++;
        if (bin < LENGTH_BINS && bin >= s->bins) s->bins = bin + 1;
    }
    qsort(length, (size_t)b->users, sizeof *length, ascending);
    for (int q = 0; q < QUANTILES && b->users > 0; q++)
        s->length[q] = length[(int64_t)(summary_quantile[q] * (double)(b->users - 1) + 0.5)];
    free(length);
    return OK;
}

typedef struct {
    int64_t events;
    int32_t item;
} ItemCount;

static int most_first(const void *a, const void *b)
{
    const ItemCount *x = a, *y = b;
    if (x->events != y->events) return x->events > y->events ? -1 : 1;
    return (x->item > y->item) - (x->item < y->item);
}

static Status rank_items(Summary *s, const Behaviour *b, const int64_t *events_of, int tops)
{
    static const int share[3] = {1, 10, 50};
    s->tops = tops < b->items ? tops : (int)b->items;
    ItemCount *rank = malloc((size_t)b->items * sizeof *rank);
    s->top = malloc((size_t)s->tops * sizeof *s->top + 1);
    s->top_events = malloc((size_t)s->tops * sizeof *s->top_events + 1);
    if (!rank || !s->top || !s->top_events) {
        free(rank);
        return FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " items", b->path, b->items);
    }
    for (int32_t i = 0; i < b->items; i++) {
        rank[i] = (ItemCount){events_of[i], i};
        s->items_seen += events_of[i] > 0;
    }
    qsort(rank, (size_t)b->items, sizeof *rank, most_first);
    for (int i = 0; i < s->tops; i++) {
        s->top[i] = rank[i].item;
        s->top_events[i] = rank[i].events;
    }
    for (int k = 0; k < 3; k++) {
        int64_t events = 0;
        for (int64_t i = 0; i < (b->items * share[k] + 99) / 100; i++) events += rank[i].events;
        s->top_share[k] = (double)events / (double)b->events;
    }
    free(rank);
    return OK;
}

Status summary_read(Summary *s, const Behaviour *b, int tops)
{
    struct stat info;
    *s = (Summary){0};
    if (stat(b->path, &info) != 0) return FAIL(ERR_IO, "%s: %s", b->path, strerror(errno));
    s->file_bytes = info.st_size;
    int64_t *events_of = calloc((size_t)b->items, sizeof *events_of);
    if (!events_of)
        return FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " items", b->path, b->items);
    Status st;
    TRY_OR_FAIL(st, read_events(s, b, events_of));
    TRY_OR_FAIL(st, measure_histories(s, b));
    TRY_OR_FAIL(st, rank_items(s, b, events_of, tops));
fail:
    free(events_of);
    if (st != OK) summary_close(s);
    return st;
}

void summary_close(Summary *s)
{
    free(s->top);
    free(s->top_events);
    *s = (Summary){0};
}
