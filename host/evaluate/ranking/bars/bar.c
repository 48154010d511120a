/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/bars/bar.h"

#include <inttypes.h>
#include <math.h>
#include <omp.h>
#include <stdlib.h>

#include "base/progress.h"

int32_t bar_recent(BarScratch *s, const BarHistory *h, int64_t reach)
{
    int32_t count = 0;
    s->stamps++;
    for (int64_t d = 0; d < h->length && d < reach; d++) {
        const int32_t x = h->item[h->length - 1 - d];
        if (s->stamp[x] == s->stamps) continue;
        s->stamp[x] = s->stamps;
        s->recent[count++] = x;
    }
    return count;
}

/* ---- The place of the target ----------------------------------------------------------------- */

typedef struct {
    int32_t above, ties;
    int32_t top[RANKING_TOP];
} Standing;

static bool is_candidate(const BarScratch *s, int32_t y, int32_t target)
{
    return !s->seen[y] || y == target;
}

/* Keeps candidates only among the touched items. */
static void keep_candidates(const Bar *bar, BarScratch *s, int32_t target)
{
    int32_t kept = 0;
    if (bar->dense)
        for (s->touches = 0; s->touches < bar->popularity->items; s->touches++)
            s->touched[s->touches] = s->touches;
    for (int32_t k = 0; k < s->touches; k++) {
        const int32_t y = s->touched[k];
        if (is_candidate(s, y, target))
            s->touched[kept++] = y;
        else
            s->score[y] = 0.0;
    }
    s->touches = kept;
}

/* > 0 where item y comes before z, 0 where they tie. */
static int compare(const Bar *bar, const BarScratch *s, int32_t y, int32_t z)
{
    const double a = s->score[y], b = s->score[z], tie = bar->tie > 0.0 ? bar->tie : BAR_TIE;
    if (fabs(a - b) > tie * fmax(fabs(a), fabs(b))) return a > b ? 1 : -1;
    if (!bar->popular) return 0;
    const int64_t *count = bar->popularity->count;
    return (count[y] > count[z]) - (count[y] < count[z]);
}

/* The place of an untouched target: untouched items follow the touched ones in order of
 * popularity. */
static void place_by_popularity(const Popularity *b, const BarScratch *s, int32_t target,
                                Standing *p)
{
    p->above = b->rank[target];
    p->ties = b->peers[target] - 1;
    for (int32_t k = 0; k < s->distinct; k++) {
        const int32_t y = s->history[k];
        if (y == target) continue;
        p->above -= b->count[y] > b->count[target];
        p->ties -= b->count[y] == b->count[target];
    }
    for (int32_t k = 0; k < s->touches; k++) {
        const int32_t y = s->touched[k];
        p->above += b->count[y] <= b->count[target];
        p->ties -= b->count[y] == b->count[target];
    }
}

static void place(const Bar *bar, const BarScratch *s, int32_t target, Standing *p)
{
    *p = (Standing){0};
    if (bar->dense || s->score[target] > 0.0) {
        for (int32_t k = 0; k < s->touches; k++) {
            const int order = compare(bar, s, s->touched[k], target);
            p->above += order > 0;
            p->ties += order == 0 && s->touched[k] != target;
        }
    } else if (bar->popular) {
        place_by_popularity(bar->popularity, s, target, p);
    } else {
        p->above = s->touches;
        p->ties = bar->popularity->items - (s->distinct - s->seen[target]) - s->touches - 1;
    }
}

/* The first candidates: touched items, by insertion, then untouched ones. */
static void find_top(const Bar *bar, const BarScratch *s, int32_t target, int32_t *top)
{
    int count = 0;
    for (int32_t k = 0; k < s->touches; k++) {
        const int32_t y = s->touched[k];
        int at = count;
        for (; at > 0; at--) {
            const int order = compare(bar, s, y, top[at - 1]);
            if (order < 0 || (order == 0 && y > top[at - 1])) break;
            if (at < RANKING_TOP) top[at] = top[at - 1];
        }
        if (at < RANKING_TOP) top[at] = y;
        if (count < RANKING_TOP) count++;
    }
    for (int32_t k = 0; k < bar->popularity->items && count < RANKING_TOP && !bar->dense; k++) {
        const int32_t y = bar->popular ? bar->popularity->order[k] : k;
        if (s->score[y] == 0.0 && is_candidate(s, y, target)) top[count++] = y;
    }
    if (count < RANKING_TOP) top[count] = -1;
}

