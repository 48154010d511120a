/* SPDX-License-Identifier: Apache-2.0 */
#include "model/outcome/params.h"

#include <math.h>

#include "model/heads.h"

static int vector(Params *p, const char *name, int64_t count)
{
    return PARAM(p, name, INIT_ZERO, 0, DECAY_NONE, count);
}

OutcomeParams outcome_params_declare(Params *p, int64_t dim, int64_t actions)
{
    const HeadInfo *head = &heads_table[HEAD_OUTCOME];
    const int64_t gates = 2 * OUTCOME_UNITS;
    const OutcomeParams at = {
        .hidden_state =
            params_product(p, PARAM(p, "outcome.hidden.state", INIT_NORMAL,
                                    1.0f / sqrtf((float)dim), DECAY_MATRIX, gates, dim)),
        .hidden_item = params_product(
            p, PARAM(p, "outcome.hidden.item", INIT_NORMAL, 1.0f, DECAY_MATRIX, gates, dim)),
        .hidden_bias = vector(p, "outcome.hidden.bias", gates),
        .weight = params_product(
            p, PARAM(p, head->weight, INIT_ZERO, 0, DECAY_MATRIX, 2 * actions, OUTCOME_UNITS)),
        .bias = vector(p, head->bias, 2 * actions),
        .factor = PARAM(p, "calibration.outcome_factor", INIT_ONE, 0, DECAY_NONE, 2),
        .shift = vector(p, "calibration.outcome_shift", 2 * actions),
    };
    params_rate(p, at.factor, 0.0f);
    params_rate(p, at.shift, 0.0f);
    return at;
}
