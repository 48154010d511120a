/* SPDX-License-Identifier: Apache-2.0 */
#include "model/counted/params.h"

#include <math.h>

#include "counts/candidates.h"

static int matrix(Params *p, const char *name, Init init, double std, int64_t rows, int64_t columns)
{
    const int i = PARAM(p, name, init, (float)std, DECAY_MATRIX, rows, columns);
    return params_rate(p, i, COUNTED_RATE);
}

static int vector(Params *p, const char *name, int64_t count)
{
    return params_rate(p, PARAM(p, name, INIT_ZERO, 0, DECAY_NONE, count), COUNTED_RATE);
}

/* Numbers that do not learn. */
static int constant(Params *p, const char *name, Init init, int64_t count)
{
    return params_rate(p, PARAM(p, name, init, 0, DECAY_NONE, count), 0.0f);
}

CountedParams counted_params_declare(Params *p, int64_t dim, int64_t actions, int64_t gaps,
                                     bool features)
{
    const int64_t units = COUNTED_UNITS;
    return (CountedParams){
        .linear = vector(p, "candidates.linear", COUNT_FEATURES),
        .hidden = matrix(p, "candidates.hidden", INIT_NORMAL, 1.0 / sqrt(COUNT_FEATURES), units,
                         COUNT_FEATURES),
        .hidden_state = matrix(p, "candidates.hidden_state", INIT_NORMAL,
                               0.3 / sqrt(COUNT_STATE_FEATURES), units, COUNT_STATE_FEATURES),
        .hidden_h = params_product(p, matrix(p, "candidates.hidden_h", INIT_ZERO, 0, units, dim)),
        .out = vector(p, "candidates.out", units),
        .action = matrix(p, "candidates.action", INIT_ZERO, 0, actions, units),
        .gap = matrix(p, "candidates.gap", INIT_ZERO, 0, gaps, units),
        .state = matrix(p, "candidates.state", INIT_ZERO, 0, 1, COUNT_STATE_FEATURES),
        .base = vector(p, "candidates.base", 1),
        .dense = vector(p, "candidates.dense", 1),
        .query =
            params_product(p, matrix(p, "candidates.query", INIT_ZERO, 0, COUNTED_POINTER, dim)),
        .key = params_product(p, matrix(p, "candidates.key", INIT_NORMAL, 1.0 / sqrt((double)dim),
                                        COUNTED_POINTER, dim)),
        .distance = vector(p, "candidates.distance", COUNT_REPEATS),
        .mean = constant(p, "candidates.mean", INIT_ZERO, COUNT_FEATURES),
        .scale = constant(p, "candidates.scale", INIT_ONE, COUNT_FEATURES),
        .factor = constant(p, "calibration.factor", INIT_ONE, 1),
        .more_linear = constant(p, "calibration.linear", INIT_ZERO, COUNT_FEATURES),
        .more_state = constant(p, "calibration.state", INIT_ZERO, COUNT_STATE_FEATURES),
        .more_base = constant(p, "calibration.base", INIT_ZERO, 1),
        .more_dense = constant(p, "calibration.dense", INIT_ZERO, 1),
        .cold = features ? params_later(p, constant(p, "calibration.cold", INIT_ZERO, 1)) : -1,
    };
}
