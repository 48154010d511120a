/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/outcome/shown.h"

#include <inttypes.h>
#include <stdlib.h>

#include "data/behaviour/columns.h"
#include "evaluate/statistics/draw.h"

/* The first event of the user's part of the split that has a state. */
static int64_t first_stated(const Behaviour *b, int split, int64_t user)
{
    const int64_t start = b->offset[user], *part = b->split[split][user];
    const int64_t second = schema_next_time(b->tie, start, b->offset[user + 1]);
    return part[0] > second ? part[0] : second;
}

/* How many events of a user are shown, whether they are kept or not. */
static int64_t shown_by(const Behaviour *b, int split, int64_t user)
{
    const int64_t *part = b->split[split][user];
    if (part[0] >= part[1]) return 0;
    const int64_t first = first_stated(b, split, user);
    return part[1] > first ? part[1] - first : 0;
}

static Status choose(Shown *s, const Behaviour *b, const ShownOptions *o)
{
    int64_t all = 0;
    s->user = malloc((size_t)b->users * sizeof *s->user + 1);
    s->first = malloc(((size_t)b->users + 1) * sizeof *s->first);
    if (!s->user || !s->first) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " users", b->users);
    for (int64_t u = 0; u < b->users; u++)
        if (shown_by(b, o->split, u)) s->user[s->users++] = u;
    TRY(draw_users(s->user, &s->users, o->users, o->seed));
    for (int64_t u = 0; u < s->users; u++) all += shown_by(b, o->split, s->user[u]);
    const int64_t step = o->most > 0 && all > o->most ? (all + o->most - 1) / o->most : 1;
    s->event = malloc(((size_t)(all / step) + 1) * sizeof *s->event);
    if (!s->event) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " answers", all / step);
    int64_t seen = 0, users = 0;
    for (int64_t u = 0; u < s->users; u++) {
        const int64_t user = s->user[u], first = first_stated(b, o->split, user), had = s->count;
        const int64_t count = shown_by(b, o->split, user);
        for (int64_t i = 0; i < count; i++)
            if (seen++ % step == 0) s->event[s->count++] = first + i;
        if (s->count == had) continue;
        s->first[users] = had;
        s->user[users++] = user;
    }
    s->users = users;
    s->first[users] = s->count;
    return OK;
}

/* The columns of one user; `space` holds the whole history. */
typedef struct {
    int32_t *item;
    float *reward;
    uint8_t *action, *end;
} Columns;

static Status read_user(Shown *s, const Behaviour *b, int64_t u, const Columns *c)
{
    const int64_t start = b->offset[s->user[u]], stop = b->offset[s->user[u] + 1];
    TRY(columns_read(b, COLUMN_ITEM, start, stop - start, c->item));
    TRY(columns_read(b, COLUMN_ACTION, start, stop - start, c->action));
    TRY(columns_read(b, COLUMN_REWARD, start, stop - start, c->reward));
    TRY(columns_read(b, COLUMN_END, start, stop - start, c->end));
    for (int64_t i = s->first[u]; i < s->first[u + 1]; i++) {
        const int64_t at = s->event[i] - start;
        const uint8_t end = c->end[schema_next_time(b->tie, s->event[i], stop) - 1 - start];
        s->item[i] = c->item[at];
        s->kind[i] = c->action[at];
        s->reward[i] = c->reward[at];
        s->left[i] = end == END_TRUNCATED ? -1 : end == END_TERMINAL;
    }
    return OK;
}

static Status read_columns(Shown *s, const Behaviour *b)
{
    const size_t count = (size_t)s->count + 1;
    int64_t most = 0;
    for (int64_t u = 0; u < s->users; u++) {
        const int64_t events = b->offset[s->user[u] + 1] - b->offset[s->user[u]];
        if (events > most) most = events;
    }
    const size_t n = (size_t)most + 1;
    const Columns c = {malloc(n * sizeof *c.item), malloc(n * sizeof *c.reward), malloc(n),
                       malloc(n)};
    s->item = malloc(count * sizeof *s->item);
    s->reward = malloc(count * sizeof *s->reward);
    s->kind = malloc(count);
    s->left = malloc(count);
    Status st = OK;
    if (!c.item || !c.reward || !c.action || !c.end || !s->item || !s->reward || !s->kind ||
        !s->left)
        st = FAIL(ERR_MEMORY, "no memory for %" PRId64 " answers", s->count);
    for (int64_t u = 0; u < s->users && st == OK; u++) st = read_user(s, b, u, &c);
    free(c.item);
    free(c.reward);
    free(c.action);
    free(c.end);
    return st;
}

Status shown_read(Shown *s, const Behaviour *b, const ShownOptions *options)
{
    *s = (Shown){0};
    Status st = choose(s, b, options);
    if (st == OK) st = read_columns(s, b);
    if (st != OK) shown_close(s);
    return st;
}

void shown_close(Shown *s)
{
    free(s->user);
    free(s->first);
    free(s->event);
    free(s->item);
    free(s->kind);
    free(s->left);
    free(s->reward);
    *s = (Shown){0};
}
