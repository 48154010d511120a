/* SPDX-License-Identifier: Apache-2.0 */
/* What a model says of items after histories, as numbers whose differences explain something: they
 * lack nothing that is the same for all items of a state. */
#ifndef SOUK_EXPLAIN_VALUES_H
#define SOUK_EXPLAIN_VALUES_H

#include "infer/states.h"

typedef struct {
    double score;           /* by the session's rule: log p of policy, log p + Q / BETA of
                               mixed:BETA, and Q of the rules that choose by Q */
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
