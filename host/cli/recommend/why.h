/* SPDX-License-Identifier: Apache-2.0 */
/* Why an item is recommended, in a few lines for people. */
#ifndef SOUK_CLI_RECOMMEND_WHY_H
#define SOUK_CLI_RECOMMEND_WHY_H

#include "infer/explain/explain.h"
#include "infer/recommend.h"

/* The best of the list `r` [found] after a history, explained; nothing where the list is empty. */
Status recommend_why_open(Explanation *e, Session *s, const History *history,
                          const Recommendation *r, int64_t found);

/* Prints what speaks for item number i of the explanation and against it: the share of each half of
 * the policy, the events with the largest effects, what was counted, and the foretold answers. */
Status recommend_why_print(const Explanation *e, int64_t i, Behaviour *catalogue);

#endif
