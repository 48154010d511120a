/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/ranking.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "evaluate/statistics/ratio.h"

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
    r->exposed = calloc((size_t)events->items + 1, sizeof *r->exposed);
    if (!r->above || !r->ties || !r->exposed) {
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
    free(r->exposed);
    *r = (Ranking){0};
}

static void expose(Ranking *r, const int32_t *top)
{
    const int32_t items = r->events->items;
    for (int k = 0; k < RANKING_TOP && top[k] >= 0; k++) {
        REQUIRE(top[k] < items, "top item %" PRId32 ", want below %" PRId32, top[k], items);
        __atomic_fetch_add(&r->exposed[top[k]], 1, __ATOMIC_RELAXED);
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
        expose(r, top + i * RANKING_TOP);
    }
}

/* For most events of a poor scorer, the target is ranked after every cut. Then all measures are
 * 0. */
static void add_event(double *y, double weight, int64_t above, int64_t ties)
{
    if (above >= RANKING_TOP) return;
    for (int m = 0; m < MEASURES; m++)
        y[m] += weight * ranking_measure_value((RankingMeasure)m, above, ties);
}

/* Of one ranking, over the events of a group. */
static void summarise(const Ranking *r, int group, RankingSummary *out)
{
    const ScoredEvents *s = r->events;
    RatioSums sums[MEASURES] = {0};
    *out = (RankingSummary){0};
    for (int64_t u = 0; u < s->users; u++) {
        double y[MEASURES] = {0}, n = 0.0;
        for (int64_t i = s->first[u]; i < s->first[u + 1]; i++) {
            const double weight = histories_scored_weight(s, i, group);
            if (weight == 0.0) continue;
            REQUIRE(r->above[i] >= 0, "event %" PRId64 " was never ranked", i);
            add_event(y, weight, r->above[i], r->ties[i]);
            n += weight;
            out->events++;
        }
        if (n == 0.0) continue;
        for (int m = 0; m < MEASURES; m++) ratio_add(&sums[m], y[m], n);
        out->users++;
    }
    for (int m = 0; m < MEASURES; m++) out->measure[m] = ratio_estimate(&sums[m], 0.0, 1.0);
}

/* The weighted sum of a measure over the events of user[u] in the group, its mean over the seeds;
 * *size is the sum of the weights. */
static double user_sum(const Ranking *r, int seeds, int64_t u, int group, RankingMeasure m,
                       double *size)
{
    const ScoredEvents *s = r->events;
    double sum = 0.0;
    *size = 0.0;
    for (int64_t i = s->first[u]; i < s->first[u + 1]; i++) {
        const double weight = histories_scored_weight(s, i, group);
        if (weight == 0.0) continue;
        for (int k = 0; k < seeds; k++)
            sum += weight * ranking_measure_value(m, r[k].above[i], r[k].ties[i]);
        *size += weight;
    }
    return sum / seeds;
}

/* The mean over the group of the measure of a less that of b (NULL: nothing), with the interval
 * over users alone. */
static Estimate over_users(const Ranking *a, int a_seeds, const Ranking *b, int b_seeds, int group,
                           RankingMeasure m)
{
    RatioSums sums = {0};
    for (int64_t u = 0; u < a->events->users; u++) {
        double n, y = user_sum(a, a_seeds, u, group, m, &n);
        if (b) y -= user_sum(b, b_seeds, u, group, m, &n);
        if (n > 0.0) ratio_add(&sums, y, n);
    }
    return ratio_estimate(&sums, b ? -1.0 : 0.0, 1.0);
}

void ranking_summary(const Ranking *r, int seeds, int group, RankingSummary *out)
{
    double value[MEASURES][RANKING_SEEDS_MAX];
    REQUIRE(seeds >= 1 && seeds <= RANKING_SEEDS_MAX, "%d seeds, want 1 to %d", seeds,
            RANKING_SEEDS_MAX);
    for (int k = 0; k < seeds; k++) {
        summarise(&r[k], group, out);
        for (int m = 0; m < MEASURES; m++) value[m][k] = out->measure[m].value;
    }
    for (int m = 0; m < MEASURES && seeds > 1; m++) {
        const Estimate users = over_users(r, seeds, NULL, 0, group, (RankingMeasure)m);
        out->measure[m] = estimate_join(users, estimate_of_mean(value[m], seeds), 0.0, 1.0);
    }
}

void ranking_users(const Ranking *r, int group, RankingMeasure m, double *sum, double *size)
{
    for (int64_t u = 0; u < r->events->users; u++) sum[u] = user_sum(r, 1, u, group, m, &size[u]);
}

Estimate ranking_difference(const Ranking *a, int a_seeds, const Ranking *b, int b_seeds, int group,
                            RankingMeasure m)
{
    const int seeds = a_seeds > b_seeds ? a_seeds : b_seeds;
    double value[RANKING_SEEDS_MAX];
    REQUIRE(a->events == b->events, "rankings of different events");
    REQUIRE(a_seeds >= 1 && b_seeds >= 1 && seeds <= RANKING_SEEDS_MAX &&
                (a_seeds == 1 || b_seeds == 1 || a_seeds == b_seeds),
            "%d and %d seeds, want one or equally many", a_seeds, b_seeds);
    const Estimate users = over_users(a, a_seeds, b, b_seeds, group, m);
    if (seeds == 1) return users;
    for (int k = 0; k < seeds; k++)
        value[k] =
            over_users(a_seeds == 1 ? a : a + k, 1, b_seeds == 1 ? b : b + k, 1, group, m).value;
    return estimate_join(users, estimate_of_mean(value, seeds), -1.0, 1.0);
}

/* ---- Spread ---------------------------------------------------------------------------------- */

static int by_count(const void *a, const void *b)
{
    const uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Adds the spread of one ranking; `count` [items] is overwritten. */
static void add_spread(const Ranking *r, const int64_t *popularity, uint32_t *count,
                       RankingSpread *out)
{
    const int32_t items = r->events->items;
    double places = 0.0, pairs = 0.0, bits = 0.0, spread = 0.0, events = 0.0, exposed = 0.0;
    for (int32_t x = 0; x < items; x++) events += (double)popularity[x];
    for (int32_t x = 0; x < items; x++) {
        const double c = r->exposed[x];
        exposed += c > 0.0;
        places += c;
        pairs += c * (c - 1.0);
        if (c > 0.0) bits -= c * log2(((double)popularity[x] + 1.0) / (events + items));
    }
    memcpy(count, r->exposed, (size_t)items * sizeof *count);
    qsort(count, (size_t)items, sizeof *count, by_count);
    for (int32_t k = 0; k < items; k++) spread += (2.0 * k + 1.0 - items) * count[k];
    out->coverage += exposed / items;
    out->diversity += 1.0 - pairs / (((double)r->events->count - 1.0) * places);
    out->novelty += bits / places;
    out->gini += spread / (items * places);
}

Status ranking_spread(const Ranking *r, int seeds, const int64_t *popularity, RankingSpread *out)
{
    uint32_t *count = malloc(((size_t)r->events->items + 1) * sizeof *count);
    if (!count) return FAIL(ERR_MEMORY, "no memory for %" PRId32 " items", r->events->items);
    *out = (RankingSpread){0};
    for (int k = 0; k < seeds; k++) add_spread(&r[k], popularity, count, out);
    out->coverage /= r->events->count ? seeds : NAN;
    out->diversity /= r->events->count > 1 ? seeds : NAN;
    out->novelty /= seeds;
    out->gini /= seeds;
    free(count);
    return OK;
}
