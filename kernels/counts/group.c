/* SPDX-License-Identifier: Apache-2.0 */
#include "counts/group.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/scratch.h"

/* What own has of an entry. */
struct GroupOwn {
    int64_t after, before; /* in units of 1/COUNT_UNITS */
    int32_t next;
};

struct GroupBucket {
    int32_t item, known; /* known: -1: free */
};

static int64_t least(int64_t a, int64_t b) { return a < b ? a : b; }
static int64_t most(int64_t a, int64_t b) { return a > b ? a : b; }

/* ---- Scratch --------------------------------------------------------------------------------- */

enum { SOURCES = GROUP_TOKENS + COUNT_HISTORY };

int64_t group_items(int64_t neighbours) { return SOURCES * neighbours + GROUP_EVENTS; }

static int64_t buckets_for(int64_t items)
{
    int64_t buckets = 64;
    while (buckets < 2 * items) buckets *= 2;
    return buckets;
}

static Tensor of_threads(Device *dev, int64_t count, size_t size)
{
    return SCRATCH(dev, U8, dev->threads, count * (int64_t)size);
}

GroupSpace group_space(Device *dev, int64_t neighbours, int64_t own)
{
    const int64_t items = group_items(neighbours), entries = SOURCES * neighbours;
    GroupSpace space = {.known = of_threads(dev, items, sizeof(GroupItem)),
                        .source = of_threads(dev, SOURCES, sizeof(GroupSource)),
                        .entry = of_threads(dev, entries, sizeof(GroupEntry)),
                        .place = of_threads(dev, items, sizeof(int32_t)),
                        .bucket = of_threads(dev, buckets_for(items), sizeof(GroupBucket)),
                        .own = of_threads(dev, entries, sizeof(GroupOwn)),
                        .own_known = SCRATCH(dev, I32, 2, own)};
    if (own > 0) pair_all_units(&space.units);
    return space;
}

Group group_of(const GroupSpace *space, int64_t thread, int64_t first)
{
    return (Group){.known = tensor_rows(space->known, thread, 1).data,
                   .source = tensor_rows(space->source, thread, 1).data,
                   .entry = tensor_rows(space->entry, thread, 1).data,
                   .place = tensor_rows(space->place, thread, 1).data,
                   .bucket = tensor_rows(space->bucket, thread, 1).data,
                   .own = tensor_rows(space->own, thread, 1).data,
                   .own_known = i32(space->own_known) + first,
                   .own_before = i32(space->own_known) + space->own_known.dim[1] + first,
                   .units = &space->units};
}

/* ---- Items ----------------------------------------------------------------------------------- */

static uint32_t hash_of(int32_t item) { return (uint32_t)item * 0x9E3779B1u >> 12; }

int32_t group_find(const Group *g, int32_t item)
{
    uint32_t at = hash_of(item) & g->mask;
    while (g->bucket[at].known >= 0 && g->bucket[at].item != item) at = (at + 1) & g->mask;
    return g->bucket[at].known;
}

static int32_t meet(Group *g, const CountTable *table, int32_t item)
{
    uint32_t at = hash_of(item) & g->mask;
    while (g->bucket[at].known >= 0) {
        if (g->bucket[at].item == item) return g->bucket[at].known;
        at = (at + 1) & g->mask;
    }
    REQUIRE(item < table->item.dim[0], "item %d, want one below %" PRId64, item,
            table->item.dim[0]);
    g->bucket[at] = (GroupBucket){item, g->knowns};
    g->place[g->knowns] = 0;
    g->known[g->knowns] =
        (GroupItem){.item = item, .source = -1, .popularity = f32(table->popularity)[item]};
    return g->knowns++;
}

static void add_source(Group *g, const CountTable *table, int32_t known)
{
    const int32_t item = g->known[known].item, first = g->entries;
    const int64_t neighbours = table->item.dim[1], row = item * neighbours;
    for (int64_t k = row; k < row + neighbours && i32(table->item)[k] >= 0; k++)
        g->entry[g->entries++] =
            (GroupEntry){meet(g, table, i32(table->item)[k]), f32(table->next)[k],
                         f32(table->after)[k], f32(table->before)[k]};
    g->known[known].source = g->sources;
    g->source[g->sources++] = (GroupSource){.known = known,
                                            .first = first,
                                            .entries = g->entries - first,
                                            .weight = f32(table->weight)[item],
                                            .last_own = -1};
}

