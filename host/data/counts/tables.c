/* SPDX-License-Identifier: Apache-2.0 */
#include "data/counts/tables.h"

#include <inttypes.h>
#include <omp.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/progress.h"
#include "data/counts/row.h"

typedef struct {
    const CountTable *table;
    const TablesOptions *options;
    int64_t items;
    PairUnits units;
    CountedEvents events;
    /* [items+1] The occurrences of all items are numbered, those of an item together, the items
     * ascending. Those of x end before number place[x] and, once a pass has collected them, begin
     * with it. place[items] is the number of all. */
    int64_t *place;
    int64_t capacity; /* occurrences that a pass can collect */
    int64_t *at;      /* [capacity] where they are in events.event */
    int threads;
    CountRow *row; /* [threads] */
    Progress progress;
    atomic_llong done; /* events */
    atomic_int status; /* of the listener */
} Counting;

/* The number of the first occurrence of an item that no pass has collected. */
static int64_t begin_of(const Counting *c, int64_t x) { return x ? c->place[x - 1] : 0; }

/* ---- Opening --------------------------------------------------------------------------------- */

/* Counts the occurrences of all items. Returns the most that an item has. */
static int64_t count_occurrences(Counting *c)
{
    int64_t most = 0;
    for (int64_t i = 0; i < c->events.places; i++)
        if (c->events.event[i].item >= 0) c->place[c->events.event[i].item]++;
    for (int64_t x = 0; x < c->items; x++) {
        if (c->place[x] > most) most = c->place[x];
        f32(c->table->popularity)[x] = (float)c->place[x];
        c->place[x] += begin_of(c, x);
    }
    c->place[c->items] = c->events.count;
    return most;
}

/* Divides the memory: first come one thread and the occurrences of the commonest item, then the
 * other threads, then more occurrences. */
static Status divide(Counting *c, const Behaviour *b, int64_t most)
{
    const int64_t row = (int64_t)row_bytes(c->items, c->table->item.dim[1]);
    const int64_t least = (int64_t)sizeof *c->events.event * c->events.places +
                          (int64_t)sizeof *c->place * (c->items + 1) +
                          (int64_t)sizeof *c->at * most + (int64_t)sizeof c->units + row;
    int64_t memory = c->options->memory;
    if (!memory) {
        const int64_t few =
            least + (int64_t)sizeof *c->at * c->events.count / TABLES_PASSES_DEFAULT;
        memory = few > TABLES_MEMORY_DEFAULT ? few : TABLES_MEMORY_DEFAULT;
    }
    if (memory < least)
        return FAIL(ERR_MEMORY,
                    "%s: counting pairs of %" PRId64 " events of %" PRId64
                    " items wants at least %.3f MB, it may have %.3f MB",
                    b->path, c->events.count, c->items, (double)least / 1e6, (double)memory / 1e6);
    const int64_t threads = 1 + (memory - least) / row;
    c->threads = threads < c->options->threads ? (int)threads : c->options->threads;
    c->capacity = most + (memory - least - (c->threads - 1) * row) / (int64_t)sizeof *c->at;
    if (c->capacity > c->events.count) c->capacity = c->events.count;
    return OK;
}

static Status counting_open(Counting *c, const Behaviour *b)
{
    TRY(events_read(&c->events, b, c->options->counted, c->options->threads));
    c->place = calloc((size_t)c->items + 1, sizeof *c->place);
    if (!c->place) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", c->items);
    TRY(divide(c, b, count_occurrences(c)));
    c->at = malloc((size_t)c->capacity * sizeof *c->at + 1);
    c->row = calloc((size_t)c->threads, sizeof *c->row);
    if (!c->at || !c->row)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " occurrences of items", c->capacity);
    for (int i = 0; i < c->threads; i++) TRY(row_open(&c->row[i], c->items, c->table->item.dim[1]));
    return OK;
}

static void counting_close(Counting *c)
{
    for (int i = 0; c->row && i < c->threads; i++) row_close(&c->row[i]);
    free(c->row);
    free(c->at);
    free(c->place);
    events_close(&c->events);
}

/* ---- A pass ---------------------------------------------------------------------------------- */

/* The first item of the pass whose last is to-1. */
static int64_t first_of_pass(const Counting *c, int64_t to)
{
    int64_t from = to - 1;
    while (from > 0 && c->place[to - 1] - begin_of(c, from - 1) <= c->capacity) from--;
    return from;
}

/* Collects the occurrences of items from .. to-1, which have the numbers from `first` on. Every
 * thread reads all events and takes those of its part of the items. */
static void collect(Counting *c, int64_t from, int64_t to, int64_t first)
{
#pragma omp parallel num_threads(c->threads)
    {
        const int64_t part = omp_get_thread_num(), parts = omp_get_num_threads();
        const int64_t low = from + (to - from) * part / parts;
        const int64_t high = from + (to - from) * (part + 1) / parts;
        for (int64_t i = 0; i < c->events.places; i++) {
            const int64_t x = c->events.event[i].item;
            if (x >= low && x < high) c->at[--c->place[x] - first] = i;
        }
    }
}

/* The row of an item whose occurrences are collected. */
static void build(Counting *c, int64_t x, int64_t first)
{
    CountRow *row = &c->row[omp_get_thread_num()];
    for (int64_t i = c->place[x]; i < c->place[x + 1]; i++)
        row_add(row, &c->units, c->events.event + c->at[i - first]);
    row_write(row, c->table, x);
    c->done += c->place[x + 1] - c->place[x];
    if (omp_get_thread_num() == 0 && c->status == OK)
        c->status = progress_update(&c->progress, c->done, NULL);
}

static Status pass(Counting *c, int64_t from, int64_t to)
{
    const int64_t first = begin_of(c, from);
    collect(c, from, to, first);
#pragma omp parallel for num_threads(c->threads) schedule(dynamic, 16)
    for (int64_t x = from; x < to; x++)
        if (c->status == OK) build(c, x, first);
    if (c->status == OK) c->status = progress_update(&c->progress, c->done, NULL);
    return (Status)c->status;
}

Status tables_count(const CountTable *table, const Behaviour *b, const TablesOptions *o)
{
    const int64_t width = table->item.dim[1];
    EXPECT(table->item, I32, b->items, width);
    EXPECT(table->next, F32, b->items, width);
    EXPECT(table->after, F32, b->items, width);
    EXPECT(table->before, F32, b->items, width);
    EXPECT(table->popularity, F32, b->items);
    EXPECT(table->weight, F32, b->items);
    REQUIRE(o->counted >= COUNTED_TRAIN && o->counted <= COUNTED_ALL && o->threads >= 1,
            "counted %d, %d threads, want 1 to 3 and at least 1", o->counted, o->threads);
    Counting c = {.table = table, .options = o, .items = b->items};
    Status st = counting_open(&c, b);
    pair_all_units(&c.units);
    progress_begin(&c.progress, "counting", c.events.count, o->listener);
    /* From the last item to the first: place[x + 1] is then the end of x in every pass. */
    for (int64_t to = c.items, from; st == OK && to > 0; to = from) {
        from = first_of_pass(&c, to);
        st = pass(&c, from, to);
    }
    progress_end(&c.progress, NULL);
    counting_close(&c);
    return st;
}
