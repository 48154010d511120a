/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of the counted half of the policy (model/counted/scores.h has the formulas). Those
 * that learn do so at COUNTED_RATE times the learning rate: they are few and read by every state,
 * so that they can go faster than the vectors of items. The constants of features and the
 * calibration do not learn; train/start and train/calibration write them.
 */
#ifndef SOUK_COUNTED_PARAMS_H
#define SOUK_COUNTED_PARAMS_H

#include "model/params.h"

enum { COUNTED_UNITS = 24, COUNTED_POINTER = 32 };
static const float COUNTED_RATE = 4.0f;

/* Indices into Params. */
typedef struct {
    int linear, hidden, hidden_state, hidden_h, out; /* the network over features */
    int action, gap, state, base, dense;
    int query, key, distance; /* the pointer */
    int mean, scale;          /* of features; these and those below do not learn */
    int factor;               /* the calibration: of z, */
    int more_linear, more_state, more_base, more_dense; /* added to the weights of r, */
    int cold; /* and added to z of new items (model/cold.h); -1: items have no features */
} CountedParams;

CountedParams counted_params_declare(Params *p, int64_t dim, int64_t actions, int64_t gaps,
                                     bool features);

#endif