/* ---- All events ------------------------------------------------------------------------------ */

static void rank_event(const Bar *bar, const Histories *h, const ScoredEvents *events, int64_t i,
                       int64_t user, BarScratch *s, Ranking *ranking)
{
    const int64_t first = h->offset[user];
    const int32_t target = events->target[i];
    Standing p;
    bar->score(bar, s, &(BarHistory){h->item + first, events->known[i] - first, user});
    keep_candidates(bar, s, target);
    place(bar, s, target, &p);
    find_top(bar, s, target, p.top);
    ranking_add(ranking, 1, &i, &p.above, &p.ties, p.top);
    for (int32_t k = 0; k < s->touches; k++) s->score[s->touched[k]] = 0.0;
    s->touches = 0;
}

static void rank_user(const Bar *bar, const Histories *h, const ScoredEvents *events, int64_t u,
                      bool include_seen, BarScratch *s, Ranking *ranking)
{
    int64_t e = h->offset[events->user[u]];
    for (int64_t i = events->first[u]; i < events->first[u + 1]; i++) {
        for (; e < events->known[i] && !include_seen; e++)
            if (!s->seen[h->item[e]]) {
                s->seen[h->item[e]] = 1;
                s->history[s->distinct++] = h->item[e];
            }
        rank_event(bar, h, events, i, events->user[u], s, ranking);
    }
    for (int32_t k = 0; k < s->distinct; k++) s->seen[s->history[k]] = 0;
    s->distinct = 0;
}

static void scratch_close(BarScratch *spaces, int threads, const Bar *bar)
{
    for (int i = 0; spaces && i < threads; i++) {
        BarScratch *s = &spaces[i];
        if (s->own) bar->scratch_close(s->own);
        free(s->score);
        free(s->touched);
        free(s->seen);
        free(s->history);
        free(s->recent);
        free(s->stamp);
    }
    free(spaces);
}

static bool scratch_open(BarScratch *s, const Bar *bar)
{
    const size_t items = (size_t)bar->popularity->items + 1;
    s->score = calloc(items, sizeof *s->score);
    s->touched = malloc(items * sizeof *s->touched);
    s->seen = calloc(items, 1);
    s->history = malloc(items * sizeof *s->history);
    s->recent = malloc(items * sizeof *s->recent);
    s->stamp = calloc(items, sizeof *s->stamp);
    if (bar->scratch_open) s->own = bar->scratch_open(bar);
    return s->score && s->touched && s->seen && s->history && s->recent && s->stamp &&
           (s->own || !bar->scratch_open);
}

static Status rank_all(const Scorer *self, const Histories *h, const ScoredEvents *events,
                       const ScoreOptions *options, Ranking *ranking, float *purchase)
{
    REQUIRE(!purchase, "%s predicts no purchases", self->name);
    enum { BLOCK = 4096 }; /* users between two updates of the progress bar */
    const Bar *bar = self->state;
    const int threads = options->threads;
    BarScratch *spaces = calloc((size_t)threads, sizeof *spaces);
    Progress shown;
    Status st = OK;
    bool enough = spaces;
    for (int i = 0; i < threads && enough; i++) enough = scratch_open(&spaces[i], bar);
    if (!enough) st = FAIL(ERR_MEMORY, "no memory to score %" PRId32 " items", h->items);
    progress_begin(&shown, self->name, events->users, options->listener);
    for (int64_t block = 0; block < events->users && st == OK; block += BLOCK) {
        const int64_t end = block + BLOCK < events->users ? block + BLOCK : events->users;
#pragma omp parallel for num_threads(threads) schedule(dynamic, 16)
        for (int64_t u = block; u < end; u++)
            rank_user(bar, h, events, u, options->include_seen, &spaces[omp_get_thread_num()],
                      ranking);
        st = progress_update(&shown, end, NULL);
    }
    if (st == OK) progress_end(&shown, NULL);
    scratch_close(spaces, threads, bar);
    return st;
}

Scorer bar_scorer(const Bar *bar)
{
    return (Scorer){.name = bar->name,
                    .baseline = true,
                    .ranks = true,
                    .state = (void *)(uintptr_t)bar,
                    .score = rank_all};
}
