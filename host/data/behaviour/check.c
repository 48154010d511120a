/* SPDX-License-Identifier: Apache-2.0 */
#include "data/behaviour/check.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/parallel.h"
#include "data/behaviour/columns.h"

enum { BLOCK = 1 << 16 };

Status behaviour_check_categories(const char *path, const char *name, const int32_t *row,
                                  int64_t count, int32_t rows)
{
    for (int64_t i = 0; i < count; i++)
        if (row[i] < 0 || row[i] >= rows)
            return FAIL(ERR_FORMAT, "%s: %s[%" PRId64 "] is %d, want 0 to %d", path, name, i,
                        row[i], rows - 1);
    return OK;
}

Status behaviour_check_finite(const char *path, const char *name, const float *value, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(value[i]))
            return FAIL(ERR_FORMAT, "%s: %s[%" PRId64 "] is %g, want a finite number", path, name,
                        i, (double)value[i]);
    return OK;
}

/* ---- Offsets and splits ---------------------------------------------------------------------- */

static Status check_offsets(const Behaviour *b)
{
    if (b->offset[0] != 0)
        return FAIL(ERR_FORMAT, "%s: /users/offset[0] is %" PRId64 ", want 0", b->path,
                    b->offset[0]);
    for (int64_t u = 0; u < b->users; u++)
        if (b->offset[u + 1] < b->offset[u])
            return FAIL(ERR_FORMAT,
                        "%s: /users/offset[%" PRId64 "] is %" PRId64 ", want at least %" PRId64
                        ", the value before it",
                        b->path, u + 1, b->offset[u + 1], b->offset[u]);
    if (b->offset[b->users] != b->events)
        return FAIL(ERR_FORMAT,
                    "%s: /users/offset ends with %" PRId64 ", want the number of events, %" PRId64,
                    b->path, b->offset[b->users], b->events);
    return OK;
}

/* The ranges are inside the history: first train, then valid, then test. An empty range may be
 * anywhere inside the history. */
static Status check_splits(const Behaviour *b)
{
    for (int64_t u = 0; u < b->users; u++) {
        int64_t from = b->offset[u];
        for (int s = 0; s < SPLITS; s++) {
            const int64_t first = b->split[s][u][0], end = b->split[s][u][1];
            const int64_t least = first < end ? from : b->offset[u];
            if (first < least || end < first || end > b->offset[u + 1])
                return FAIL(ERR_FORMAT,
                            "%s: %s[%" PRId64 "] is [%" PRId64 ", %" PRId64
                            "), want a range inside [%" PRId64 ", %" PRId64 ")",
                            b->path, schema_split_path[s], u, first, end, least, b->offset[u + 1]);
            if (first < end) from = end;
        }
    }
    return OK;
}

/* ---- Event columns --------------------------------------------------------------------------- */

typedef struct {
    const Behaviour *file;
    Column column;
    const char *want; /* the good values, in words */
    uint64_t *tie;    /* of the file, where the column is COLUMN_TIME */
} Scan;

/* The functions first_... give the index of the first bad value, -1 where there is none. Good
 * values are the common case: a first pass without branches finds out whether there is any bad
 * one. */
static int64_t first_bad_item(const int32_t *item, int64_t count, int64_t items)
{
    const uint32_t limit = (uint32_t)items;
    uint32_t bad = 0;
    for (int64_t i = 0; i < count; i++) bad |= (uint32_t)item[i] >= limit;
    for (int64_t i = 0; i < count && bad; i++)
        if ((uint32_t)item[i] >= limit) return i;
    return -1;
}

static int64_t first_above(const uint8_t *value, int64_t count, int most)
{
    uint8_t greatest = 0;
    for (int64_t i = 0; i < count; i++) greatest = value[i] > greatest ? value[i] : greatest;
    for (int64_t i = 0; i < count && greatest > most; i++)
        if (value[i] > most) return i;
    return -1;
}

/* Good values are above `least`, which NaN is not, and at most `most`. */
static int64_t first_outside(const float *value, int64_t count, float least, float most)
{
    int bad = 0;
    for (int64_t i = 0; i < count; i++) bad |= !(value[i] > least) | !(value[i] <= most);
    for (int64_t i = 0; i < count && bad; i++)
        if (!(value[i] > least) || !(value[i] <= most)) return i;
    return -1;
}

static int64_t first_bad(const Scan *scan, const void *values, int64_t count, char shown[32])
{
    int64_t i;
    if (scan->column == COLUMN_ITEM) {
        i = first_bad_item(values, count, scan->file->items);
        if (i >= 0) snprintf(shown, 32, "%d", ((const int32_t *)values)[i]);
    } else if (scan->column == COLUMN_ACTION || scan->column == COLUMN_END) {
        i = first_above(values, count,
                        scan->column == COLUMN_END ? END_TRUNCATED : scan->file->actions - 1);
        if (i >= 0) snprintf(shown, 32, "%d", ((const uint8_t *)values)[i]);
    } else {
        const bool probability = scan->column == COLUMN_PROPENSITY;
        i = first_outside(values, count, probability ? 0.0f : -INFINITY,
                          probability ? 1.0f : FLT_MAX);
        if (i >= 0) snprintf(shown, 32, "%g", (double)((const float *)values)[i]);
    }
    return i;
}

