/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/bars/popularity.h"

#include <inttypes.h>
#include <stdlib.h>

/* bucket [most + 2] is zero. */
static void sort(Popularity *p, int64_t *bucket, int64_t most)
{
    for (int32_t x = 0; x < p->items; x++) bucket[most - p->count[x] + 1]++;
    for (int64_t c = 0; c <= most; c++) bucket[c + 1] += bucket[c];
    for (int32_t x = 0; x < p->items; x++) {
        const int64_t c = most - p->count[x];
        p->rank[x] = (int32_t)bucket[c];
        p->peers[x] = (int32_t)(bucket[c + 1] - bucket[c]);
    }
    for (int32_t x = 0; x < p->items; x++) p->order[bucket[most - p->count[x]]++] = x;
}

Status popularity_count(Popularity *p, const Histories *h)
{
    const size_t items = (size_t)h->items + 1;
    int64_t most = 0, *bucket = NULL;
    Status st;
    *p = (Popularity){.items = h->items};
    p->count = malloc(items * sizeof *p->count);
    p->order = malloc(items * sizeof *p->order);
    p->rank = malloc(items * sizeof *p->rank);
    p->peers = malloc(items * sizeof *p->peers);
    if (!p->count || !p->order || !p->rank || !p->peers)
        TRY_OR_FAIL(
            st, FAIL(ERR_MEMORY, "no memory for the popularity of %" PRId32 " items", h->items));
    histories_popularity(h, p->count);
    for (int32_t x = 0; x < h->items; x++)
        if (p->count[x] > most) most = p->count[x];
    bucket = calloc((size_t)most + 2, sizeof *bucket);
    if (!bucket) TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory to sort %" PRId32 " items", h->items));
    sort(p, bucket, most);
    free(bucket);
    return OK;
fail:
    popularity_close(p);
    return st;
}

void popularity_close(Popularity *p)
{
    free(p->count);
    free(p->order);
    free(p->rank);
    free(p->peers);
    *p = (Popularity){0};
}
