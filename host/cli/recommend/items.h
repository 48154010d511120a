/* SPDX-License-Identifier: Apache-2.0 */
/* Which items may be recommended, by the options --allow, --block, --category and --cap. */
#ifndef SOUK_CLI_RECOMMEND_ITEMS_H
#define SOUK_CLI_RECOMMEND_ITEMS_H

#include "infer/capped.h"

/* As they are given; NULL: not given. */
typedef struct {
    const char *allow, *block; /* files of item keys, one a line */
    const char *category;      /* NAME=ROW,ROW… */
    const char *cap;           /* NAME=N */
} RecommendItemsOptions;

typedef struct {
    int32_t *allow, *block; /* ascending, without repeats; allow NULL: every item */
    int64_t allowed, blocked;
    Cap cap; /* most 0: none */
} RecommendItems;

/* Warns on standard error of keys that no item has. */
Status recommend_items_open(RecommendItems *r, Behaviour *catalogue,
                            const RecommendItemsOptions *options);
void recommend_items_close(RecommendItems *r); /* safe on {0} */

/* recommend_best, or capped_best where there is a cap, among these items. */
Status recommend_items_best(const RecommendItems *r, Session *s, const History *history,
                            int64_t count, RecommendOptions how, Recommendation *out,
                            int64_t *found);

#endif
