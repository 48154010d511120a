/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/statistics/draw.h"

#include <inttypes.h>
#include <stdlib.h>

#include "base/rng.h"

static int by_draw(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return x[0] != y[0] ? (x[0] < y[0] ? -1 : 1) : (x[1] > y[1]) - (x[1] < y[1]);
}

static int by_number(const void *a, const void *b)
{
    const int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return (x > y) - (x < y);
}

Status draw_users(int64_t *user, int64_t *users, int64_t sample, uint64_t seed)
{
    if (sample <= 0 || sample >= *users) return OK;
    uint64_t(*draw)[2] = malloc((size_t)*users * sizeof *draw);
    if (!draw) return FAIL(ERR_MEMORY, "no memory to draw from %" PRId64 " users", *users);
    for (int64_t u = 0; u < *users; u++) {
        draw[u][0] = philox_u64(seed, 0, (uint64_t)user[u]);
        draw[u][1] = (uint64_t)user[u];
    }
    qsort(draw, (size_t)*users, sizeof *draw, by_draw);
    for (int64_t u = 0; u < sample; u++) user[u] = (int64_t)draw[u][1];
    qsort(user, (size_t)sample, sizeof *user, by_number);
    *users = sample;
    free(draw);
    return OK;
}
