/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/histories.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"
#include "data/behaviour/columns.h"

Status histories_read(Histories *h, const Behaviour *b, int split)
{
    *h = (Histories){0};
    if (b->items > INT32_MAX)
        return FAIL(ERR_FORMAT, "%s has %" PRId64 " items, want at most %d", b->path, b->items,
                    INT32_MAX);
    int32_t *item = malloc((size_t)b->events * sizeof *item + 1);
    uint8_t *action = malloc((size_t)b->events + 1);
    *h = (Histories){.users = b->users,
                     .items = (int32_t)b->items,
                     .actions = b->actions,
                     .offset = b->offset,
                     .train = (const int64_t(*)[2])b->split[SPLIT_TRAIN],
                     .scored = (const int64_t(*)[2])b->split[split],
                     .item = item,
                     .action = action,
                     .tie = b->tie};
    Status st;
    if (!item || !action)
        TRY_OR_FAIL(st,
                    FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " events", b->path, b->events));
    TRY_OR_FAIL(st, columns_read(b, COLUMN_ITEM, 0, b->events, item));
    TRY_OR_FAIL(st, columns_read(b, COLUMN_ACTION, 0, b->events, action));
    return OK;
fail:
    histories_close(h);
    return st;
}

void histories_close(Histories *h)
{
    free((void *)h->item);
    free((void *)h->action);
    *h = (Histories){0};
}

/* The first scored event of a user: the first of the split after the user's first time; the end of
 * the split where there is none. */
static int64_t first_scored(const Histories *h, int64_t user)
{
    const int64_t first = h->scored[user][0], end = h->scored[user][1];
    const int64_t second = schema_next_time(h->tie, h->offset[user], end);
    return first > second ? first : second;
}

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

/* Keeps `sample` users of user[0 .. *users-1]: those with the smallest random draws, in ascending
 * order. */
static Status draw_users(int64_t *user, int64_t *users, int64_t sample, uint64_t seed)
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

static Status choose_users(ScoredEvents *s, const Histories *h, int64_t sample, uint64_t seed)
{
    s->user = malloc((size_t)h->users * sizeof *s->user + 1);
    if (!s->user) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " users", h->users);
    for (int64_t u = 0; u < h->users; u++) {
        const int64_t first = first_scored(h, u);
        s->no_history += first - h->scored[u][0];
        if (first < h->scored[u][1]) s->user[s->users++] = u;
    }
    TRY(draw_users(s->user, &s->users, sample, seed));
    for (int64_t u = 0; u < s->users; u++)
        s->count += h->scored[s->user[u]][1] - first_scored(h, s->user[u]);
    return OK;
}

static Status allocate(ScoredEvents *s)
{
    const size_t count = (size_t)s->count + 1;
    s->first = malloc(((size_t)s->users + 1) * sizeof *s->first);
    s->event = malloc(count * sizeof *s->event);
    s->known = malloc(count * sizeof *s->known);
    s->target = malloc(count * sizeof *s->target);
    s->action = malloc(count);
    s->repeat = malloc(count);
    s->cold = malloc(count);
    if (!s->first || !s->event || !s->known || !s->target || !s->action || !s->repeat || !s->cold)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " scored events", s->count);
    return OK;
}

/* Fills the arrays of `s`. last_user[x] is 1 + the place in s->user of the last user, up to here,
 * whose known history has item x; 0: there is none. */
static void fill(ScoredEvents *s, const Histories *h, const uint8_t *in_train, int64_t *last_user)
{
    int64_t i = 0;
    for (int64_t u = 0; u < s->users; u++) {
        const int64_t user = s->user[u];
        int64_t known = h->offset[user];
        s->first[u] = i;
        for (int64_t e = first_scored(h, user); e < h->scored[user][1]; e++, i++) {
            const int32_t item = h->item[e];
            s->event[i] = e;
            s->known[i] = schema_first_of_time(h->tie, e);
            for (; known < s->known[i]; known++) last_user[h->item[known]] = u + 1;
            s->target[i] = item;
            s->action[i] = h->action[e];
            s->repeat[i] = last_user[item] == u + 1;
            s->cold[i] = !in_train[item];
        }
    }
    s->first[s->users] = i;
}

Status histories_scored_select(ScoredEvents *s, const Histories *h, int64_t sample, uint64_t seed)
{
    Status st;
    *s = (ScoredEvents){.items = h->items, .groups = GROUP_ACTION + h->actions};
    uint8_t *in_train = calloc((size_t)h->items + 1, 1);
    int64_t *last_user = calloc((size_t)h->items + 1, sizeof *last_user);
    if (!in_train || !last_user)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for %" PRId32 " items", h->items));
    TRY_OR_FAIL(st, choose_users(s, h, sample, seed));
    TRY_OR_FAIL(st, allocate(s));
    for (int64_t u = 0; u < h->users; u++)
        for (int64_t e = h->train[u][0]; e < h->train[u][1]; e++) in_train[h->item[e]] = 1;
    fill(s, h, in_train, last_user);
fail:
    free(in_train);
    free(last_user);
    if (st != OK) histories_scored_close(s);
    return st;
}

void histories_scored_close(ScoredEvents *s)
{
    free(s->event);
    free(s->known);
    free(s->user);
    free(s->first);
    free(s->target);
    free(s->action);
    free(s->repeat);
    free(s->cold);
    *s = (ScoredEvents){0};
}

bool histories_scored_in_group(const ScoredEvents *s, int64_t i, int group)
{
    switch (group) {
    case GROUP_ALL: return true;
    case GROUP_NEW: return !s->repeat[i];
    case GROUP_REPEAT: return s->repeat[i];
    case GROUP_COLD: return s->cold[i];
    default: return s->action[i] == group - GROUP_ACTION;
    }
}
