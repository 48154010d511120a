/* Recommendations: the best items of the whole catalogue after a history, by the head that the
 * model recommends by (the policy where there is one, else Q), or what the model says of given
 * items.
 *
 * Events of a history that is given in memory without numbers are taken at their mean. What
 * infer/states.h says of the last bits of a state in a batch holds for scores too: a history asked
 * for alone has the same bits every time.
 */
#ifndef SOUK_RECOMMEND_H
#define SOUK_RECOMMEND_H

#include "infer/history.h"

typedef struct {
    int32_t item;
    float score; /* of the head that the model recommends by; of a policy the logit */
    float
        probability; /* softmax of the policy over the whole catalogue; NaN without a policy head */
    float q;         /* action value, in the unit of rewards; NaN without a Q head */
} Recommendation;

/* Which items may be recommended: those of `allow`, but for those of `block` and, without
 * include_seen, those of the history. Both lists rise and have no item twice. */
typedef struct {
    int64_t k;            /* how many, at least 1 */
    bool include_seen;    /* items of the history stay candidates */
    const int32_t *allow; /* [allowed] NULL: every item of the catalogue */
    int64_t allowed;
    const int32_t *block; /* [blocked] NULL: none */
    int64_t blocked;
} RecommendOptions;

/* For each of `count` histories its best items, by falling score (equals by rising item): out
 * [count, k] gets found[i] <= k of them in row i; fewer than k only where fewer are left. */
Status recommend_best(Session *s, const History *history, int64_t count,
                      const RecommendOptions *options, Recommendation *out, int64_t *found);

/* What the model says of given items after each history: item [count, k] into out [count, k]. */
Status recommend_scores(Session *s, const History *history, int64_t count, const int32_t *item,
                        int64_t k, Recommendation *out);

#endif
