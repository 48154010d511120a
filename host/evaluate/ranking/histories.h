/* SPDX-License-Identifier: Apache-2.0 */
/* The histories of a file in memory, and the events of a split that are scored.
 *
 * An event is scored when it is in the split under evaluation and its user has at least one event
 * at an earlier time. The scorer knows the whole history before that time, in whatever splits that
 * is, and ranks the catalogue for the item of the event, the target. It knows no event of the
 * target's own time: the events of one user at one time are a set. Two kinds of events are left out
 * for all scorers, and counted: those of a user's first time, which have no history; and, where
 * items of the history are no candidates, those whose target is in the history.
 *
 * Impressions. Histories have only what was taken (schema_is_taken): what was shown and not taken
 * is no target, counts for no bar, and does not make an item one that its user has seen. A model
 * is the exception: its states are made from the whole log.
 *
 * Memory: 9 bytes per event of the log, 8 bytes per user, 43 bytes per scored event; where the log
 * has impressions, 8 bytes more per event that was taken, and 56 per user.
 */
#ifndef SOUK_HISTORIES_H
#define SOUK_HISTORIES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "data/behaviour/behaviour.h"

/* Ranges are rows of item[], action[] and reward[]. These arrays and latest[] are owned; the rest
 * belongs to the file or, where `event` is not NULL, is owned too. */
typedef struct {
    int64_t users;
    int32_t items;
    int actions;
    const int64_t *offset;      /* [users+1] */
    const int64_t (*train)[2];  /* [users] first, end: what bars may count */
    const int64_t (*scored)[2]; /* [users] first, end: the split under evaluation */
    const int32_t *item;        /* [events] in [0, items) */
    const uint8_t *action;      /* [events] in [0, actions) */
    const float *reward;        /* [events]; NULL: unknown */
    const uint64_t *tie;        /* of the file (data/behaviour/schema.h); NULL: no ties */
    const int64_t *latest; /* [users] time of the last train event, 0 without one; NULL: unknown */
    const int64_t *event; /* [rows] row of the log; NULL: the same, as the log has no impressions */
    const int64_t (*split[SPLITS])[2]; /* [users] of which train and scored are two */
    int64_t impressions[SPLITS];       /* how many events of each split are left out */
} Histories;

static inline int64_t histories_event(const Histories *h, int64_t row)
{
    return h->event ? h->event[row] : row;
}

/* Reads the histories of a file, which must outlive them. */
Status histories_read(Histories *h, const Behaviour *b, int split);
void histories_close(Histories *h); /* safe on {0} */

/* The same histories with another split under evaluation. It owns nothing; `h` must outlive it. */
Histories histories_of_split(const Histories *h, int split);

/* The impressions of the split under evaluation. */
int64_t histories_impressions(const Histories *h);

/* count [items]: how many train events each item has. */
void histories_popularity(const Histories *h, int64_t *count);

/* Groups of scored events, each with measures of its own: all; the targets new to their user, or
 * seen before by their user; the targets that occur in train, or never do; the targets of three
 * bands of popularity; all, weighted by reward; and, from GROUP_ACTION on, the targets of each
 * action.
 *
 * Weights: an event has the weight 1 in each group but GROUP_REWARD, where its weight is its reward
 * (0 where that is negative). A hit rate at k is there the share of the reward of all events whose
 * items are among the best k: with prices as rewards, the share of the revenue.
 *
 * Bands: with the items in order of their train events, most first and ties by lower number, `head`
 * are the first items that together have a third of all train events, `middle` the next that have
 * the second third, and `tail` the other items that occur in train. An item with which a third is
 * reached is in the band that it completes. */
enum {
    GROUP_ALL,
    GROUP_NEW,
    GROUP_REPEAT,
    GROUP_WARM,
    GROUP_COLD,
    GROUP_HEAD,
    GROUP_MIDDLE,
    GROUP_TAIL,
    GROUP_REWARD,
    GROUP_ACTION
};

typedef struct {
    int64_t sample;     /* > 0: at most so many users, drawn without replacement */
    uint64_t seed;      /* of the draw: Philox(seed) over the numbers of users */
    bool leave_repeats; /* leaves out the events whose target is in the history */
} ScoredOptions;

typedef struct {
    int64_t count, users; /* scored events; users with at least one */
    int32_t items;
    int groups;         /* GROUP_ACTION + actions */
    int64_t *event;     /* [count] row of the log, ascending */
    int64_t *known;     /* [count] row, in Histories, of the first event of its time: the history
                         * that the scorer knows are the user's events before it, at least one */
    int64_t *user;      /* [users] user of the log, ascending */
    int64_t *first;     /* [users+1] scored events of user[u] are first[u] .. first[u+1]-1 */
    int32_t *target;    /* [count] the event's item */
    uint8_t *action;    /* [count] the event's action */
    float *reward;      /* [count] the event's reward; NULL: unknown, and GROUP_REWARD is empty */
    uint8_t *repeat;    /* [count] 1: the target occurs in the history */
    uint8_t *band;      /* [count] GROUP_COLD, GROUP_HEAD, GROUP_MIDDLE or GROUP_TAIL */
    int64_t no_history; /* events that are left out as they have no history, of all users */
    int64_t repeats;    /* events whose target is in their history, left out or not, of all users */
    int64_t with_history; /* events with a history, left out or not, of all users */
    bool left_repeats;    /* the repeats were left out */
} ScoredEvents;

Status histories_scored_select(ScoredEvents *s, const Histories *h, const ScoredOptions *options);
void histories_scored_close(ScoredEvents *s); /* safe on {0} */

/* The weight of scored event i in the group; 0: it is not in the group. */
double histories_scored_weight(const ScoredEvents *s, int64_t i, int group);
/* Whether events have different rewards, so that GROUP_REWARD is not GROUP_ALL. */
bool histories_scored_rewards_differ(const ScoredEvents *s);

#endif
