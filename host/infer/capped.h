/* SPDX-License-Identifier: Apache-2.0 */
/* Lists in which no category has more than a number of items: of the best items in their order,
 * each that its category has a place for. Row 0 of a category, "unknown", counts as one too. */
#ifndef SOUK_CAPPED_H
#define SOUK_CAPPED_H

#include "infer/recommend.h"

typedef struct {
    int kind;     /* the category (infer/filter.h) */
    int64_t most; /* items of a row of it, at least 1 */
} Cap;

/* As recommend_best; each list is what is left of the whole catalogue in its order, cut to k. The
 * lists are asked for 4 k items first and, where too many of them have no place, for four times
 * as many again. */
Status capped_best(Session *s, const History *history, int64_t count,
                   const RecommendOptions *options, Cap cap, Recommendation *out, int64_t *found);

#endif
