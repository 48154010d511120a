/* SPDX-License-Identifier: Apache-2.0 */
/* The items and seconds of the events of a file that are counted, in memory.
 *
 *     -1  x x x x  -1  x x  -1  x x x  -1
 *
 * The users with counted events follow one another, each with its events in the order of the file's
 * rows, and an event with the item -1 stands before, between and behind them. So who looks at the
 * events around one of them stops at the first -1. What was shown and not taken (schema_is_taken)
 * is not counted. Memory: 8 bytes an event, impressions included, and a user.
 */
#ifndef SOUK_COUNTS_EVENTS_H
#define SOUK_COUNTS_EVENTS_H

#include "counts/pair.h"
#include "data/behaviour/behaviour.h"

/* Which events are counted: those of the first so many splits of every user. */
enum { COUNTED_TRAIN = 1, COUNTED_VALID = 2, COUNTED_ALL = 3 };

typedef struct {
    int64_t count;    /* counted events */
    int64_t places;   /* of `event`, with the -1 */
    PairEvent *event; /* [places] */
} CountedEvents;

/* The bytes that events_read takes for its result. */
size_t events_bytes(const Behaviour *b, int counted);
Status events_read(CountedEvents *e, const Behaviour *b, int counted, int threads);
void events_close(CountedEvents *e); /* safe on {0} */

#endif
