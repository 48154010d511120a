/* The neural model as a scorer beside the baselines, and the validation that training stops by.
 * A scored event's context is that of evaluate/model_states.h.
 */
#ifndef SOUK_MODEL_SCORER_H
#define SOUK_MODEL_SCORER_H

#include "evaluate/ranking/scorer.h"
#include "infer/states.h"
#include "model/scores.h"

/* A scorer by one head; `state` must outlive it. The next-action head predicts purchases. */
Scorer model_scorer(const ModelScorer *state, HeadId head);

/* ---- Validation ------------------------------------------------------------------------------------- */

typedef struct {
    Histories histories;
    int64_t events; /* in the validation split with a history before them; 0: no validation */
    int64_t sample;
    uint64_t seed;
} Validation;

typedef struct {
    double ndcg10, hr10;
} ValidationResult;

/* Of the validation split, all events of `sample` users (0: all), the same at each run. */
Status validation_open(Validation *v, const Behaviour *file, int64_t sample, uint64_t seed);
Status validation_run(const Validation *v, ValidationResult *r, const ModelScorer *scorer);
void validation_close(Validation *v); /* safe on {0} */

#endif
