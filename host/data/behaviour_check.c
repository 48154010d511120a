#include "data/behaviour_check.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { BLOCK = 1 << 16 };

Status check_categories(const char *path, const char *name, const int32_t *row, int64_t count,
                        int32_t rows)
{
    for (int64_t i = 0; i < count; i++)
        if (row[i] < 0 || row[i] >= rows)
            return FAIL(ERR_FORMAT, "%s: %s[%" PRId64 "] is %d, want 0 to %d", path, name, i,
                        row[i], rows - 1);
    return OK;
}

Status check_finite(const char *path, const char *name, const float *value, int64_t count)
{
    for (int64_t i = 0; i < count; i++)
        if (!isfinite(value[i]))
            return FAIL(ERR_FORMAT, "%s: %s[%" PRId64 "] is %g, want a finite number", path, name,
                        i, (double)value[i]);
    return OK;
}

/* ---- Offsets and splits ---------------------------------------------------------------------------------- */

static Status check_offsets(const Behaviour *b)
{
    if (b->offset[0] != 0)
        return FAIL(ERR_FORMAT, "%s: /users/offset[0] is %" PRId64 ", want 0", b->path,
                    b->offset[0]);
    for (int64_t u = 0; u < b->users; u++)
        if (b->offset[u + 1] < b->offset[u])
            return FAIL(ERR_FORMAT,
                        "%s: /users/offset[%" PRId64 "] is %" PRId64 ", below %" PRId64
                        " before it",
                        b->path, u + 1, b->offset[u + 1], b->offset[u]);
    if (b->offset[b->users] != b->events)
        return FAIL(ERR_FORMAT,
                    "%s: /users/offset ends with %" PRId64 ", want the number of events, %" PRId64,
                    b->path, b->offset[b->users], b->events);
    return OK;
}

/* Train before validation before test, inside the history; empty ranges stand anywhere inside it. */
static Status check_splits(const Behaviour *b)
{
    static const char *const names[SPLITS] = {"train", "valid", "test"};
    for (int64_t u = 0; u < b->users; u++) {
        int64_t from = b->offset[u];
        for (int s = 0; s < SPLITS; s++) {
            const int64_t first = b->split[s][u][0], end = b->split[s][u][1];
            const int64_t least = first < end ? from : b->offset[u];
            if (first < least || end < first || end > b->offset[u + 1])
                return FAIL(ERR_FORMAT,
                            "%s: /splits/%s[%" PRId64 "] is [%" PRId64 ", %" PRId64
                            "), want a range inside [%" PRId64 ", %" PRId64 ")",
                            b->path, names[s], u, first, end, least, b->offset[u + 1]);
            if (first < end) from = end;
        }
    }
    return OK;
}

/* ---- Event columns ---------------------------------------------------------------------------------------- */

typedef struct {
    Column column;
    const char *name, *want;
} Scan;

/* Index of the first bad value of the block, -1 for none; its text in `shown`. */
static int64_t first_bad(const Behaviour *b, Column column, const void *values, int64_t count,
                         char shown[32])
{
    for (int64_t i = 0; i < count; i++) {
        if (column == COLUMN_ITEM) {
            const int32_t v = ((const int32_t *)values)[i];
            if (v >= 0 && v < b->items) continue;
            snprintf(shown, 32, "%d", v);
        } else if (column == COLUMN_ACTION || column == COLUMN_END) {
            const uint8_t v = ((const uint8_t *)values)[i];
            if (v < (column == COLUMN_END ? 3 : b->actions)) continue;
            snprintf(shown, 32, "%d", v);
        } else {
            const float v = ((const float *)values)[i];
            if (isfinite(v) && (column != COLUMN_PROPENSITY || (v > 0.0f && v <= 1.0f))) continue;
            snprintf(shown, 32, "%g", (double)v);
        }
        return i;
    }
    return -1;
}

