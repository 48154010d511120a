/* SPDX-License-Identifier: Apache-2.0 */
/* A history of events, for which a model is asked for states, actions or recommendations. Its
 * events are rows of the session's behaviour file, or they are given in memory and need not be in
 * any file: a session without data (infer/session.h) takes only such histories.
 */
#ifndef SOUK_HISTORY_H
#define SOUK_HISTORY_H

#include "infer/session.h"

typedef struct {
    int64_t count; /* events, oldest first; at least 1 */
    int64_t user;  /* row of /users, whose profile the model reads; -1: the user has no profile */
    int64_t first; /* where `item` is NULL: the events are rows first .. first+count-1 of /events */
    const int32_t *item;    /* [count] in [0, items); -1: an item that the catalogue does not have,
                               whose event counts by its action and time alone */
    const uint8_t *action;  /* [count] in [0, actions) */
    const int64_t *time_ms; /* [count] */
    const float
        *number; /* [count, event numbers] normalised as in the file; NULL: all at their mean */
    /* Where `item` is not NULL: of the first `counted` events those that were taken are counted in
       the model's tables, which were made from a file that has this user. 0: none, as for a user
       who is in no file. Where the history lacks some of the user's events, the counted ones are
       given apart, all of them: own_item, own_action and own_time_ms [counted]; NULL: they are its
       first. */
    int64_t counted;
    const int32_t *own_item;
    const uint8_t *own_action;
    const int64_t *own_time_ms;
} History;

/* All events of a user of the file. */
History history_of_user(const Behaviour *file, int64_t user);

/* Fails where the history is empty, or its user, an item or an action does not exist. `number` is
 * the number of the history in the message. */
Status history_check(const History *h, const Behaviour *file, int64_t number);

/* The items of the last `count` <= h->count events, into `item`; -1 for an unknown one. */
Status history_items(const History *h, const Behaviour *file, int64_t count, int32_t *item);

/* How many of its events are counted in the model's tables, if none is an impression. */
int64_t history_counted(const History *h, const Session *s);

/* The last events of a history in memory, whatever it was before, with the same meaning: what a
 * session says after them is the same to the bit. Its columns are in `memory` or in `h`, which must
 * outlive it. */
typedef struct {
    History history;
    void *memory;
} HistoryCopy;
Status history_copy(HistoryCopy *c, const History *h, int64_t last, const Session *s);
void history_copy_close(HistoryCopy *c); /* safe on {0} */

/* Add the events from number `first` of the history on to the batch, as one window. */
Status history_add_to_batch(const History *h, const Behaviour *file, int64_t first, Batch *batch);

#endif
