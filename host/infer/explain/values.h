/* SPDX-License-Identifier: Apache-2.0 */
/* What a model says of items after histories, in numbers that can be compared between histories.
 * (The score of a ranking may leave out a term that all items of a state have; these do not.) */
#ifndef SOUK_EXPLAIN_VALUES_H
#define SOUK_EXPLAIN_VALUES_H

#include "infer/states.h"

typedef struct {
    double score; /* by the rule of acting: the logarithm of the softmax of its scores over the
                     catalogue, that of a Recommendation's probability; of the rules that choose by
                     Q alone (acting_is_stochastic) it is Q */
    double log_probability; /* log p(a|s) of the policy with both of its halves; NaN without one */
    double q;               /* Q(s, a), in the unit of rewards; NaN without a Q head */
} ExplainValues;

/* Which items, and the rule that their scores are by. */
typedef struct {
    const int32_t *item; /* [k] */
    int64_t k;
    ActingRule rule;
} ExplainItems;

/* After each of `count` histories, into out [count, k]. */
Status explain_values(Session *s, const ExplainItems *items, const History *history, int64_t count,
                      ExplainValues *out);

#endif
