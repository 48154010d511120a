/* SPDX-License-Identifier: Apache-2.0 */
/* Acting: a model chooses one item after each history, and says with which probability.
 * Propensities in the logs of worlds and of serving are these probabilities.
 *
 *   candidates 0, temperature > 0   draws an item from softmax(score / temperature) over the
 *                                   catalogue; the propensity is its probability
 *   candidates 0, temperature 0     takes the best item, or with probability epsilon any item; the
 *                                   propensity of each of the n items that may be chosen is
 *                                   epsilon / n, and of the best 1 - epsilon more
 *   candidates > 0                  applies the same two rules to Q, among the `candidates` items
 *                                   that the policy ranks best; `head` is not read. These are two
 *                                   stages as in discrete BCQ (Fujimoto et al. 2019), which trusts
 *                                   Q only for items that the log shows in such states
 */
#ifndef SOUK_ACT_H
#define SOUK_ACT_H

#include "infer/history.h"
#include "model/heads.h"

typedef struct {
    HeadId head;
    double temperature, epsilon;
    int64_t candidates;
    int64_t exclude_last; /* the items of so many last events have propensity 0 */
    uint64_t seed;        /* of the random choices */
} ActOptions;

/* Fails where exclude_last could exclude every item, and where `candidates` needs a head that the
 * model does not have. */
Status act_check(const Session *s, const ActOptions *options);

/* After each of `count` histories an item and its propensity. Random numbers are functions of the
 * seed, stream[i] and `step` alone (how many choices stream[i] made before), so the other histories
 * of the batch do not change its draw. Fails where scores are not numbers. */
Status act_choose(Session *s, const ActOptions *options, const History *history,
                  const int64_t *stream, int64_t count, int64_t step, int32_t *item,
                  float *propensity);

#endif
