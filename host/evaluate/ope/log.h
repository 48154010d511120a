/* SPDX-License-Identifier: Apache-2.0 */
/* Logged decisions, the data of off-policy evaluation.
 *
 * A decision is an event. In the context x_i (the user's history before it, the profile, the slot)
 * the logging policy beta showed item a_i with the probability in /events/propensity, and the
 * reward was reward_i. Users are the independent units. In a sequential log the decisions of a user
 * form episodes; each ends where /events/end is not 0, or at the end of the user's range. In a
 * bandit log every decision is an episode of its own.
 *
 * Before the first event of a user the history is empty. That event is a decision too, but for an
 * opening: where users have several events, and all that a user has at the first time were shown
 * with probability 1, they were no choice (as the opening events of a world's log: world/log.h).
 * A policy that reads the history, as a model does, chooses nothing where it is empty. In a
 * sequential log the policy under evaluation then does what the log did: such decisions have weight
 * 1. In a bandit log they are left out.
 *
 * Memory: 31 bytes per decision, and 8 more per episode.
 */
#ifndef SOUK_OPE_LOG_H
#define SOUK_OPE_LOG_H

#include <stdbool.h>

#include "data/behaviour/behaviour.h"
#include "evaluate/ope/catalogue.h"

enum { OPE_SLOTS_MAX = 64 };

typedef struct {
    int split;            /* SPLIT_TRAIN …, or SPLITS: all events */
    bool sequential;      /* false: a bandit log */
    bool history;         /* the policy reads the history, and needs at least one event in it */
    const char *position; /* event feature that numbers the slot of the item; NULL: no slots */
    const OpeCatalogue *catalogue; /* what could be shown; NULL: the items of the file */
} OpeLogOptions;

typedef struct OpeLog {
    const Behaviour *file;
    bool sequential;
    int32_t items;
    int64_t choices;    /* how many items could be shown */
    const bool *listed; /* [items] which of the file's items could be; NULL: all */
    int64_t count, users, episodes;
    int64_t openings;   /* events that are left out: they open a history and were no choice */
    int64_t no_history; /* events that are left out: the policy needs a history before them */
    int64_t as_logged;  /* decisions before which the policy has no history */
    int64_t *user;      /* [users] row of /users, ascending */
    int64_t *first;     /* [users+1] decisions of user[u] are first[u] .. first[u+1]-1 */
    int64_t *stated;    /* [users] the first of them before which the policy has a history */
    int64_t *episode;   /* [episodes+1] first decision of each; an episode has one user */
    int64_t *event;     /* [count] row of /events, ascending */
    int32_t *item;      /* [count] */
    float *reward;      /* [count] */
    float *propensity;  /* [count] in (0, 1] */
    uint8_t *action; /* [count] kind of action that brought the reward, as numbered in the file */
    uint8_t *end;    /* [count] the values of /events/end */
    uint8_t *slot;   /* [count] below `slots` */
    int slots;       /* distinct values of the position, ascending; 1 without a position */
    float slot_value[OPE_SLOTS_MAX]; /* those values, as the log had them */
} OpeLog;

/* Fails, naming the file, where it has no propensities, no event feature of the given name, a
 * position with more than OPE_SLOTS_MAX values, or no decision. (behaviour_open has checked that
 * each propensity is a probability above 0.) */
Status ope_log_open(OpeLog *log, const Behaviour *file, const OpeLogOptions *options);
void ope_log_close(OpeLog *log); /* safe on {0} */

/* Whether any user of the file has more than one event. */
bool ope_log_is_sequential(const Behaviour *file);

#endif
