/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/statistics/paired.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "evaluate/statistics/estimate.h"

/* A row is the size of a user, then one term for each statistic. */
static double ratio(const double *sum, int k) { return sum[1 + k] / sum[0]; }

/* The number of the statistic V_a - V_b, b < a. The arms come first, then the differences. */
static int statistic_of(int arms, int a, int b) { return arms + a * (a - 1) / 2 + b; }

static Status over_users(BootstrapInterval *out, const PairedSample *s, const Bootstrap *bootstrap)
{
    const int count = s->arms + s->arms * (s->arms - 1) / 2, width = 1 + count;
    double *row = calloc((size_t)s->users * (size_t)width + 1, sizeof *row);
    if (!row) return FAIL(ERR_MEMORY, "no memory to resample %" PRId64 " users", s->users);
    for (int64_t u = 0; u < s->users; u++) {
        double *to = row + u * width;
        to[0] = s->size[u];
        for (int a = 0; a < s->arms; a++) {
            to[1 + a] = s->sum[a * s->users + u];
            for (int b = 0; b < a; b++)
                to[1 + statistic_of(s->arms, a, b)] = to[1 + a] - s->sum[b * s->users + u];
        }
    }
    const BootstrapSample sample = {s->users, width, row, count, ratio};
    const Status st = bootstrap_run(out, &sample, bootstrap);
    free(row);
    return st;
}

/* The interval over the seeds of x[s] - minus[s], or of x[s] where minus is NULL. */
static PairedEstimate over_seeds(const double *x, const double *minus, int seeds)
{
    double mean = 0.0, square = 0.0;
    for (int s = 0; s < seeds; s++) mean += (x[s] - (minus ? minus[s] : 0.0)) / seeds;
    for (int s = 0; s < seeds; s++) {
        const double d = x[s] - (minus ? minus[s] : 0.0) - mean;
        square += d * d;
    }
    const double spread = sqrt(square / (seeds - 1.0));
    const Estimate e =
        estimate_interval(mean, spread / sqrt(seeds), seeds - 1.0, -INFINITY, INFINITY);
    return (PairedEstimate){.value = mean, .spread = spread, .seeds = {e.low, e.high}};
}

/* Adds the interval over users (NULL where there are no users) and the interval `both`. */
static void join(PairedEstimate *e, const BootstrapInterval *users)
{
    if (!users) {
        e->users = (PairedRange){NAN, NAN};
        e->both = e->seeds;
        return;
    }
    e->users = (PairedRange){users->low, users->high};
    e->both = (PairedRange){e->value - hypot(e->value - users->low, e->value - e->seeds.low),
                            e->value + hypot(users->high - e->value, e->seeds.high - e->value)};
}

static PairedEstimate negated(PairedEstimate e)
{
    return (PairedEstimate){-e.value,
                            e.spread,
                            {-e.users.high, -e.users.low},
                            {-e.seeds.high, -e.seeds.low},
                            {-e.both.high, -e.both.low}};
}

Status paired_estimates(PairedEstimate *arm, PairedEstimate *difference, const PairedSample *s,
                        const Bootstrap *bootstrap)
{
    enum { COUNT_MAX = PAIRED_ARMS_MAX * (PAIRED_ARMS_MAX + 1) / 2 };
    REQUIRE(s->arms >= 1 && s->arms <= PAIRED_ARMS_MAX && s->seeds >= 2,
            "%d arms, want 1 to %d; %d seeds, want at least 2", s->arms, PAIRED_ARMS_MAX, s->seeds);
    BootstrapInterval users[COUNT_MAX];
    int64_t counted = 0;
    for (int64_t u = 0; u < s->users; u++) counted += s->size[u] > 0.0;
    for (int k = 0; k < COUNT_MAX; k++) users[k] = (BootstrapInterval){NAN, NAN, NAN};
    if (counted >= PAIRED_USERS_MIN) TRY(over_users(users, s, bootstrap));
    for (int a = 0; a < s->arms; a++) {
        const double *x = s->seed + a * s->seeds;
        arm[a] = over_seeds(x, NULL, s->seeds);
        join(&arm[a], s->users ? &users[a] : NULL);
        difference[a * s->arms + a] = (PairedEstimate){0};
        for (int b = 0; b < a; b++) {
            PairedEstimate *d = &difference[a * s->arms + b];
            *d = over_seeds(x, s->seed + b * s->seeds, s->seeds);
            join(d, s->users ? &users[statistic_of(s->arms, a, b)] : NULL);
            difference[b * s->arms + a] = negated(*d);
        }
    }
    return OK;
}

PairedVerdict paired_verdict(const PairedEstimate *difference)
{
    if (difference->both.low > 0.0) return PAIRED_BEATS;
    if (difference->both.high < 0.0) return PAIRED_IS_BEATEN;
    return PAIRED_UNDECIDED;
}

const char *paired_verdict_words(PairedVerdict v)
{
    static const char *const words[] = {[PAIRED_UNDECIDED] = "cannot be told apart from",
                                        [PAIRED_BEATS] = "beats",
                                        [PAIRED_IS_BEATEN] = "is beaten by"};
    return words[v];
}
