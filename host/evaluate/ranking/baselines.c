/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/baselines.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "base/progress.h"

/* ---- Counting -------------------------------------------------------------------------------- */

static void sort_by_popularity(Baselines *b, int64_t *bucket, int64_t most)
{
    for (int32_t x = 0; x < b->items; x++) bucket[most - b->popularity[x] + 1]++;
    for (int64_t p = 0; p <= most; p++) bucket[p + 1] += bucket[p];
    for (int32_t x = 0; x < b->items; x++) {
        const int64_t p = most - b->popularity[x];
        b->rank[x] = (int32_t)bucket[p];
        b->peers[x] = (int32_t)(bucket[p + 1] - bucket[p]);
    }
    for (int32_t x = 0; x < b->items; x++) b->order[bucket[most - b->popularity[x]]++] = x;
}

static Status count_popularity(Baselines *b, const Histories *h)
{
    const size_t items = (size_t)h->items + 1;
    b->popularity = calloc(items, sizeof *b->popularity);
    b->order = malloc(items * sizeof *b->order);
    b->rank = malloc(items * sizeof *b->rank);
    b->peers = malloc(items * sizeof *b->peers);
    if (!b->popularity || !b->order || !b->rank || !b->peers)
        return FAIL(ERR_MEMORY, "no memory for the popularity of %" PRId32 " items", h->items);
    int64_t most = 0;
    for (int64_t u = 0; u < h->users; u++)
        for (int64_t e = h->train[u][0]; e < h->train[u][1]; e++) {
            const int64_t p = ++b->popularity[h->item[e]];
            if (p > most) most = p;
        }
    int64_t *bucket = calloc((size_t)most + 2, sizeof *bucket);
    if (!bucket) return FAIL(ERR_MEMORY, "no memory to sort %" PRId32 " items", h->items);
    sort_by_popularity(b, bucket, most);
    free(bucket);
    return OK;
}

Status baselines_fit(Baselines *b, const Histories *h, int threads)
{
    *b = (Baselines){.items = h->items};
    PairWeights next = {.window = 1, .forward = {0, 1}, .divisor = 1.0};
    /* In units of 1 / (2 lcm(1 .. 20)), so that every weight is an integer. */
    enum { LCM = 232792560 };
    PairWeights near = {.window = 20, .divisor = 2.0 * LCM};
    for (int g = 1; g <= near.window; g++) {
        near.forward[g] = 2 * LCM / g;
        near.backward[g] = LCM / g;
    }
    Status st;
    TRY_OR_FAIL(st, count_popularity(b, h));
    TRY_OR_FAIL(st, pairs_count(&b->next, h, &next, threads));
    TRY_OR_FAIL(st, pairs_count(&b->near, h, &near, threads));
    return OK;
fail:
    baselines_close(b);
    return st;
}

void baselines_close(Baselines *b)
{
    free(b->popularity);
    free(b->order);
    free(b->rank);
    free(b->peers);
    pairs_close(&b->next);
    pairs_close(&b->near);
    *b = (Baselines){0};
}

/* ---- Ranking --------------------------------------------------------------------------------- */

/* The memory of one thread. `score` is zero between events, `seen` between users. */
typedef struct {
    double *score;    /* [items] */
    uint8_t *seen;    /* [items] 1: in the history, whose items are no candidates */
    int32_t *touched; /* [touches] items with score > 0; after gather, only candidates */
    int32_t *history; /* [distinct] the items with seen = 1 */
    int32_t touches, distinct;
} Scratch;

/* The place of the target in the ranking. */
typedef struct {
    int32_t above, ties;
    int32_t top[RANKING_TOP];
} Standing;

static void touch(Scratch *s, int32_t y, double add)
{
    if (s->score[y] == 0.0) s->touched[s->touches++] = y;
    s->score[y] += add;
}

static bool is_candidate(const Scratch *s, int32_t y, int32_t target)
{
    return !s->seen[y] || y == target;
}

/* Sums the counts that belong to the last items of the history; only candidates stay touched.
 * `last` is the last event of the history, which has `length` events. */
