/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/histories.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/behaviour/columns.h"
#include "evaluate/statistics/draw.h"

/* Fills latest [users], a block of rows at a time; action [events] is that of the file. */
static Status read_latest(const Behaviour *b, const uint8_t *action, int64_t *latest)
{
    enum { BLOCK = 1 << 16 };
    int64_t *time = malloc((size_t)BLOCK * sizeof *time), user = 0;
    if (!time) return FAIL(ERR_MEMORY, "%s: no memory for a block of times", b->path);
    Status st = OK;
    for (int64_t first = 0; first < b->events && st == OK; first += BLOCK) {
        const int64_t count = b->events - first < BLOCK ? b->events - first : BLOCK;
        st = columns_read(b, COLUMN_TIME, first, count, time);
        for (int64_t i = 0; i < count && st == OK; i++) {
            const int64_t row = first + i;
            while (b->offset[user + 1] <= row) user++;
            const int64_t *train = b->split[SPLIT_TRAIN][user];
            if (row >= train[0] && row < train[1] && schema_is_taken(b, action[row]))
                latest[user] = time[i];
        }
    }
    free(time);
    return st;
}

/* ---- What was taken -------------------------------------------------------------------------- */

/* The histories of a file with impressions, without them. */
typedef struct {
    int64_t *offset;             /* [users+1] */
    int64_t (*split[SPLITS])[2]; /* [users] */
    int64_t *event;              /* [taken] */
    uint64_t *tie;               /* [taken / 64 + 1] */
} Taken;

static Status taken_open(Taken *t, const Behaviour *b, const uint8_t *action)
{
    int64_t taken = 0;
    for (int64_t e = 0; e < b->events; e++) taken += schema_is_taken(b, action[e]);
    t->offset = calloc((size_t)b->users + 1, sizeof *t->offset);
    t->event = malloc((size_t)taken * sizeof *t->event + 1);
    t->tie = calloc((size_t)taken / 64 + 1, sizeof *t->tie);
    bool enough = t->offset && t->event && t->tie;
    for (int s = 0; s < SPLITS; s++)
        enough = (t->split[s] = calloc((size_t)b->users + 1, sizeof *t->split[s])) && enough;
    return enough ? OK
                  : FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " events that were taken",
                         b->path, taken);
}

static void taken_close(Taken *t)
{
    free(t->offset);
    free(t->event);
    free(t->tie);
    for (int s = 0; s < SPLITS; s++) free(t->split[s]);
    *t = (Taken){0};
}

/* The user's events from row `at` on; returns the row behind them. A range of a split becomes the
 * range of those of its events that were taken. */
static int64_t take_user(Taken *t, const Behaviour *b, const uint8_t *action, int64_t user,
                         int64_t at)
{
    const int64_t first = at;
    for (int64_t e = b->offset[user]; e < b->offset[user + 1]; e++) {
        if (!schema_is_taken(b, action[e])) continue;
        const uint64_t tied = at > first && schema_first_of_time(b->tie, e) <= t->event[at - 1];
        t->tie[at / 64] |= tied << (at % 64);
        t->event[at++] = e;
    }
    for (int s = 0; s < SPLITS; s++)
        for (int k = 0; k < 2; k++) {
            int64_t *to = &t->split[s][user][k];
            *to = first;
            while (*to < at && t->event[*to] < b->split[s][user][k]) ++*to;
        }
    return at;
}

/* Leaves the impressions out of `h`, whose columns are those of the file. */
static Status leave_impressions(Histories *h, const Behaviour *b, int32_t *item, uint8_t *action,
                                float *reward)
{
    Taken t = {0};
    Status st;
    TRY_OR_FAIL(st, taken_open(&t, b, action));
    for (int64_t u = 0; u < b->users; u++)
        t.offset[u + 1] = take_user(&t, b, action, u, t.offset[u]);
    for (int64_t row = 0; row < t.offset[b->users]; row++) {
        item[row] = item[t.event[row]];
        action[row] = action[t.event[row]];
        reward[row] = reward[t.event[row]];
    }
    for (int s = 0; s < SPLITS; s++) {
        h->split[s] = (const int64_t(*)[2])t.split[s];
        for (int64_t u = 0; u < b->users; u++)
            h->impressions[s] +=
                b->split[s][u][1] - b->split[s][u][0] - (t.split[s][u][1] - t.split[s][u][0]);
    }
    h->offset = t.offset;
    h->tie = t.tie;
    h->event = t.event;
    return OK;
fail:
    taken_close(&t);
    return st;
}

/* ---- Reading --------------------------------------------------------------------------------- */

