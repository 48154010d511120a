/* SPDX-License-Identifier: Apache-2.0 */
/* Acting: a model chooses one item after each history, by the scores of the session's rule
 * (infer/acting.h), and says with which probability. Propensities in the logs of worlds and of
 * serving are these probabilities.
 *
 *   temperature > 0   draws an item from softmax(score / temperature) over the items that the rule
 *                     does not leave out; the propensity is its probability
 *   temperature 0     takes the best item, or with probability epsilon any item that is not
 *                     excluded; the propensity of each of these n items is epsilon / n, and of the
 *                     best 1 - epsilon more
 */
#ifndef SOUK_ACT_H
#define SOUK_ACT_H

#include "infer/history.h"

typedef struct {
    double temperature, epsilon;
    uint64_t seed; /* of the random choices */
} ActOptions;

/* After each of `count` histories an item and its propensity. Random numbers are functions of the
 * seed, stream[i] and `step` alone (how many choices stream[i] made before), so the other histories
 * of the batch do not change its draw. Fails where scores are not numbers. */
Status act_choose(Session *s, const ActOptions *options, const History *history,
                  const int64_t *stream, int64_t count, int64_t step, int32_t *item,
                  float *propensity);

#endif
