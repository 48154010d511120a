/* Logged decisions: what off-policy evaluation looks at.
 *
 * A decision is an event: in the context x_i (the user's history before it, the profile, the slot) the
 * logging policy beta showed item a_i with the probability that /events/propensity says, and reward_i
 * came back. Users are the independent units. In a sequential log a user's decisions fall into
 * episodes, each ending where /events/end is not 0 or the user's range does; in a bandit log every
 * decision is an episode of its own. A user's first event in a sequential log opens the history and is
 * no decision: there is no state before it.
 *
 * Memory: 31 bytes a decision, 8 more an episode.
 */
#ifndef SOUK_OPE_LOG_H
#define SOUK_OPE_LOG_H

#include "evaluate/ranking/histories.h"

enum { OPE_SLOTS_MAX = 64 };

typedef struct {
    int split;            /* SPLIT_TRAIN …, or SPLITS: all events */
    bool sequential;      /* else a bandit log */
    bool history;         /* leave out a user's first event, as a sequential log always does */
    const char *position; /* event feature that says in which slot the item stood; NULL: no slots */
} OpeLogOptions;

typedef struct {
    const Behaviour *file;
    bool sequential;
    int32_t items;
    int64_t count, users, episodes;
    int64_t no_history; /* events left out: first of their user */
    int64_t *user;      /* [users] row of /users, ascending */
    int64_t *first;     /* [users+1] decisions of user[u] are first[u] .. first[u+1]-1 */
    int64_t *episode;   /* [episodes+1] first decision of each; never across users */
    int64_t *event;     /* [count] row of /events, ascending */
    int32_t *item;      /* [count] */
    float *reward;      /* [count] */
    float *propensity;  /* [count] in (0, 1] */
    uint8_t *action; /* [count] kind of action that the reward was for, as numbered in the file */
    uint8_t *end;    /* [count] as /events/end */
    uint8_t *slot;   /* [count] in [0, slots) */
    int slots;       /* distinct values of the position, ascending; 1 without */
    float slot_value[OPE_SLOTS_MAX]; /* as the log had them */
} OpeLog;

/* Fails, naming the file, when it has no propensities, no such event feature, a position with more than
 * OPE_SLOTS_MAX values, or no decision to look at. (That each propensity is a probability above 0,
 * behaviour_open has checked.) */
Status ope_log_open(OpeLog *log, const Behaviour *file, const OpeLogOptions *options);
void ope_log_close(OpeLog *log); /* safe on {0} */

/* Does the file look sequential: has any user more than one event? */
bool ope_log_is_sequential(const Behaviour *file);

#endif
