/* SPDX-License-Identifier: Apache-2.0 */
/* Whether items of the history stay candidates of a ranking. Where shoppers return to items, a
 * ranking without them would say little about the shop; where they hardly ever do, seen items only
 * stand in the way. The rule: seen items stay candidates where at least REPEATS_SHARE of the
 * validation targets with a history are in their history. It reads the validation split alone, so
 * the test split has no say. Without validation targets seen items are no candidates.
 */
#ifndef SOUK_REPEATS_H
#define SOUK_REPEATS_H

#include "evaluate/ranking/histories.h"

#define REPEATS_SHARE 0.05

typedef struct {
    int64_t events, repeats; /* validation targets with a history; those that are in it */
    bool include_seen;
} RepeatsRule;

Status repeats_rule(RepeatsRule *r, const Histories *validation);

#endif
