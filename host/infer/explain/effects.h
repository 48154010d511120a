/* SPDX-License-Identifier: Apache-2.0 */
/* What events of a history do to what a model says of items: the values after the whole history
 * less those after the history without the events.
 *
 * The events are left out of everything that reads the history: of the encoder, of the counts and
 * of the pointer. The other events keep their times. Where the history is longer than model.length,
 * older events come into the context. So the second values are those of a recommendation for the
 * history without the events. The user's own events that the count table counts stay left out of
 * the counts, all of them.
 */
#ifndef SOUK_EXPLAIN_EFFECTS_H
#define SOUK_EXPLAIN_EFFECTS_H

#include "infer/explain/values.h"

/* What is left out: one event or, with all_of_item, all events that have its item, which is known
 * then. */
typedef struct {
    int64_t event; /* of the history in memory */
    bool all_of_item;
} ExplainLeft;

/* Effects of left[i] on each item, into effect [k, lefts]; `whole` [k] are the values after all
 * events. `recent` are the last events of the history in memory (history_copy). Where no event
 * is left there is no state, and the effects are NaN. */
Status explain_effects(Session *s, const ExplainItems *items, const History *recent,
                       const ExplainValues *whole, const ExplainLeft *left, int64_t lefts,
                       ExplainValues *effect);

#endif