Status histories_read(Histories *h, const Behaviour *b, int split)
{
    *h = (Histories){0};
    if (b->items > INT32_MAX)
        return FAIL(ERR_FORMAT, "%s has %" PRId64 " items, want at most %d", b->path, b->items,
                    INT32_MAX);
    int32_t *item = malloc((size_t)b->events * sizeof *item + 1);
    uint8_t *action = malloc((size_t)b->events + 1);
    float *reward = malloc((size_t)b->events * sizeof *reward + 1);
    int64_t *latest = calloc((size_t)b->users + 1, sizeof *latest);
    *h = (Histories){.users = b->users,
                     .items = (int32_t)b->items,
                     .actions = b->actions,
                     .offset = b->offset,
                     .item = item,
                     .action = action,
                     .reward = reward,
                     .tie = b->tie,
                     .latest = latest};
    for (int s = 0; s < SPLITS; s++) h->split[s] = (const int64_t(*)[2])b->split[s];
    Status st;
    if (!item || !action || !reward || !latest)
        TRY_OR_FAIL(st,
                    FAIL(ERR_MEMORY, "%s: no memory for %" PRId64 " events", b->path, b->events));
    TRY_OR_FAIL(st, columns_read(b, COLUMN_ITEM, 0, b->events, item));
    TRY_OR_FAIL(st, columns_read(b, COLUMN_ACTION, 0, b->events, action));
    TRY_OR_FAIL(st, columns_read(b, COLUMN_REWARD, 0, b->events, reward));
    TRY_OR_FAIL(st, read_latest(b, action, latest));
    if (b->has_impressions) TRY_OR_FAIL(st, leave_impressions(h, b, item, action, reward));
    h->train = h->split[SPLIT_TRAIN];
    h->scored = h->split[split];
    return OK;
fail:
    histories_close(h);
    return st;
}

void histories_close(Histories *h)
{
    free((void *)h->item);
    free((void *)h->action);
    free((void *)h->reward);
    free((void *)h->latest);
    if (h->event) {
        free((void *)h->offset);
        free((void *)h->event);
        free((void *)h->tie);
        for (int s = 0; s < SPLITS; s++) free((void *)h->split[s]);
    }
    *h = (Histories){0};
}

Histories histories_of_split(const Histories *h, int split)
{
    Histories other = *h;
    other.scored = h->split[split];
    return other;
}

int64_t histories_impressions(const Histories *h)
{
    for (int s = 0; s < SPLITS; s++)
        if (h->scored == h->split[s]) return h->impressions[s];
    return 0;
}

void histories_popularity(const Histories *h, int64_t *count)
{
    memset(count, 0, (size_t)h->items * sizeof *count);
    for (int64_t u = 0; u < h->users; u++)
        for (int64_t e = h->train[u][0]; e < h->train[u][1]; e++) count[h->item[e]]++;
}

/* What decides whether an event is scored, and in which band its target is. */
typedef struct {
    const Histories *histories;
    bool leave_repeats;
    uint8_t *band;       /* [items] */
    int64_t *last_user;  /* [items] 1 + the last user whose history, up to here, has the item; 0 */
    int64_t user, known; /* last_user knows the history of `user` up to row `known` */
} Selection;

static void selection_begin(Selection *c, int64_t user)
{
    c->user = user;
    c->known = c->histories->offset[user];
}

typedef enum { SCORED, NO_HISTORY, LEFT_REPEAT } Verdict;

/* Whether the event is scored; the events of a user come in the order of their rows. */
static Verdict selection_judge(Selection *c, int64_t event, int64_t *known, bool *repeat)
{
    const Histories *h = c->histories;
    *known = schema_first_of_time(h->tie, event);
    if (*known == h->offset[c->user]) return NO_HISTORY;
    for (; c->known < *known; c->known++) c->last_user[h->item[c->known]] = c->user + 1;
    *repeat = c->last_user[h->item[event]] == c->user + 1;
    return *repeat && c->leave_repeats ? LEFT_REPEAT : SCORED;
}

/* Counts the events of the split by verdict; puts the users with scored events into s->user, and
 * the number of their scored events into first[user + 1]. */
static void count_events(ScoredEvents *s, Selection *c, int64_t *scored)
{
    const Histories *h = c->histories;
    for (int64_t u = 0; u < h->users; u++) {
        int64_t known;
        selection_begin(c, u);
        scored[u] = 0;
        for (int64_t e = h->scored[u][0]; e < h->scored[u][1]; e++) {
            bool repeat = false;
            const Verdict v = selection_judge(c, e, &known, &repeat);
            s->no_history += v == NO_HISTORY;
            s->with_history += v != NO_HISTORY;
            s->repeats += repeat;
            scored[u] += v == SCORED;
        }
        if (scored[u]) s->user[s->users++] = u;
    }
}

static Status choose_users(ScoredEvents *s, Selection *c, const ScoredOptions *options)
{
    const int64_t users = c->histories->users;
    int64_t *scored = malloc((size_t)users * sizeof *scored + 1);
    s->user = malloc((size_t)users * sizeof *s->user + 1);
    Status st;
    if (!s->user || !scored)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for %" PRId64 " users", users));
    count_events(s, c, scored);
    TRY_OR_FAIL(st, draw_users(s->user, &s->users, options->sample, options->seed));
    for (int64_t u = 0; u < s->users; u++) s->count += scored[s->user[u]];
fail:
    free(scored);
    return st;
}