static void meet_items(Group *g, const CountTable *table, const int32_t *item, int64_t window,
                       int64_t begin, int64_t end)
{
    const int64_t first = most(window, begin - COUNT_HISTORY + 1);
    g->base = most(window, begin - COUNT_REPEATS + 1);
    g->knowns = g->sources = g->entries = 0;
    const int64_t buckets = buckets_for((end - first) * table->item.dim[1] + end - g->base);
    g->mask = (uint32_t)(buckets - 1);
    memset(g->bucket, -1, (size_t)buckets * sizeof *g->bucket);
    for (int64_t t = g->base; t < end; t++) {
        const int32_t known = item[t] < 0 ? -1 : meet(g, table, item[t]);
        g->event[t - g->base] = known;
        if (known >= 0 && t >= first && g->known[known].source < 0) add_source(g, table, known);
    }
}

/* ---- Without the user's own events ----------------------------------------------------------- */

void group_mark(Group *g, const GroupSource *source, bool on)
{
    const int32_t end = source->first + source->entries;
    for (int32_t e = source->first; e < end; e++) g->place[g->entry[e].known] = on ? e + 1 : 0;
}

static void find_own(Group *g, const PairEvent *own, int64_t count)
{
    for (int64_t i = 0; i < count; i++) {
        g->own_known[i] = group_find(g, own[i].item);
        if (g->own_known[i] < 0) continue;
        GroupItem *known = &g->known[g->own_known[i]];
        known->own++;
        if (known->source < 0) continue;
        g->own_before[i] = g->source[known->source].last_own;
        g->source[known->source].last_own = (int32_t)i;
    }
}

/* The pairs of own whose first or second item is the source's. */
static void count_own(Group *g, GroupSource *source, const PairEvent *own, int64_t count)
{
    group_mark(g, source, true);
    for (int64_t i = source->last_own; i >= 0; i = g->own_before[i]) {
        const int64_t end = least(count, i + COUNT_GAP + 1);
        for (int64_t j = most(0, i - COUNT_GAP); j < end; j++) {
            if (j == i) continue;
            const int64_t first = least(i, j), second = most(i, j);
            const int64_t units =
                g->units->of[second - first][pair_step(own[first].second, own[second].second)];
            source->own += j > i ? 2 * units : units;
            const int32_t place = g->own_known[j] < 0 ? 0 : g->place[g->own_known[j]];
            if (place == 0) continue;
            GroupOwn *of_entry = &g->own[place - 1];
            if (j > i)
                of_entry->after += units;
            else
                of_entry->before += units;
            of_entry->next += j == i + 1;
        }
    }
    group_mark(g, source, false);
}

/* What is left of `all`, and 0 where that is less than any pair weighs. */
static float left_of(float all, int64_t own, double unit, double pair)
{
    const double left = (double)all - (double)own / unit;
    return left < pair ? 0.0f : (float)left;
}

/* Subtract what own has, and drop what is absent then. */
static void subtract_own(Group *g, GroupSource *source, bool own)
{
    const double unit = COUNT_UNITS;
    const int32_t end = source->first + source->entries;
    int32_t kept = source->first;
    source->weight = left_of(source->weight, source->own, 2.0 * unit, PAIR_NONE_OF_ITEM);
    for (int32_t e = source->first; e < end; e++) {
        const GroupOwn mine = own ? g->own[e] : (GroupOwn){0};
        GroupEntry x = g->entry[e];
        x.next -= (float)mine.next;
        x.after = left_of(x.after, mine.after, unit, PAIR_NONE);
        x.before = left_of(x.before, mine.before, unit, PAIR_NONE);
        if (x.after > 0.0f || x.before > 0.0f) g->entry[kept++] = x;
    }
    source->entries = kept - source->first;
}

void group_read(Group *g, const CountTable *table, const int32_t *item, int64_t window,
                int64_t begin, int64_t end, const PairEvent *own, int64_t count)
{
    meet_items(g, table, item, window, begin, end);
    find_own(g, own, count);
    if (count > 0) memset(g->own, 0, (size_t)g->entries * sizeof *g->own);
    for (int32_t i = 0; i < g->sources; i++)
        if (g->source[i].last_own >= 0) count_own(g, &g->source[i], own, count);
    for (int32_t i = 0; i < g->sources; i++) subtract_own(g, &g->source[i], count > 0);
    for (int32_t i = 0; i < g->knowns; i++) {
        GroupItem *known = &g->known[i];
        REQUIRE((float)known->own <= known->popularity,
                "item %d: own has %d events, the table %g of all users", known->item, known->own,
                (double)known->popularity);
        known->popularity -= (float)known->own;
        known->scale = 1.0f / sqrtf(1.0f + known->popularity);
    }
}
