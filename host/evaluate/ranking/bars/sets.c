/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/bars/sets.h"

#include <inttypes.h>
#include <stdlib.h>

static int latest_first(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    if (x[0] != y[0]) return x[0] > y[0] ? -1 : 1;
    return (x[1] < y[1]) - (x[1] > y[1]);
}

/* Users by place: the second number of each row. */
static Status order_users(int64_t (**out)[2], const Histories *h)
{
    int64_t(*user)[2] = *out = malloc((size_t)h->users * sizeof *user + 1);
    if (!user) return FAIL(ERR_MEMORY, "no memory to sort %" PRId64 " users", h->users);
    for (int64_t u = 0; u < h->users; u++) {
        user[u][0] = h->latest ? h->latest[u] : 0;
        user[u][1] = u;
    }
    qsort(user, (size_t)h->users, sizeof *user, latest_first);
    return OK;
}

/* Fills first[], and item[] where it is there. stamp[x] is 1 + the last place with item x. */
static void fill(Sets *s, const Histories *h, const int64_t (*user)[2], int64_t *stamp)
{
    int64_t used = 0;
    for (int32_t x = 0; x < s->items; x++) stamp[x] = 0;
    for (int32_t p = 0; p < s->users; p++) {
        const int64_t *train = h->train[user[p][1]];
        s->first[p] = used;
        for (int64_t e = train[1] - 1; e >= train[0] && used - s->first[p] < SETS_LONGEST; e--) {
            const int32_t x = h->item[e];
            if (stamp[x] == p + 1) continue;
            stamp[x] = p + 1;
            if (s->item) s->item[used] = x;
            used++;
        }
    }
    s->first[s->users] = used;
}

static void invert(Sets *s)
{
    for (int64_t i = 0; i < s->first[s->users]; i++) s->offset[s->item[i] + 1]++;
    for (int32_t x = 0; x < s->items; x++) s->offset[x + 1] += s->offset[x];
    for (int32_t p = 0; p < s->users; p++)
        for (int64_t i = s->first[p]; i < s->first[p + 1]; i++)
            s->holder[s->offset[s->item[i]]++] = p;
    for (int32_t x = s->items; x > 0; x--) s->offset[x] = s->offset[x - 1];
    s->offset[0] = 0;
}

Status sets_read(Sets *s, const Histories *h)
{
    int64_t(*user)[2] = NULL, *stamp = NULL;
    Status st;
    *s = (Sets){0};
    if (h->users >= INT32_MAX)
        return FAIL(ERR_FORMAT, "%" PRId64 " users, want fewer than %d", h->users, INT32_MAX);
    *s = (Sets){.users = (int32_t)h->users, .items = h->items};
    s->place = malloc((size_t)s->users * sizeof *s->place + 1);
    s->first = malloc(((size_t)s->users + 1) * sizeof *s->first);
    s->offset = calloc((size_t)s->items + 1, sizeof *s->offset);
    stamp = malloc((size_t)s->items * sizeof *stamp + 1);
    TRY_OR_FAIL(st, order_users(&user, h));
    if (!s->place || !s->first || !s->offset || !stamp)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for the sets of %" PRId64 " users", h->users));
    for (int32_t p = 0; p < s->users; p++) s->place[user[p][1]] = p;
    fill(s, h, (const int64_t(*)[2])user, stamp);
    s->item = malloc((size_t)s->first[s->users] * sizeof *s->item + 1);
    s->holder = malloc((size_t)s->first[s->users] * sizeof *s->holder + 1);
    if (!s->item || !s->holder)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for the sets of %" PRId64 " users", h->users));
    fill(s, h, (const int64_t(*)[2])user, stamp);
    invert(s);
fail:
    free(user);
    free(stamp);
    if (st != OK) sets_close(s);
    return st;
}

void sets_close(Sets *s)
{
    free(s->place);
    free(s->first);
    free(s->item);
    free(s->offset);
    free(s->holder);
    *s = (Sets){0};
}
