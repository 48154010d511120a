/* SPDX-License-Identifier: Apache-2.0 */
/* The histories of a file in memory, and the events of a split that are scored.
 *
 * An event is scored when it is in the split under evaluation and its user has at least one event
 * at an earlier time. The scorer knows the whole history before that time, in whatever splits that
 * is, and ranks the catalogue for the item of the event, the target. It knows no event of the
 * target's own time: the events of one user at one time are a set. The events of a user's first
 * time have no history; they are counted, and left out for all scorers.
 *
 * Memory: 5 bytes per event of the log, 39 bytes per scored event.
 */
#ifndef SOUK_HISTORIES_H
#define SOUK_HISTORIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "data/behaviour/behaviour.h"

/* Ranges are rows of item[] and action[]. Only these two arrays are owned; the rest belongs to the
 * file. */
typedef struct {
    int64_t users;
    int32_t items;
    int actions;
    const int64_t *offset;      /* [users+1] */
    const int64_t (*train)[2];  /* [users] first, end: what baselines may count */
    const int64_t (*scored)[2]; /* [users] first, end: the split under evaluation */
    const int32_t *item;        /* [events] in [0, items) */
    const uint8_t *action;      /* [events] in [0, actions) */
    const uint64_t *tie;        /* of the file (data/behaviour/schema.h); NULL: no ties */
} Histories;

/* Reads the histories of a file, which must outlive them. */
Status histories_read(Histories *h, const Behaviour *b, int split);
void histories_close(Histories *h); /* safe on {0} */

/* Groups of scored events, each with measures of its own: all; the targets new to their user, or
 * seen before by their user; the targets that never occur in train; and, from GROUP_ACTION on, the
 * targets of each action. */
enum { GROUP_ALL, GROUP_NEW, GROUP_REPEAT, GROUP_COLD, GROUP_ACTION };

typedef struct {
    int64_t count, users; /* scored events; users with at least one */
    int32_t items;
    int groups;      /* GROUP_ACTION + actions */
    int64_t *event;  /* [count] row of the log, ascending */
    int64_t *known;  /* [count] row of the first event of its time: the history that the scorer
                           knows are the user's events before this row, at least one */
    int64_t *user;   /* [users] user of the log, ascending */
    int64_t *first;  /* [users+1] scored events of user[u] are first[u] .. first[u+1]-1 */
    int32_t *target; /* [count] the event's item */
    uint8_t *action; /* [count] the event's action */
    uint8_t *repeat; /* [count] 1: the target occurs in the history */
    uint8_t *cold;   /* [count] 1: the target never occurs in train */
    int64_t
        no_history; /* events of the split that are left out: those of their user's first time */
} ScoredEvents;

/* Selects all scored events or, with 0 < sample < their number of users, those of `sample` users,
 * drawn without replacement by Philox(seed) over the numbers of users. */
Status histories_scored_select(ScoredEvents *s, const Histories *h, int64_t sample, uint64_t seed);
void histories_scored_close(ScoredEvents *s); /* safe on {0} */

/* Whether scored event i is in the group. */
bool histories_scored_in_group(const ScoredEvents *s, int64_t i, int group);

#endif
