/* SPDX-License-Identifier: Apache-2.0 */
/* Ranking measures over the whole catalogue, from the place of each target. This module does not
 * depend on a model: a scorer adds for each scored event
 *
 *   above   the candidates with a strictly greater score than the target
 *   ties    the other candidates with the target's score
 *   top     its first RANKING_TOP candidates (ties by lower item number), for the spread
 *
 * Candidates are all items of the catalogue, never a sample; unless seen items are included, the
 * items of the event's history are not candidates, and events whose target is one of them are not
 * scored.
 *
 * Ties. Tied candidates are in uniformly random order, and a measure is its exact expectation over
 * that order. With the 0-based rank r uniform on above .. above+ties:
 *
 *   HR@k   = P(r < k)
 *   NDCG@k = E[1(r < k) / log2(r + 2)]
 *   MRR@k  = E[1(r < k) / (r + 1)]
 *
 * One item is relevant in each event, so the ideal DCG is 1 and HR is the recall. Jarvelin &
 * Kekalainen 2002; ties after McSherry & Najork 2008. HR@1 is the accuracy of one step.
 *
 * Intervals. Users are the independent units; the events of one user are not independent. A measure
 * is the ratio R = sum_u y_u / sum_u n_u (y_u: the sum over the n_u events of user u; where events
 * have weights, the weighted sum and the sum of the weights), with the cluster-robust variance of
 * the delta method, U/(U-1) sum_u (y_u - R n_u)^2 / (sum_u n_u)^2 over the U users. The interval is
 * R +- t standard errors, with U-1 degrees of freedom, cut at 0 and 1 (Cochran 1977, 6.4). It is
 * NaN with fewer than 2 users. Where every event has the same measure, for instance 0 without any
 * hit, the interval has width 0; read it together with the number of users. The variance is that of
 * sampling users, not of training.
 */
#ifndef SOUK_RANKING_H
#define SOUK_RANKING_H

#include "evaluate/ranking/histories.h"
#include "evaluate/statistics/estimate.h"

enum { RANKING_TOP = 20, RANKING_SEEDS_MAX = 16 };
typedef enum {
    HR_1,
    HR_5,
    HR_10,
    HR_20,
    NDCG_5,
    NDCG_10,
    NDCG_20,
    MRR_5,
    MRR_10,
    MRR_20,
    MEASURES
} RankingMeasure;
const char *ranking_measure_name(RankingMeasure m); /* "HR@10" */

/* The expectation of measure m for one event. */
double ranking_measure_value(RankingMeasure m, int64_t above, int64_t ties);

typedef struct {
    const ScoredEvents *events;
    int32_t *above, *ties; /* [events]; above is -1 until the event is added */
    uint32_t *exposed;     /* [items] in how many tops the item is */
} Ranking;

Status ranking_open(Ranking *r, const ScoredEvents *events);
void ranking_close(Ranking *r); /* safe on {0} */

/* Adds `count` events: index[i] is a row of `events`; above[i] and ties[i] as above; top [count,
 * RANKING_TOP] ends with -1 where there are fewer candidates. Each event is added once; events may
 * come in any order and from several threads. */
void ranking_add(Ranking *r, int64_t count, const int64_t *index, const int32_t *above,
                 const int32_t *ties, const int32_t *top);

typedef struct {
    int64_t events, users;
    Estimate measure[MEASURES];
} RankingSummary;

/* Of r [seeds], over the events of one group, after every event was added. All is NaN where the
 * group is empty. */
void ranking_summary(const Ranking *r, int seeds, int group, RankingSummary *out);

/* sum [users] and size [users]: the weighted sum of measure m over the events of user[u] in the
 * group, and the sum of their weights, which are 1 but for GROUP_REWARD. */
void ranking_users(const Ranking *r, int group, RankingMeasure m, double *sum, double *size);

/* The mean over the group of (measure of a - measure of b), event by event, with its interval,
 * which is not cut at 0. If the interval excludes 0, the difference is more than the variation due
 * to which users were sampled and, where `a` or `b` has several seeds, to the seeds. a [a_seeds]
 * and b [b_seeds]; where both have several, they have the same. */
Estimate ranking_difference(const Ranking *a, int a_seeds, const Ranking *b, int b_seeds, int group,
                            RankingMeasure m);

/* How a ranking spreads its tops over the catalogue. With c_y the number of tops that have item y,
 * C their sum, n the number of events, pop(y) the train events of y and P their sum:
 *
 *   coverage   the share of items with c_y > 0
 *   diversity  1 - sum_y c_y (c_y - 1) / ((n - 1) C): the share of a top that the top of another
 *              event does not have, on average (Zhou et al. 2010)
 *   novelty    sum_y c_y (-log2((pop(y) + 1) / (P + items))) / C, in bits (Zhou et al. 2010, with
 *              one event added to each item, as new items have none)
 *   gini       the Gini coefficient of c over the whole catalogue: 0 where all items are shown
 *              equally often, near 1 where few items have all places
 */
typedef struct {
    double coverage, diversity, novelty, gini;
} RankingSpread;

/* Of r [seeds]: the means. All is NaN without events, diversity with one. */
Status ranking_spread(const Ranking *r, int seeds, const int64_t *popularity, RankingSpread *out);

#endif
