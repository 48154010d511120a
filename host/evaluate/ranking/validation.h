/* SPDX-License-Identifier: Apache-2.0 */
/* The validation that decides when training stops: how well a model ranks the events of the
 * validation split. Whether seen items are candidates is decided by the rule of repeats.h, as in
 * an evaluation.
 */
#ifndef SOUK_VALIDATION_H
#define SOUK_VALIDATION_H

#include "evaluate/ranking/histories.h"
#include "infer/session.h"

typedef struct {
    Histories histories;
    int64_t events;    /* that are scored; 0: no validation */
    bool include_seen; /* by the rule */
    int64_t sample;
    uint64_t seed;
} Validation;

typedef struct {
    double ndcg10, hr10;
} ValidationResult;

/* All validation events of `sample` users (0: of all users), the same ones at each run. */
Status validation_open(Validation *v, const Behaviour *file, int64_t sample, uint64_t seed);
/* Ranks by the head that the session's model recommends by. */
Status validation_run(const Validation *v, ValidationResult *r, Session *session);
void validation_close(Validation *v); /* safe on {0} */

#endif
