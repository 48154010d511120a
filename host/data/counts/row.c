/* SPDX-License-Identifier: Apache-2.0 */
#include "data/counts/row.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>

size_t row_bytes(int64_t items, int64_t width)
{
    return (size_t)items * (sizeof(PairSums) + sizeof(int32_t)) +
           (size_t)width * (sizeof(int64_t) + sizeof(int32_t));
}

Status row_open(CountRow *r, int64_t items, int64_t width)
{
    *r = (CountRow){.width = (int32_t)width};
    r->sum = calloc((size_t)items, sizeof *r->sum);
    r->met = malloc((size_t)items * sizeof *r->met);
    r->weight = malloc((size_t)width * sizeof *r->weight);
    r->kept = malloc((size_t)width * sizeof *r->kept);
    if (r->sum && r->met && r->weight && r->kept) return OK;
    row_close(r);
    return FAIL(ERR_MEMORY, "no memory to count the neighbours of an item among %" PRId64, items);
}

void row_close(CountRow *r)
{
    free(r->sum);
    free(r->met);
    free(r->weight);
    free(r->kept);
    *r = (CountRow){0};
}

/* ---- Counting -------------------------------------------------------------------------------- */

/* The sums of neighbour y, which is met now. */
static inline PairSums *meet(CountRow *r, int32_t y)
{
    PairSums *s = &r->sum[y];
    if (s->after == 0 && s->before == 0) r->met[r->count++] = y;
    return s;
}

void row_add(CountRow *r, const PairUnits *units, const PairEvent *at)
{
    for (int g = 1; g <= COUNT_GAP && at[g].item >= 0; g++) {
        PairSums *s = meet(r, at[g].item);
        s->after += units->of[g][pair_step(at->second, at[g].second)];
        s->next += g == 1;
    }
    for (int g = 1; g <= COUNT_GAP && at[-g].item >= 0; g++)
        meet(r, at[-g].item)->before += units->of[g][pair_step(at[-g].second, at->second)];
}

/* ---- Choosing -------------------------------------------------------------------------------- */

/* A heap of the neighbours that are kept so far, whose root is the first to go: of the kept ones it
 * has the least weight and, of those, the highest item. */
static bool goes_before(const CountRow *r, int32_t a, int32_t b)
{
    return r->weight[a] != r->weight[b] ? r->weight[a] < r->weight[b] : r->kept[a] > r->kept[b];
}

static void swap(CountRow *r, int32_t a, int32_t b)
{
    const int64_t weight = r->weight[a];
    const int32_t item = r->kept[a];
    r->weight[a] = r->weight[b];
    r->kept[a] = r->kept[b];
    r->weight[b] = weight;
    r->kept[b] = item;
}

static void sink(CountRow *r, int32_t count)
{
    for (int32_t at = 0, child; (child = 2 * at + 1) < count; at = child) {
        if (child + 1 < count && goes_before(r, child + 1, child)) child++;
        if (!goes_before(r, child, at)) return;
        swap(r, at, child);
    }
}

static void rise(CountRow *r, int32_t at)
{
    for (; at && goes_before(r, at, (at - 1) / 2); at = (at - 1) / 2) swap(r, at, (at - 1) / 2);
}

/* Fills `kept`, in no order; returns how many. *total: the weight of all neighbours. */
static int32_t choose(CountRow *r, int64_t *total)
{
    int32_t count = 0;
    *total = 0;
    for (int64_t i = 0; i < r->count; i++) {
        const int32_t y = r->met[i];
        const int64_t weight = 2 * r->sum[y].after + r->sum[y].before;
        *total += weight;
        if (count < r->width) {
            r->weight[count] = weight;
            r->kept[count] = y;
            rise(r, count++);
        } else if (weight > r->weight[0] || (weight == r->weight[0] && y < r->kept[0])) {
            r->weight[0] = weight;
            r->kept[0] = y;
            sink(r, count);
        }
    }
    return count;
}

static int by_item(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

/* ---- Writing --------------------------------------------------------------------------------- */

/* sum / units as a float, rounded once. The quotient in double is rounded too, but never onto the
 * middle between two floats, where it was not before: the distance of sum / units from a middle
 * m / 2^k, m < 2^25, is a multiple of 1 / (units 2^k), which is more than half a unit of the
 * double's last place. Sums have less than 2^53 units up to 38 million pairs of neighbours. */
static float rounded(int64_t sum, double units) { return (float)((double)sum / units); }

void row_write(CountRow *r, const CountTable *t, int64_t x)
{
    const int64_t first = x * r->width;
    int64_t total;
    const int32_t count = choose(r, &total);
    qsort(r->kept, (size_t)count, sizeof *r->kept, by_item);
    for (int32_t i = 0; i < r->width; i++) {
        const int32_t y = i < count ? r->kept[i] : -1;
        const PairSums s = y >= 0 ? r->sum[y] : (PairSums){0};
        i32(t->item)[first + i] = y;
        f32(t->next)[first + i] = (float)s.next;
        f32(t->after)[first + i] = rounded(s.after, COUNT_UNITS);
        f32(t->before)[first + i] = rounded(s.before, COUNT_UNITS);
    }
    f32(t->weight)[x] = rounded(total, 2.0 * COUNT_UNITS);
    for (int64_t i = 0; i < r->count; i++) r->sum[r->met[i]] = (PairSums){0};
    r->count = 0;
}
