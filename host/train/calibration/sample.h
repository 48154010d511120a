/* SPDX-License-Identifier: Apache-2.0 */
/* What a calibration of the policy reads: for each event of a validation the scores of the dense
 * half at several temperatures, as numbers, and the scores of the candidates.
 */
#ifndef SOUK_CALIBRATION_SAMPLE_H
#define SOUK_CALIBRATION_SAMPLE_H

#include "evaluate/ranking/histories.h"
#include "infer/session.h"

/* The feature that is 1 for an item of the history (counts/candidates.h). */
enum { CALIBRATION_SEEN = 8 };

/* The factors of z at which log sum_a exp(factor z[a]) is computed. */
enum { CALIBRATION_FACTORS = 7 };
extern const double calibration_factor[CALIBRATION_FACTORS];

typedef struct {
    int64_t count, width;
    double *log_z;     /* [count, factors] log sum_a exp(factor z[a]) */
    double *mean;      /* [count, factors] its derivative, sum_a softmax_a(factor z) z[a] */
    double *log_new;   /* [count, factors] as log_z, over new items alone; -inf: there are none */
    double *mean_new;  /* [count, factors] its derivative */
    uint8_t *followed; /* [count] whether the item that followed is new */
    float *target;     /* [count] z of the item that followed */
    float *score;      /* [count, width] r of the candidates; -inf past the last */
    float *dense;      /* [count, width] <u, E> of the candidates */
    uint8_t *seen;     /* [count, width] whether the candidate is in the history */
    int32_t *place;    /* [count] which candidate followed; -1: none of them */
    float *state;      /* [count, COUNT_STATE_FEATURES] */
} CalibrationSample;

/* The states before `events` by the session's model without its calibration. */
Status calibration_sample_open(CalibrationSample *c, Session *s, const ScoredEvents *events);
void calibration_sample_close(CalibrationSample *c); /* safe on {0} */

#endif
