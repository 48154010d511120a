/* SPDX-License-Identifier: Apache-2.0 */
/* Recommendations: the best items of the whole catalogue after a history, by the rule that the
 * session acts by (infer/acting.h), or the rule's scores of given items.
 *
 * Where a history is given in memory without numbers, every number of its events counts as its
 * mean. What infer/states.h says about the last bits of states is true for scores too: a request
 * with a single history gives the same bits every time.
 */
#ifndef SOUK_RECOMMEND_H
#define SOUK_RECOMMEND_H

#include "infer/history.h"

typedef struct {
    int32_t item;
    float score;       /* by the rule; for a policy the logit */
    float probability; /* softmax of the rule's scores over the whole catalogue; NaN of a rule whose
                          scores are no logarithms of probabilities */
    float q;           /* action value, in the unit of rewards; NaN without a Q head */
} Recommendation;

/* Which items may be recommended: those of `allow` that are not in `block` and, without
 * include_seen, not in the history; with it, not among the items that the rule leaves out. Both
 * lists are ascending and without repeats. */
typedef struct {
    int64_t k;            /* how many, at least 1 */
    bool include_seen;    /* items of the history stay candidates */
    const int32_t *allow; /* [allowed] NULL: every item of the catalogue */
    int64_t allowed;
    const int32_t *block; /* [blocked] NULL: none */
    int64_t blocked;
} RecommendOptions;

/* For each of `count` histories its best items, by falling score (equal scores by rising item). Row
 * i of out [count, k] gets found[i] <= k of them; found[i] is below k only where fewer items may be
 * recommended. */
Status recommend_best(Session *s, const History *history, int64_t count,
                      const RecommendOptions *options, Recommendation *out, int64_t *found);

/* The model's scores of given items after each history: of item [count, k] into out [count, k]. */
Status recommend_scores(Session *s, const History *history, int64_t count, const int32_t *item,
                        int64_t k, Recommendation *out);

#endif