static Status scan_block(const Behaviour *b, const Scan *scan, int64_t first, int64_t count,
                         void *space)
{
    char shown[32], name[2 * FEATURE_NAME_MAX];
    TRY(behaviour_read(b, scan->column, first, count, space));
    const int64_t bad = first_bad(b, scan->column, space, count, shown);
    if (bad < 0) return OK;
    snprintf(name, sizeof name, "/events/%s", scan->name);
    return FAIL(ERR_FORMAT, "%s: %s[%" PRId64 "] is %s, want %s", b->path, name, first + bad, shown,
                scan->want);
}

/* Time must not fall inside a history. Blocks overlap by one event to see every step. */
static Status scan_time(const Behaviour *b, int64_t first, int64_t count, int64_t *time)
{
    const int64_t before = first > 0 ? 1 : 0;
    TRY(behaviour_read(b, COLUMN_TIME, first - before, count + before, time));
    int64_t low = 0, high = b->users; /* the user of the block's first event */
    while (low + 1 < high) {
        const int64_t middle = low + (high - low) / 2;
        if (b->offset[middle] <= first)
            low = middle;
        else
            high = middle;
    }
    int64_t user = low;
    for (int64_t i = 0; i < count; i++) {
        while (b->offset[user + 1] <= first + i) user++;
        if (first + i > b->offset[user] && time[i + before] < time[i + before - 1])
            return FAIL(ERR_FORMAT,
                        "%s: /events/time[%" PRId64 "] is %" PRId64 ", earlier than %" PRId64
                        " before it in the history of user %" PRId64,
                        b->path, first + i, time[i + before], time[i + before - 1], user);
    }
    return OK;
}

/* Run the blocks of one column in parallel; keep the message of the lowest failing block. */
static Status scan_column(const Behaviour *b, const Scan *scan)
{
    const int64_t blocks = (b->events + BLOCK - 1) / BLOCK;
    int64_t worst = blocks;
    Status worst_status = OK;
    char message[1024] = "", place[128] = "";
#pragma omp parallel
    {
        void *space = malloc((BLOCK + 1) * sizeof(int64_t));
#pragma omp for schedule(dynamic, 1)
        for (int64_t k = 0; k < blocks; k++) {
            const int64_t first = k * BLOCK, left = b->events - first;
            const int64_t count = left < BLOCK ? left : BLOCK;
            Status st;
            status_clear();
            if (!space)
                st = FAIL(ERR_MEMORY, "%s: no memory to check it", b->path);
            else if (scan->column == COLUMN_TIME)
                st = scan_time(b, first, count, space);
            else
                st = scan_block(b, scan, first, count, space);
#pragma omp critical
            if (st != OK && k < worst) {
                worst = k;
                worst_status = st;
                snprintf(message, sizeof message, "%s", status_message());
                snprintf(place, sizeof place, "%s", status_place());
            }
            status_clear();
        }
        free(space);
    }
    if (worst_status != OK) status_adopt(message, place);
    return worst_status;
}

Status check_contents(const Behaviour *b)
{
    char items[48], actions[32];
    if (b->items > INT32_MAX)
        return FAIL(ERR_FORMAT, "%s: /items/key: %" PRId64 " items, want at most 2^31-1", b->path,
                    b->items);
    TRY(check_offsets(b));
    TRY(check_splits(b));
    snprintf(items, sizeof items, "0 to %" PRId64 " (rows of /items)", b->items - 1);
    snprintf(actions, sizeof actions, "0 to %d", b->actions - 1);
    const Scan scans[] = {
        {COLUMN_ITEM, "item", items},     {COLUMN_ACTION, "action", actions},
        {COLUMN_TIME, "time", ""},        {COLUMN_REWARD, "reward", "a finite number"},
        {COLUMN_END, "end", "0, 1 or 2"},
    };
    for (size_t i = 0; i < sizeof scans / sizeof *scans; i++) TRY(scan_column(b, &scans[i]));
    if (b->has_propensity)
        TRY(scan_column(b, &(Scan){COLUMN_PROPENSITY, "propensity", "above 0, at most 1"}));
    for (int f = 0; f < b->event_features.numbers; f++)
        TRY(scan_column(b, &(Scan){(Column)(COLUMN_FEATURE + f), b->event_features.number_name[f],
                                   "a finite number"}));
    return OK;
}
