/* SPDX-License-Identifier: Apache-2.0 */
/* The calibration of the policy: a dozen numbers by which the two halves are weighed against each
 * other, fitted to the events of a validation, which neither half has learned from. Without it the
 * dense half, which has learned its training events by heart, is overconfident and drowns the
 * counts.
 *
 *   z'_a = dense z_a + cold [a is new]
 *   r'_j = r_j + <state, s> + score[0] + score[1] [j seen] + score[2] <u, E[S_j]>
 *
 * The numbers minimise the mean of -log p'(item that followed) plus |change|^2 / (2 count), so that
 * the prior, no change, weighs as much as one event. log sum_a exp(dense z_a) over all items, and
 * that over new items alone, are interpolated between the factors of the sample by cubics with
 * their values and derivatives (Hermite); outside of the factors `dense` is held at the nearest
 * one. The minimum is found by BFGS (Nocedal and Wright 2006, section 6.1) with backtracking.
 * Deterministic.
 */
#ifndef SOUK_CALIBRATION_FIT_H
#define SOUK_CALIBRATION_FIT_H

#include "counts/candidates.h"
#include "train/calibration/sample.h"

enum { CALIBRATION_SCORES = 3 };
typedef struct {
    double dense;
    double state[COUNT_STATE_FEATURES];
    double score[CALIBRATION_SCORES];
    double cold; /* of new items (model/cold.h) */
} Calibration;

/* The calibration that changes nothing. */
extern const Calibration calibration_none;

/* The mean of -log p' over the sample. */
double calibration_fit_loss(const CalibrationSample *c, const Calibration *at, int threads);
Calibration calibration_fit(const CalibrationSample *c, int threads);

#endif
