/* SPDX-License-Identifier: Apache-2.0 */
/* The validation that decides when training stops: how well a model ranks the events of the
 * validation split, and how much of a difference between two validations is noise. Whether seen
 * items are candidates is decided by the rule of repeats.h, as in an evaluation.
 *
 * All validations of a training rank the same events. So the noise of their difference is that of
 * the differences event by event, clustered by user (ranking_difference), and much less than the
 * noise of either.
 */
#ifndef SOUK_VALIDATION_H
#define SOUK_VALIDATION_H

#include "evaluate/ranking/ranking.h"
#include "infer/session.h"

/* Rankings that outlive the next validation: of the best one, and of the one that the next
 * improvement is measured from. */
typedef enum { VALIDATION_BEST, VALIDATION_REFERENCE, VALIDATIONS_KEPT } ValidationKept;

typedef struct {
    Histories histories;
    ScoredEvents events; /* count 0: no validation */
    bool include_seen;   /* by the rule */
    Ranking now;         /* of the last run */
    int32_t *kept;       /* [VALIDATIONS_KEPT, 2, events.count] above, ties; -1: nothing is kept */
} Validation;

typedef struct {
    double ndcg10, hr10;
    double error; /* standard error of ndcg10, clustered by user */
} ValidationResult;

/* All validation events of `sample` users (0: of all users), the same ones at each run. */
Status validation_open(Validation *v, const Behaviour *file, int64_t sample, uint64_t seed);
/* Ranks by the head that the session's model recommends by. */
Status validation_run(Validation *v, ValidationResult *r, Session *session);
void validation_close(Validation *v); /* safe on {0} */

/* Keep the ranking of the last run. */
void validation_keep(Validation *v, ValidationKept as);
/* NDCG@10 of the last run less that of the kept one; all NaN where nothing is kept. */
Estimate validation_gain(const Validation *v, ValidationKept than);

/* The best of the six counters (bars/counter.h) by all validation users, its NDCG@10 on the events
 * of `v`, and what the kept best validation has more; all NaN where nothing is kept. */
typedef struct {
    const char *name;
    double ndcg10;
    Estimate more;
} ValidationBar;
Status validation_bar(const Validation *v, ValidationBar *bar, int threads);

#endif
