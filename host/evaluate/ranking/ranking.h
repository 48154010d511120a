/* Ranking measures over the whole catalogue, from where each target stood. Knows no model: a scorer
 * adds, for each scored event,
 *
 *   above   candidates with a strictly greater score than the target
 *   ties    other candidates with the target's score
 *   top     its first RANKING_TOP candidates (ties by lower item number), for coverage
 *
 * Candidates are all items of the catalogue, never a sample; unless seen items are included, those
 * of the event's history are no candidates. The target always is one, also when it was seen before:
 * such an event's rank then counts unseen competitors only, the same for every scorer, and its
 * group (GROUP_REPEAT) is reported apart.
 *
 * Ties. Tied candidates stand in uniformly random order, and a measure is its exact expectation
 * over that order. With the 0-based rank r uniform on above .. above+ties:
 *
 *   HR@k   = P(r < k)          NDCG@k = E[1(r < k) / log2(r + 2)]      MRR@k = E[1(r < k) / (r +
 * 1)]
 *
 * (one relevant item an event, so the ideal DCG is 1 and HR is recall). Jarvelin & Kekalainen 2002;
 * ties after McSherry & Najork 2008. HR@1 is one-step accuracy. coverage@20 is the share of the
 * catalogue that stands in the top of at least one event.
 *
 * Intervals. Users are the independent units, and a user's events are not: a measure is the ratio
 * R = sum_u y_u / sum_u n_u (y_u: sum over the n_u events of user u), with the cluster-robust
 * variance of the delta method, U/(U-1) sum_u (y_u - R n_u)^2 / (sum_u n_u)^2 over the U users, and
 * the interval R +- t standard errors, t the 97.5 % quantile of Student's distribution with U-1
 * degrees of freedom, cut at 0 and 1, which no measure can pass (Cochran 1977, 6.4). NaN with fewer
 * than 2 users. Where every event scored alike (no hit at all, say) it has width 0: read it with the
 * number of users. The variance is that of sampling users, not of training.
 */
#ifndef SOUK_RANKING_H
#define SOUK_RANKING_H

#include "evaluate/ranking/histories.h"

enum { RANKING_TOP = 20 };
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
} Measure;
const char *ranking_measure_name(Measure m); /* "HR@10" */

/* The expectation of measure m for one event. */
double ranking_measure_value(Measure m, int64_t above, int64_t ties);

typedef struct {
    const ScoredEvents *events;
    int32_t *above, *ties; /* [events]; above is -1 until added */
    uint8_t *shown;        /* [groups, items] 1: in the top of an event of the group */
} Ranking;

Status ranking_open(Ranking *r, const ScoredEvents *events);
void ranking_close(Ranking *r); /* safe on {0} */

/* Add `count` events: index[i] is a row of `events`; above[i], ties[i] as above; top [count,
 * RANKING_TOP], ended by -1 where there are fewer candidates. Each event is added once; events may
 * come in any order and from several threads. */
void ranking_add(Ranking *r, int64_t count, const int64_t *index, const int32_t *above,
                 const int32_t *ties, const int32_t *top);

/* A value, its standard error, the half width t error of its 95 % interval, the interval as cut. */
typedef struct {
    double value, error, half, low, high;
} Estimate;

/* The interval value +- t(freedom) error, cut at `least` and `most`; NaN when freedom < 1. */
Estimate ranking_interval(double value, double error, double freedom, double least, double most);

typedef struct {
    int64_t events, users;
    Estimate measure[MEASURES];
    double coverage; /* at RANKING_TOP */
} RankingSummary;

/* Over the events of one group; every event has been added. All NaN where the group is empty. */
void ranking_summary(const Ranking *r, int group, RankingSummary *out);

/* sum[u]: of measure m over the events of user[u] in the group, size[u] their number; [users] both. */
void ranking_users(const Ranking *r, int group, Measure m, double *sum, double *size);

/* Mean over the group of (measure of a - measure of b), event by event, with its interval (not
 * cut): it excludes 0 where one scorer is better beyond the chance of which users were seen. */
Estimate ranking_difference(const Ranking *a, const Ranking *b, int group, Measure m);

#endif
