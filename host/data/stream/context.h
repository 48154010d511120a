/* SPDX-License-Identifier: Apache-2.0 */
/* The context: which events of a history a state sees. There is one rule, for training, validation,
 * evaluation, worlds and recommendations.
 *
 * The state before an event sees the events of its user that have an earlier time, the last
 * `length` of them where there are more (model.length). The events of one user at one time are a
 * set: none of them sees another one. The next event, which has not happened yet, sees all events.
 *
 * Training keeps this rule, but for histories of more than length + 1 events: plan.c cuts them into
 * windows that overlap. The first window trains all of its states. Each later window trains only
 * its states that see at least half of `length` events.
 */
#ifndef SOUK_CONTEXT_H
#define SOUK_CONTEXT_H

#include <stdint.h>

/* The first event of the context that ends before event `end`, in a history that begins with event
 * `start` < end. */
static inline int64_t context_first(int64_t length, int64_t start, int64_t end)
{
    return end - start > length ? end - length : start;
}

#endif
