/* What an evaluation looks at: the histories in memory, and the events that are scored.
 *
 * An event is scored when it lies in the split under evaluation and its user has at least one event
 * before it: the scorer is given that whole history (whatever splits it lies in) and ranks the
 * catalogue for the event's item, the target. First events of a user have nothing to go by; they
 * are counted and left out, for every scorer alike.
 *
 * Memory: 5 bytes an event of the log, 31 bytes a scored event.
 */
#ifndef SOUK_HISTORIES_H
#define SOUK_HISTORIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "data/behaviour/behaviour.h"

/* Views. Ranges are rows of item[] and action[]. */
typedef struct {
    int64_t users;
    int32_t items;
    int actions;
    const int64_t *offset;      /* [users+1] */
    const int64_t (*train)[2];  /* [users] first, end: what counters may count */
    const int64_t (*scored)[2]; /* [users] first, end: the split under evaluation */
    const int32_t *item;        /* [events] in [0, items) */
    const uint8_t *action;      /* [events] in [0, actions) */
} Histories;

/* The histories of an open file; `item` and `action` are allocated, free with histories_close. */
Status histories_read(Histories *h, const Behaviour *b, int split);
void histories_close(Histories *h); /* of histories_read; safe on {0} */

/* Groups of scored events, each reported apart. Group GROUP_ACTION + a has the targets of action a.
 */
enum { GROUP_ALL, GROUP_NEW, GROUP_REPEAT, GROUP_COLD, GROUP_ACTION };

typedef struct {
    int64_t count, users; /* scored events, users with at least one */
    int32_t items;
    int groups;         /* GROUP_ACTION + actions */
    int64_t *event;     /* [count] row of the log, ascending */
    int64_t *user;      /* [users] user of the log, ascending */
    int64_t *first;     /* [users+1] scored events of user[u] are first[u] .. first[u+1]-1 */
    int32_t *target;    /* [count] the event's item */
    uint8_t *action;    /* [count] the event's action */
    uint8_t *repeat;    /* [count] 1: the target occurs in the history */
    uint8_t *cold;      /* [count] 1: the target never occurs in train */
    int64_t no_history; /* events of the split left out: first of their user */
} ScoredEvents;

/* All scored events, or with 0 < sample < their number those of `sample` users, drawn without
 * replacement by Philox(seed) over user numbers. */
Status histories_scored_select(ScoredEvents *s, const Histories *h, int64_t sample, uint64_t seed);
void histories_scored_close(ScoredEvents *s); /* safe on {0} */

/* Is scored event i in group g? */
bool histories_scored_in_group(const ScoredEvents *s, int64_t i, int group);

#endif
