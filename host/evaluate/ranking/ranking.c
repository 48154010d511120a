/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/ranking.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int cut;
    char gain; /* of rank r: h is 1, n is 1 / log2(r + 2), m is 1 / (r + 1) */
} measures[MEASURES] = {
    [HR_1] = {"HR@1", 1, 'h'},        [HR_5] = {"HR@5", 5, 'h'},
    [HR_10] = {"HR@10", 10, 'h'},     [HR_20] = {"HR@20", 20, 'h'},
    [NDCG_5] = {"NDCG@5", 5, 'n'},    [NDCG_10] = {"NDCG@10", 10, 'n'},
    [NDCG_20] = {"NDCG@20", 20, 'n'}, [MRR_5] = {"MRR@5", 5, 'm'},
    [MRR_10] = {"MRR@10", 10, 'm'},   [MRR_20] = {"MRR@20", 20, 'm'},
};

const char *ranking_measure_name(RankingMeasure m) { return measures[m].name; }

double ranking_measure_value(RankingMeasure m, int64_t above, int64_t ties)
{
    const int64_t cut = measures[m].cut, end = above + ties + 1 < cut ? above + ties + 1 : cut;
    double sum = 0.0;
    for (int64_t r = above; r < end; r++) {
        if (measures[m].gain == 'h')
            sum += 1.0;
        else if (measures[m].gain == 'n')
            sum += 1.0 / log2((double)r + 2.0);
        else
            sum += 1.0 / ((double)r + 1.0);
    }
    return sum / (double)(ties + 1);
}

Status ranking_open(Ranking *r, const ScoredEvents *events)
{
    const size_t count = (size_t)events->count + 1;
    *r = (Ranking){.events = events};
    r->above = malloc(count * sizeof *r->above);
    r->ties = malloc(count * sizeof *r->ties);
    r->shown = calloc((size_t)events->groups * (size_t)events->items + 1, 1);
    if (!r->above || !r->ties || !r->shown) {
        ranking_close(r);
        return FAIL(ERR_MEMORY, "no memory to rank %" PRId64 " events", events->count);
    }
    memset(r->above, -1, count * sizeof *r->above);
    return OK;
}

void ranking_close(Ranking *r)
{
    free(r->above);
    free(r->ties);
    free(r->shown);
    *r = (Ranking){0};
}

/* Marks the top items of an event as shown, in each group of the event. */
static void show(Ranking *r, int64_t event, const int32_t *top)
{
    const ScoredEvents *s = r->events;
    const int groups[] = {GROUP_ALL, s->repeat[event] ? GROUP_REPEAT : GROUP_NEW,
                          GROUP_ACTION + s->action[event], s->cold[event] ? GROUP_COLD : GROUP_ALL};
    for (int g = 0; g < 4; g++)
        for (int k = 0; k < RANKING_TOP && top[k] >= 0; k++) {
            REQUIRE(top[k] < s->items, "top item %" PRId32 ", want below %" PRId32, top[k],
                    s->items);
            uint8_t *mark = r->shown + (int64_t)groups[g] * s->items + top[k];
            if (!__atomic_load_n(mark, __ATOMIC_RELAXED))
                __atomic_store_n(mark, 1, __ATOMIC_RELAXED);
        }
}

void ranking_add(Ranking *r, int64_t count, const int64_t *index, const int32_t *above,
                 const int32_t *ties, const int32_t *top)
{
    for (int64_t i = 0; i < count; i++) {
        const int64_t event = index[i];
        REQUIRE(event >= 0 && event < r->events->count, "event %" PRId64 ", want 0 to %" PRId64,
                event, r->events->count - 1);
        REQUIRE(r->above[event] < 0, "event %" PRId64 " was added before", event);
        REQUIRE(above[i] >= 0 && ties[i] >= 0 && ties[i] < r->events->items - above[i],
                "event %" PRId64 ": %" PRId32 " above and %" PRId32 " ties of %" PRId32 " items",
                event, above[i], ties[i], r->events->items);
        r->above[event] = above[i];
        r->ties[event] = ties[i];
        show(r, event, top + i * RANKING_TOP);
    }
}

