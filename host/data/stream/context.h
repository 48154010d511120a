/* SPDX-License-Identifier: Apache-2.0 */
/* The context: which events of a history make a state.
 *
 * A history is the rows start .. end-1 of one user, and the state before event `event` (start <
 * event <= end; `end` itself is the next event, which has not happened yet) is computed from the
 * rows first .. event-1. Each mode answers with `first`, and with `last`: the window that begins at
 * `first` serves the states before all events first+1 .. last alike. No state sees more than
 * `length` events.
 *
 *   CONTEXT_TRAINED      1 to length-1 events. Windows of `length` events (the earliest may be
 *                        shorter) are aligned to the end of the history, and each begins with the
 *                        last event of the one before: the first state of a window sees one event,
 *                        however many came before it. Used by the stream of training batches, where
 *                        the history is what a user gives to the split.
 *   CONTEXT_EVALUATED    all events where there are at most `length`, else between (length+1)/2 and
 *                        `length`: windows overlap by half, and each serves the events of its
 *                        second half. Used by eval, ope and validation.
 *   CONTEXT_ACTED        the last `length` events, or all where there are fewer. Used by a model
 *                        that acts in a world.
 *   CONTEXT_RECOMMENDED  the last `length` events, or all where there are fewer. Used by recommend.
 *
 * So a state that has seen `length` events is evaluated and used but never trained: in training the
 * last event of a window has no event after it to learn from.
 */
#ifndef SOUK_CONTEXT_H
#define SOUK_CONTEXT_H

#include <stdint.h>

typedef enum {
    CONTEXT_TRAINED,
    CONTEXT_EVALUATED,
    CONTEXT_ACTED,
    CONTEXT_RECOMMENDED,
} ContextMode;

typedef struct {
    int64_t first; /* row of the first event that the state sees */
    int64_t last;  /* the window serves the states before first+1 .. last; >= `event` */
} Context;

/* The window for the state before `event`; length >= 2 in CONTEXT_TRAINED, else >= 1. */
Context context_window(ContextMode mode, int64_t length, int64_t start, int64_t end, int64_t event);

#endif