static void gather(const Baselines *b, Scratch *s, int kind, const int32_t *last, int64_t length,
                   int32_t target)
{
    if (kind == BASELINE_LAST_ITEM) touch(s, last[0], 1.0);
    const PairTable *t = kind == BASELINE_MARKOV         ? &b->next
                         : kind == BASELINE_COOCCURRENCE ? &b->near
                                                         : NULL;
    const int reach = kind == BASELINE_COOCCURRENCE ? PAIR_WINDOW_MAX : 1;
    for (int d = 0; t && d < reach && d < length; d++)
        for (int64_t i = t->offset[last[-d]]; i < t->offset[last[-d] + 1]; i++)
            touch(s, t->item[i], t->weight[i] / (1.0 + d));
    int32_t kept = 0;
    for (int32_t k = 0; k < s->touches; k++) {
        const int32_t y = s->touched[k];
        if (!is_candidate(s, y, target)) {
            s->score[y] = 0.0;
            continue;
        }
        if (kind == BASELINE_COOCCURRENCE) s->score[y] /= sqrt(1.0 + (double)b->popularity[y]);
        s->touched[kept++] = y;
    }
    s->touches = kept;
}

/* > 0 where item y comes before z, 0 where they tie. `popular`: equal scores are in order of
 * popularity. */
static int compare(const Baselines *b, const Scratch *s, bool popular, int32_t y, int32_t z)
{
    if (s->score[y] != s->score[z]) return s->score[y] > s->score[z] ? 1 : -1;
    if (!popular) return 0;
    return (b->popularity[y] > b->popularity[z]) - (b->popularity[y] < b->popularity[z]);
}

/* The place of an untouched target: untouched items follow the touched ones in order of
 * popularity. */
static void place_by_popularity(const Baselines *b, const Scratch *s, int32_t target, Standing *p)
{
    p->above = b->rank[target];
    p->ties = b->peers[target] - 1;
    for (int32_t k = 0; k < s->distinct; k++) {
        const int32_t y = s->history[k];
        if (y == target) continue;
        p->above -= b->popularity[y] > b->popularity[target];
        p->ties -= b->popularity[y] == b->popularity[target];
    }
    for (int32_t k = 0; k < s->touches; k++) {
        const int32_t y = s->touched[k];
        p->above += b->popularity[y] <= b->popularity[target];
        p->ties -= b->popularity[y] == b->popularity[target];
    }
}

static void place(const Baselines *b, const Scratch *s, bool popular, int32_t target, Standing *p)
{
    *p = (Standing){0};
    if (s->score[target] > 0.0) {
        for (int32_t k = 0; k < s->touches; k++) {
            const int order = compare(b, s, popular, s->touched[k], target);
            p->above += order > 0;
            p->ties += order == 0 && s->touched[k] != target;
        }
    } else if (popular) {
        place_by_popularity(b, s, target, p);
    } else {
        p->above = s->touches;
        p->ties = b->items - (s->distinct - s->seen[target]) - s->touches - 1;
    }
}

/* The first candidates: touched items, by insertion, then untouched ones. */
static void find_top(const Baselines *b, const Scratch *s, bool popular, int32_t target,
                     int32_t *top)
{
    int count = 0;
    for (int32_t k = 0; k < s->touches; k++) {
        const int32_t y = s->touched[k];
        int at = count;
        for (; at > 0; at--) {
            const int order = compare(b, s, popular, y, top[at - 1]);
            if (order < 0 || (order == 0 && y > top[at - 1])) break;
            if (at < RANKING_TOP) top[at] = top[at - 1];
        }
        if (at < RANKING_TOP) top[at] = y;
        if (count < RANKING_TOP) count++;
    }
    for (int32_t k = 0; k < b->items && count < RANKING_TOP; k++) {
        const int32_t y = popular ? b->order[k] : k;
        if (s->score[y] == 0.0 && is_candidate(s, y, target)) top[count++] = y;
    }
    if (count < RANKING_TOP) top[count] = -1;
}

