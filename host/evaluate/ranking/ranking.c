#include "evaluate/ranking/ranking.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name;
    int cut;
    char gain; /* h: 1, n: 1 / log2(r + 2), m: 1 / (r + 1) */
} measures[MEASURES] = {
    [HR_1] = {"HR@1", 1, 'h'},        [HR_5] = {"HR@5", 5, 'h'},
    [HR_10] = {"HR@10", 10, 'h'},     [HR_20] = {"HR@20", 20, 'h'},
    [NDCG_5] = {"NDCG@5", 5, 'n'},    [NDCG_10] = {"NDCG@10", 10, 'n'},
    [NDCG_20] = {"NDCG@20", 20, 'n'}, [MRR_5] = {"MRR@5", 5, 'm'},
    [MRR_10] = {"MRR@10", 10, 'm'},   [MRR_20] = {"MRR@20", 20, 'm'},
};

const char *ranking_measure_name(Measure m) { return measures[m].name; }

double ranking_measure_value(Measure m, int64_t above, int64_t ties)
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
        return FAIL(ERR_MEMORY, "no memory to rank %lld events", (long long)events->count);
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

static void show(Ranking *r, int64_t event, const int32_t *top)
{
    const ScoredEvents *s = r->events;
    const int groups[] = {GROUP_ALL, s->repeat[event] ? GROUP_REPEAT : GROUP_NEW,
                          GROUP_ACTION + s->action[event], s->cold[event] ? GROUP_COLD : GROUP_ALL};
    for (int g = 0; g < 4; g++)
        for (int k = 0; k < RANKING_TOP && top[k] >= 0; k++) {
            REQUIRE(top[k] < s->items, "top item %d of %d items", top[k], s->items);
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
        REQUIRE(event >= 0 && event < r->events->count, "event %lld of %lld", (long long)event,
                (long long)r->events->count);
        REQUIRE(r->above[event] < 0, "event %lld was added before", (long long)event);
        REQUIRE(above[i] >= 0 && ties[i] >= 0 && ties[i] < r->events->items - above[i],
                "event %lld: %d above and %d ties of %d items", (long long)event, above[i], ties[i],
                r->events->items);
        r->above[event] = above[i];
        r->ties[event] = ties[i];
        show(r, event, top + i * RANKING_TOP);
    }
}

/* Sums over users that the ratio and its variance need. */
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

/* The 97.5 % quantile of Student's t: closed forms for 1 and 2 degrees, else Abramowitz & Stegun
 * 26.7.5 (within 0.5 % from 3, 0.02 % from 8 degrees on). */
static double student_975(double freedom)
{
    const double z = 1.959963984540054, zz = z * z, f = freedom;
    if (f == 1.0) return 12.706204736174707;
    if (f == 2.0) return 4.302652729749464;
    return z + z * (zz + 1.0) / (4.0 * f) + z * ((5.0 * zz + 16.0) * zz + 3.0) / (96.0 * f * f) +
           z * (((3.0 * zz + 19.0) * zz + 17.0) * zz - 15.0) / (384.0 * f * f * f) +
           z * ((((79.0 * zz + 776.0) * zz + 1482.0) * zz - 1920.0) * zz - 945.0) /
               (92160.0 * f * f * f * f);
}

Estimate ranking_interval(double value, double error, double freedom, double least, double most)
{
    Estimate e = {value, NAN, NAN, NAN, NAN};
    if (freedom < 1.0) return e;
    e.error = error;
    e.half = student_975(freedom) * error;
    e.low = fmax(least, value - e.half);
    e.high = fmin(most, value + e.half);
    return e;
}

static Estimate ratio(const Sums *s, double least, double most)
{
    const double r = s->n > 0.0 ? s->y / s->n : NAN;
    const double residual = fmax(s->yy - 2.0 * r * s->yn + r * r * s->nn, 0.0);
    const double error = sqrt(s->users / (s->users - 1.0) * residual) / s->n;
    return ranking_interval(r, error, s->users - 1.0, least, most);
}

/* Expectations of measures whose target lies beyond every cut are 0: most events of a poor scorer.
 */
static void add_event(double *y, int64_t above, int64_t ties)
{
    if (above >= RANKING_TOP) return;
    for (int m = 0; m < MEASURES; m++) y[m] += ranking_measure_value((Measure)m, above, ties);
}

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
            REQUIRE(r->above[i] >= 0, "event %lld was never ranked", (long long)i);
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

/* Sum over the events of user[u] in the group; *size their number. */
static double user_sum(const Ranking *r, int64_t u, int group, Measure m, double *size)
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

void ranking_users(const Ranking *r, int group, Measure m, double *sum, double *size)
{
    for (int64_t u = 0; u < r->events->users; u++) sum[u] = user_sum(r, u, group, m, &size[u]);
}

Estimate ranking_difference(const Ranking *a, const Ranking *b, int group, Measure m)
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
