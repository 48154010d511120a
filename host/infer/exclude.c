/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/exclude.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/scratch.h"

static int by_item(const void *a, const void *b)
{
    const int32_t x = *(const int32_t *)a, y = *(const int32_t *)b;
    return (x > y) - (x < y);
}

void exclude_sort(int32_t *item, int64_t count)
{
    if (count > 1) qsort(item, (size_t)count, sizeof *item, by_item);
}

void exclude_begin(Exclude *e) { e->rows = 0; }

void exclude_close(Exclude *e)
{
    free(e->offset);
    free(e->item);
    *e = (Exclude){0};
}

static Status reserve(Exclude *e, int64_t rows, int64_t items)
{
    if (rows > e->row_capacity) {
        const int64_t capacity = 2 * rows;
        int64_t *more = realloc(e->offset, ((size_t)capacity + 1) * sizeof *more);
        if (!more) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " lists of items", rows);
        e->offset = more;
        e->row_capacity = capacity;
    }
    if (items > e->item_capacity) {
        const int64_t capacity = 2 * items;
        int32_t *more = realloc(e->item, (size_t)capacity * sizeof *more);
        if (!more) return FAIL(ERR_MEMORY, "no memory for lists of %" PRId64 " items", items);
        e->item = more;
        e->item_capacity = capacity;
    }
    return OK;
}

Status exclude_add(Exclude *e, const int32_t *base, int64_t bases, int32_t *more, int64_t mores)
{
    const int64_t begin = e->rows ? e->offset[e->rows] : 0;
    TRY(reserve(e, e->rows + 1, begin + bases + mores));
    exclude_sort(more, mores);
    int64_t at = begin, b = 0, m = 0;
    while (m < mores && more[m] < 0) m++;
    while (b < bases || m < mores) {
        const int32_t item =
            m == mores || (b < bases && base[b] <= more[m]) ? base[b++] : more[m++];
        if (at == begin || e->item[at - 1] != item) e->item[at++] = item;
    }
    e->offset[e->rows] = begin;
    e->offset[++e->rows] = at;
    return OK;
}

Exclusion exclude_on_device(Device *dev, const Exclude *e)
{
    if (e->rows == 0 || e->offset[e->rows] == 0) return (Exclusion){0};
    return (Exclusion){scratch_copy(dev, e->offset, I64, e->rows + 1).data,
                       scratch_copy(dev, e->item, I32, e->offset[e->rows]).data};
}

/* Two ascending lists as one. */
typedef struct {
    const int32_t *a, *b;
    int64_t left_a, left_b;
} Merged;

static Merged merged(const Exclude *e, int64_t row, const int32_t *shut, int64_t shuts)
{
    const bool any = e->rows > 0;
    return (Merged){any ? e->item + e->offset[row] : NULL, shut,
                    any ? e->offset[row + 1] - e->offset[row] : 0, shuts};
}

/* The next item of either list; -1 after the last. */
static int32_t next(Merged *m)
{
    if (!m->left_a && !m->left_b) return -1;
    const bool from_a = m->left_a && (!m->left_b || *m->a <= *m->b);
    const int32_t item = from_a ? *m->a : *m->b;
    if (m->left_a && *m->a == item) m->a++, m->left_a--;
    if (m->left_b && *m->b == item) m->b++, m->left_b--;
    return item;
}

int64_t exclude_left(const Exclude *e, int64_t row, const int32_t *shut, int64_t shuts,
                     int64_t items)
{
    Merged m = merged(e, row, shut, shuts);
    while (next(&m) >= 0) items--;
    return items;
}

int32_t exclude_pick(const Exclude *e, int64_t row, const int32_t *shut, int64_t shuts,
                     int32_t number)
{
    Merged m = merged(e, row, shut, shuts);
    for (int32_t out; (out = next(&m)) >= 0 && out <= number;) number++;
    return number;
}