static void rank_event(const Scorer *self, const Histories *h, const ScoredEvents *events,
                       int64_t i, int64_t first, Scratch *s, Ranking *ranking)
{
    const Baselines *b = self->state;
    const int64_t e = events->event[i];
    const int32_t target = events->target[i];
    const bool popular = self->kind != BASELINE_COOCCURRENCE;
    Standing p;
    gather(b, s, self->kind, h->item + e - 1, e - first, target);
    place(b, s, popular, target, &p);
    find_top(b, s, popular, target, p.top);
    ranking_add(ranking, 1, &i, &p.above, &p.ties, p.top);
    for (int32_t k = 0; k < s->touches; k++) s->score[s->touched[k]] = 0.0;
    s->touches = 0;
}

static void rank_user(const Scorer *self, const Histories *h, const ScoredEvents *events, int64_t u,
                      bool include_seen, Scratch *s, Ranking *ranking)
{
    const int64_t first = h->offset[events->user[u]];
    int64_t e = first;
    for (int64_t i = events->first[u]; i < events->first[u + 1]; i++) {
        for (; e < events->event[i] && !include_seen; e++)
            if (!s->seen[h->item[e]]) {
                s->seen[h->item[e]] = 1;
                s->history[s->distinct++] = h->item[e];
            }
        rank_event(self, h, events, i, first, s, ranking);
    }
    for (int32_t k = 0; k < s->distinct; k++) s->seen[s->history[k]] = 0;
    s->distinct = 0;
}

static void spaces_close(Scratch *spaces, int threads)
{
    for (int i = 0; spaces && i < threads; i++) {
        free(spaces[i].score);
        free(spaces[i].seen);
        free(spaces[i].touched);
        free(spaces[i].history);
    }
    free(spaces);
}

static Status spaces_open(Scratch **spaces, int threads, int32_t items)
{
    const size_t count = (size_t)items + 1;
    *spaces = calloc((size_t)threads, sizeof **spaces);
    for (int i = 0; *spaces && i < threads; i++) {
        Scratch *s = &(*spaces)[i];
        s->score = calloc(count, sizeof *s->score);
        s->seen = calloc(count, 1);
        s->touched = malloc(count * sizeof *s->touched);
        s->history = malloc(count * sizeof *s->history);
        if (!s->score || !s->seen || !s->touched || !s->history) {
            spaces_close(*spaces, threads);
            *spaces = NULL;
        }
    }
    return *spaces ? OK : FAIL(ERR_MEMORY, "no memory to score %" PRId32 " items", items);
}

static Status rank_all(const Scorer *self, const Histories *h, const ScoredEvents *events,
                       const ScoreOptions *options, Ranking *ranking, float *purchase)
{
    REQUIRE(!purchase, "%s predicts no purchases", self->name);
    enum { BLOCK = 4096 }; /* users between two updates of the progress bar */
    Scratch *spaces;
    Progress bar;
    Status st = OK;
    TRY(spaces_open(&spaces, options->threads, h->items));
    progress_begin(&bar, self->name, events->users, options->listener);
    for (int64_t block = 0; block < events->users && st == OK; block += BLOCK) {
        const int64_t end = block + BLOCK < events->users ? block + BLOCK : events->users;
#pragma omp parallel for num_threads(options->threads) schedule(dynamic, 16)
        for (int64_t u = block; u < end; u++)
            rank_user(self, h, events, u, options->include_seen, &spaces[omp_get_thread_num()],
                      ranking);
        st = progress_update(&bar, end, NULL);
    }
    progress_end(&bar, NULL);
    spaces_close(spaces, options->threads);
    return st;
}

void baselines_scorers(const Baselines *b, Scorer *out)
{
    static const char *const name[BASELINES] = {"popularity", "last item", "markov",
                                                "co-occurrence"};
    for (int k = 0; k < BASELINES; k++)
        out[k] = (Scorer){.name = name[k],
                          .baseline = true,
                          .ranks = true,
                          .state = (void *)(uintptr_t)b,
                          .kind = k,
                          .score = rank_all};
}
