/* SPDX-License-Identifier: Apache-2.0 */
/* The validation that decides when training stops: how well a model ranks the events of the
 * validation split.
 */
#ifndef SOUK_VALIDATION_H
#define SOUK_VALIDATION_H

#include "evaluate/ranking/histories.h"
#include "infer/session.h"

typedef struct {
    Histories histories;
    int64_t events; /* events of the validation split that have a history; 0: no validation */
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