static Status allocate(ScoredEvents *s, bool rewards)
{
    const size_t count = (size_t)s->count + 1;
    s->first = malloc(((size_t)s->users + 1) * sizeof *s->first);
    s->event = malloc(count * sizeof *s->event);
    s->known = malloc(count * sizeof *s->known);
    s->target = malloc(count * sizeof *s->target);
    s->action = malloc(count);
    s->reward = rewards ? malloc(count * sizeof *s->reward) : NULL;
    s->repeat = malloc(count);
    s->band = malloc(count);
    if (!s->first || !s->event || !s->known || !s->target || !s->action || !s->repeat || !s->band ||
        (rewards && !s->reward))
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " scored events", s->count);
    return OK;
}

static void fill(ScoredEvents *s, Selection *c)
{
    const Histories *h = c->histories;
    int64_t i = 0;
    for (int64_t u = 0; u < s->users; u++) {
        const int64_t user = s->user[u];
        selection_begin(c, user);
        s->first[u] = i;
        for (int64_t e = h->scored[user][0]; e < h->scored[user][1]; e++) {
            bool repeat = false;
            int64_t known;
            if (selection_judge(c, e, &known, &repeat) != SCORED) continue;
            s->event[i] = histories_event(h, e);
            s->known[i] = known;
            s->target[i] = h->item[e];
            s->action[i] = h->action[e];
            if (s->reward) s->reward[i] = h->reward[e];
            s->repeat[i] = repeat;
            s->band[i++] = c->band[h->item[e]];
        }
    }
    s->first[s->users] = i;
}

static int by_popularity(const void *a, const void *b)
{
    const int64_t *x = a, *y = b;
    return x[0] != y[0] ? (x[0] > y[0] ? -1 : 1) : (x[1] > y[1]) - (x[1] < y[1]);
}

/* band [items] of each item. */
static Status find_bands(uint8_t *band, const Histories *h)
{
    int64_t *count = malloc(((size_t)h->items + 1) * sizeof *count);
    int64_t(*item)[2] = malloc(((size_t)h->items + 1) * sizeof *item), all = 0, before = 0;
    Status st;
    if (!count || !item)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for %" PRId32 " items", h->items));
    histories_popularity(h, count);
    for (int32_t x = 0; x < h->items; x++) {
        item[x][0] = count[x];
        item[x][1] = x;
        all += count[x];
    }
    qsort(item, (size_t)h->items, sizeof *item, by_popularity);
    for (int32_t k = 0; k < h->items; k++) {
        band[item[k][1]] = !item[k][0]            ? GROUP_COLD
                           : 3 * before < all     ? GROUP_HEAD
                           : 3 * before < 2 * all ? GROUP_MIDDLE
                                                  : GROUP_TAIL;
        before += item[k][0];
    }
    st = OK;
fail:
    free(count);
    free(item);
    return st;
}

Status histories_scored_select(ScoredEvents *s, const Histories *h, const ScoredOptions *options)
{
    Status st;
    *s = (ScoredEvents){.items = h->items,
                        .groups = GROUP_ACTION + h->actions,
                        .left_repeats = options->leave_repeats};
    Selection c = {.histories = h, .leave_repeats = options->leave_repeats};
    c.band = malloc((size_t)h->items + 1);
    c.last_user = calloc((size_t)h->items + 1, sizeof *c.last_user);
    if (!c.band || !c.last_user)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for %" PRId32 " items", h->items));
    TRY_OR_FAIL(st, find_bands(c.band, h));
    TRY_OR_FAIL(st, choose_users(s, &c, options));
    TRY_OR_FAIL(st, allocate(s, h->reward));
    for (int32_t x = 0; x < h->items; x++) c.last_user[x] = 0;
    fill(s, &c);
fail:
    free(c.band);
    free(c.last_user);
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
    free(s->reward);
    free(s->repeat);
    free(s->band);
    *s = (ScoredEvents){0};
}

double histories_scored_weight(const ScoredEvents *s, int64_t i, int group)
{
    switch (group) {
    case GROUP_ALL: return 1.0;
    case GROUP_REWARD: return s->reward && s->reward[i] > 0.0f ? (double)s->reward[i] : 0.0;
    case GROUP_NEW: return !s->repeat[i];
    case GROUP_REPEAT: return s->repeat[i];
    case GROUP_WARM: return s->band[i] != GROUP_COLD;
    case GROUP_COLD:
    case GROUP_HEAD:
    case GROUP_MIDDLE:
    case GROUP_TAIL: return s->band[i] == group;
    default: return s->action[i] == group - GROUP_ACTION;
    }
}

bool histories_scored_rewards_differ(const ScoredEvents *s)
{
    for (int64_t i = 1; i < s->count && s->reward; i++)
        if (s->reward[i] != s->reward[0]) return true;
    return false;
}
