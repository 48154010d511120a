/* SPDX-License-Identifier: Apache-2.0 */
/* The parameters of the outcome head (model/outcome/outcome.h has the formula). The calibration
 * does not learn; train/calibration writes it.
 */
#ifndef SOUK_OUTCOME_PARAMS_H
#define SOUK_OUTCOME_PARAMS_H

#include "model/params.h"

enum { OUTCOME_UNITS = 32 };

/* Indices into Params. */
typedef struct {
    int hidden_state, hidden_item; /* [2 OUTCOME_UNITS, dim] */
    int hidden_bias;               /* [2 OUTCOME_UNITS] */
    int weight, bias;              /* [2 actions, OUTCOME_UNITS], [2 actions] */
    int factor, shift;             /* [2], [2 actions]: the calibration */
} OutcomeParams;

OutcomeParams outcome_params_declare(Params *p, int64_t dim, int64_t actions);

#endif