/* Sums over users, for a ratio and its variance. */
typedef struct {
    double users, y, n, yy, yn, nn;
} Sums;

static void sums_add(Sums *s, double y, double n)
{
    s->users += 1.0;
    s->y += y;
    s->n += n;
    s->yy += y * y;
    s->yn += y * n;
    s->nn += n * n;
}

static Estimate ratio(const Sums *s, double least, double most)
{
    const double r = s->n > 0.0 ? s->y / s->n : NAN;
    const double residual = fmax(s->yy - 2.0 * r * s->yn + r * r * s->nn, 0.0);
    const double error = sqrt(s->users / (s->users - 1.0) * residual) / s->n;
    return estimate_interval(r, error, s->users - 1.0, least, most);
}

/* For most events of a poor scorer, the target is ranked after every cut. Then all measures are
 * 0. */
static void add_event(double *y, int64_t above, int64_t ties)
{
    if (above >= RANKING_TOP) return;
    for (int m = 0; m < MEASURES; m++)
        y[m] += ranking_measure_value((RankingMeasure)m, above, ties);
}

/* The share of the catalogue that was shown. */
static double covered(const Ranking *r, int group)
{
    const uint8_t *shown = r->shown + (int64_t)group * r->events->items;
    int64_t count = 0;
    for (int32_t x = 0; x < r->events->items; x++) count += shown[x];
    return (double)count / (double)r->events->items;
}

void ranking_summary(const Ranking *r, int group, RankingSummary *out)
{
    const ScoredEvents *s = r->events;
    Sums sums[MEASURES] = {0};
    *out = (RankingSummary){.coverage = NAN};
    for (int64_t u = 0; u < s->users; u++) {
        double y[MEASURES] = {0};
        int64_t n = 0;
        for (int64_t i = s->first[u]; i < s->first[u + 1]; i++) {
            if (!histories_scored_in_group(s, i, group)) continue;
            REQUIRE(r->above[i] >= 0, "event %" PRId64 " was never ranked", i);
            add_event(y, r->above[i], r->ties[i]);
            n++;
        }
        if (!n) continue;
        for (int m = 0; m < MEASURES; m++) sums_add(&sums[m], y[m], (double)n);
        out->events += n;
        out->users++;
    }
    for (int m = 0; m < MEASURES; m++) out->measure[m] = ratio(&sums[m], 0.0, 1.0);
    if (out->events) out->coverage = covered(r, group);
}

/* The sum of a measure over the events of user[u] in the group; *size is their number. */
static double user_sum(const Ranking *r, int64_t u, int group, RankingMeasure m, double *size)
{
    const ScoredEvents *s = r->events;
    double sum = 0.0;
    *size = 0.0;
    for (int64_t i = s->first[u]; i < s->first[u + 1]; i++) {
        if (!histories_scored_in_group(s, i, group)) continue;
        sum += ranking_measure_value(m, r->above[i], r->ties[i]);
        *size += 1.0;
    }
    return sum;
}

void ranking_users(const Ranking *r, int group, RankingMeasure m, double *sum, double *size)
{
    for (int64_t u = 0; u < r->events->users; u++) sum[u] = user_sum(r, u, group, m, &size[u]);
}

Estimate ranking_difference(const Ranking *a, const Ranking *b, int group, RankingMeasure m)
{
    REQUIRE(a->events == b->events, "rankings of different events");
    Sums sums = {0};
    for (int64_t u = 0; u < a->events->users; u++) {
        double n;
        const double y = user_sum(a, u, group, m, &n) - user_sum(b, u, group, m, &n);
        if (n > 0.0) sums_add(&sums, y, n);
    }
    return ratio(&sums, -1.0, 1.0);
}
