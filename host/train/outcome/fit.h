/* SPDX-License-Identifier: Apache-2.0 */
/* The calibration of the outcome head on answers that it has not learned from: for K kinds, a
 * factor of the logits of kinds and a shift of each, and a factor and a shift of the logits of
 * ends, which are the same for all kinds. With z and e the logits of an answer of kind y,
 *
 *   sum_i ( log sum_k exp(f z_k + s_k) - f z_y - s_y ) + ((f - 1)^2 + |s|^2) / 2
 *   sum over known ends ( log(1 + exp(t)) - left t ) + ((g - 1)^2 + r^2) / 2,     t = g e_y + r
 *
 * are minimised, so that the prior, no change, weighs as much as one answer. Both are convex; their
 * minima are found by Newton's method with backtracking (Boyd and Vandenberghe 2004, 9.5).
 * Temperature scaling is the special case without shifts (Guo et al. 2017). Deterministic.
 */
#ifndef SOUK_OUTCOME_FIT_H
#define SOUK_OUTCOME_FIT_H

#include <stdint.h>

#include "base/status.h"

typedef struct {
    int64_t count, kinds;
    const float *logits; /* [count, 2 kinds] as in losses/answer.h */
    const uint8_t *kind; /* [count] */
    const int8_t *left;  /* [count] 1, 0, or -1: unknown */
} FitAnswers;

/* factor [2], shift [2 kinds]; 1 and 0 without answers. */
Status fit_answers(const FitAnswers *a, float *factor, float *shift);

#endif