/* Events first .. first+count-1 of a column: in place, or in *copy, which the caller frees. */
static Status events_of(const Behaviour *b, Column column, int64_t first, int64_t count,
                        const void **events, void **copy)
{
    const size_t size = schema_type_bytes(schema_column_type(column));
    const char *direct = columns_direct(b, column);
    *copy = NULL;
    *events = direct ? direct + (size_t)first * size : NULL;
    if (direct) return OK;
    *events = *copy = malloc((size_t)count * size);
    if (!*copy)
        return FAIL(ERR_MEMORY, "%s: no memory to check %" PRId64 " events", b->path, count);
    return columns_read(b, column, first, count, *copy);
}

static Status scan_values(void *context, int64_t block)
{
    const Scan *scan = context;
    const Behaviour *b = scan->file;
    const int64_t first = block * BLOCK, left = b->events - first;
    const int64_t count = left < BLOCK ? left : BLOCK;
    const void *values;
    void *copy;
    char shown[32];
    Status st;
    TRY_OR_FAIL(st, events_of(b, scan->column, first, count, &values, &copy));
    const int64_t bad = first_bad(scan, values, count, shown);
    if (bad >= 0)
        st = FAIL(ERR_FORMAT, "%s: /events/%s[%" PRId64 "] is %s, want %s", b->path,
                  schema_column_name(b, scan->column), first + bad, shown, scan->want);
fail:
    free(copy);
    return st;
}

/* The user of an event. */
static int64_t user_of(const Behaviour *b, int64_t event)
{
    int64_t low = 0, high = b->users;
    while (low + 1 < high) {
        const int64_t middle = low + (high - low) / 2;
        if (b->offset[middle] <= event)
            low = middle;
        else
            high = middle;
    }
    return low;
}

/* Differences of times have to fit an int64. */
static const int64_t TIME_MOST = INT64_C(1) << 62;

/* The first event of a block that is earlier than the one before it in its history; -1: none. Notes
 * the ties of the events after the first. */
static int64_t first_early(const Scan *scan, const int64_t *time, int64_t first, int64_t count)
{
    const Behaviour *b = scan->file;
    for (int64_t user = user_of(b, first), at = 0; at < count; user++) {
        const int64_t end = b->offset[user + 1] - first, stop = end < count ? end : count;
        if (stop > at && (time[at] < -TIME_MOST || time[stop - 1] > TIME_MOST))
            return time[at] < -TIME_MOST ? at : stop - 1;
        for (int64_t i = at + 1; i < stop; i++) {
            if (time[i] < time[i - 1]) return i;
            const uint64_t tied = time[i] == time[i - 1];
            scan->tie[(first + i) / 64] |= tied << ((first + i) % 64);
        }
        if (stop > at) at = stop;
    }
    return -1;
}

/* A block begins with the last event of the block before it, so that every step in time is seen.
 * BLOCK is a multiple of 64: no two blocks write the same word of ties. */
static Status scan_times(void *context, int64_t block)
{
    const Scan *scan = context;
    const Behaviour *b = scan->file;
    const int64_t first = block ? block * BLOCK - 1 : 0, end = (block + 1) * BLOCK;
    const int64_t count = (end < b->events ? end : b->events) - first;
    const void *values;
    void *copy;
    Status st;
    TRY_OR_FAIL(st, events_of(b, COLUMN_TIME, first, count, &values, &copy));
    const int64_t *time = values, bad = first_early(scan, time, first, count);
    if (bad >= 0 && (time[bad] < -TIME_MOST || time[bad] > TIME_MOST))
        st = FAIL(ERR_FORMAT, "%s: /events/time[%" PRId64 "] is %" PRId64 ", want -2^62 to 2^62",
                  b->path, first + bad, time[bad]);
    else if (bad >= 0)
        st = FAIL(ERR_FORMAT,
                  "%s: /events/time[%" PRId64 "] is %" PRId64 ", want at least %" PRId64
                  ", the time before it in the history of user %" PRId64,
                  b->path, first + bad, time[bad], time[bad - 1], user_of(b, first + bad));
fail:
    free(copy);
    return st;
}

static Status scan_column(const Behaviour *b, Column column, const char *want)
{
    Scan scan = {.file = b, .column = column, .want = want, .tie = b->tie};
    return parallel_run(parallel_processors(), (b->events + BLOCK - 1) / BLOCK,
                        column == COLUMN_TIME ? scan_times : scan_values, &scan);
}

/* Checks the times, and notes the ties that there are. */
static Status check_times(Behaviour *b)
{
    const int64_t words = (b->events + 63) / 64;
    uint64_t any = 0;
    b->tie = calloc((size_t)words + 1, sizeof *b->tie);
    if (!b->tie)
        return FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " events", b->path, b->events);
    TRY(scan_column(b, COLUMN_TIME, ""));
    for (int64_t w = 0; w < words; w++) any |= b->tie[w];
    if (any) return OK;
    free(b->tie);
    b->tie = NULL;
    return OK;
}

Status behaviour_check_contents(Behaviour *b)
{
    char items[64], actions[32];
    TRY(check_offsets(b));
    TRY(check_splits(b));
    snprintf(items, sizeof items, "0 to %" PRId64 " (rows of /items)", b->items - 1);
    snprintf(actions, sizeof actions, "0 to %d", b->actions - 1);
    TRY(scan_column(b, COLUMN_ITEM, items));
    TRY(scan_column(b, COLUMN_ACTION, actions));
    TRY(check_times(b));
    TRY(scan_column(b, COLUMN_REWARD, "a finite number"));
    TRY(scan_column(b, COLUMN_END, "0, 1 or 2"));
    if (b->has_propensity) TRY(scan_column(b, COLUMN_PROPENSITY, "above 0, at most 1"));
    for (int f = 0; f < b->event_features.numbers; f++)
        TRY(scan_column(b, (Column)(COLUMN_FEATURE + f), "a finite number"));
    return OK;
}
