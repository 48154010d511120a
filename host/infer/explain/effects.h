/* SPDX-License-Identifier: Apache-2.0 */
/* What each event of a history does to what a model says of items: the values after the whole
 * history less those after the history without the event.
 *
 * The event is left out of everything that reads the history: of the encoder, of the counts and of
 * the pointer. The other events keep their times. Where the history is longer than model.length,
 * one more old event comes into the context. So the second values are those of a recommendation for
 * the history without the event. The user's own events that the count table counts stay left out of
 * the counts, all of them.
 */
#ifndef SOUK_EXPLAIN_EFFECTS_H
#define SOUK_EXPLAIN_EFFECTS_H

#include "infer/explain/values.h"

/* Effects of the last `events` events of the history, oldest first, on each item, into effect
 * [k, events]; `whole` [k] are the values after all events. `recent` are the last model.length + 1
 * events of the history in memory, or all where there are fewer; 1 <= events <= model.length. A
 * history of one event has no state without it: its effects are NaN. */
Status explain_effects(Session *s, const ExplainItems *items, const History *recent,
                       const ExplainValues *whole, int64_t events, ExplainValues *effect);

#endif
