/* SPDX-License-Identifier: Apache-2.0 */
/* What neighbouring tokens read of the count tables, without the user's own events: a part of
 * candidates.c, on the CPU.
 *
 * The histories of tokens that stand within GROUP_TOKENS tokens of a window share most events. A
 * group brings in the rows of the table for all these events once: items get small numbers (a hash
 * by item), the pairs of `own` are subtracted, absent entries are dropped (candidates.h has the
 * formulas). All memory is scratch, whose size follows from shapes; a group uses that of its
 * thread.
 */
#ifndef SOUK_COUNTS_GROUP_H
#define SOUK_COUNTS_GROUP_H

#include "base/device.h"
#include "counts/pair.h"

enum { GROUP_TOKENS = 32, GROUP_EVENTS = GROUP_TOKENS + COUNT_REPEATS };

/* An item that the group has met; its number is its place in the array. */
typedef struct {
    int32_t item, source;    /* source: its number among the group's sources, -1: none */
    int32_t own;             /* events of own with the item */
    float popularity, scale; /* without own; scale = (1 + popularity)^(-1/2) */
} GroupItem;

/* An entry of the table: the neighbour's number, and what is left without own. */
typedef struct {
    int32_t known;
    float next, after, before;
} GroupEntry;

/* An item whose row of the table is in the group: entries first .. first + entries - 1, none of
 * them absent. */
typedef struct {
    int32_t known, first, entries;
    float weight;     /* without own */
    int64_t own;      /* F + B/2 of own's pairs, in units of 1/(2 COUNT_UNITS) */
    int32_t last_own; /* the last event of own with this item, -1: none */
} GroupSource;

typedef struct GroupOwn GroupOwn;
typedef struct GroupBucket GroupBucket;

typedef struct {
    GroupItem *known;            /* [knowns] */
    GroupSource *source;         /* [sources] */
    GroupEntry *entry;           /* [entries] */
    int32_t *place;              /* [knowns] group_mark; else 0 */
    int32_t event[GROUP_EVENTS]; /* the number of each token's item, -1: none; from token `base` */
    int64_t base;
    int32_t knowns, sources, entries;
    uint32_t mask;
    GroupBucket *bucket; /* [mask + 1] the hash */
    GroupOwn *own;       /* [entries] what own has of each entry */
    /* [own of the window] the numbers of own's items, -1: not met; where a source's item was
     * before, -1: nowhere */
    int32_t *own_known, *own_before;
    const PairUnits *units;
} Group;

/* The scratch of groups on all threads of the device. */
typedef struct {
    Tensor known, source, entry, place, bucket, own, own_known;
    PairUnits units; /* where there are own events */
} GroupSpace;

/* The most items that a group meets where rows of the table have `neighbours` places. */
int64_t group_items(int64_t neighbours);
GroupSpace group_space(Device *dev, int64_t neighbours, int64_t own);
/* The group of a thread for a window whose own events begin at own[first]. */
Group group_of(const GroupSpace *space, int64_t thread, int64_t first);

/* Meet the items of tokens begin .. end-1, at most GROUP_TOKENS, and of their histories, in the
 * window that begins at token `window`; leave out the `count` events of own. */
void group_read(Group *g, const CountTable *table, const int32_t *item, int64_t window,
                int64_t begin, int64_t end, const PairEvent *own, int64_t count);

/* The number of an item, -1: not met. */
int32_t group_find(const Group *g, int32_t item);
/* place[known] = 1 + the entry of each neighbour in the source's row; `on` false: 0 again. */
void group_mark(Group *g, const GroupSource *source, bool on);

static inline int32_t group_known(const Group *g, int64_t token)
{
    return g->event[token - g->base];
}
/* NULL: the token has no item. It must be among the last COUNT_HISTORY events of a token of the
 * group. */
static inline const GroupSource *group_source(const Group *g, int64_t token)
{
    const int32_t known = group_known(g, token);
    return known < 0 ? NULL : &g->source[g->known[known].source];
}

#endif
