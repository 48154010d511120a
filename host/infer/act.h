/* Acting: a model chooses one item after each history, and says with which probability.
 * Propensities in the logs of worlds and of serving are these probabilities.
 *
 *   candidates 0, temperature > 0   an item by softmax(score / temperature) over the catalogue; the
 *                                   propensity is its probability
 *   candidates 0, temperature 0     the best item, but with the chance epsilon any item; the
 *                                   propensity of each of the n items that may be chosen is
 *                                   epsilon / n, and 1 - epsilon more for the best
 *   candidates > 0                  the same two rules by Q, but among the `candidates` items that
 *                                   the policy ranks best; `head` is not read. Two stages, as in
 *                                   discrete BCQ (Fujimoto et al. 2019): Q is trusted only for the
 *                                   items that the log shows in such states
 */
#ifndef SOUK_ACT_H
#define SOUK_ACT_H

#include "infer/history.h"
#include "model/heads.h"

typedef struct {
    HeadId head;
    double temperature, epsilon;
    int64_t candidates;
    int64_t exclude_last; /* items of so many last events are not chosen; their propensity is 0 */
    uint64_t seed;        /* of the choices */
} ActOptions;

/* Fails where exclude_last could leave no item, and for candidates where the model lacks a head. */
Status act_check(const Session *s, const ActOptions *options);

/* After each of `count` histories an item and its propensity. Random numbers are functions of the
 * seed, stream[i] and `step` alone (how many choices stream[i] made before), so who shares a batch
 * with a history does not change its draw. Fails where scores are not numbers. */
Status act_choose(Session *s, const ActOptions *options, const History *history,
                  const int64_t *stream, int64_t count, int64_t step, int32_t *item,
                  float *propensity);

#endif
