/* SPDX-License-Identifier: Apache-2.0 */
/* The items that a split of a log shows, with their answers: every event, taken or not, that has an
 * event of its user at an earlier time. host/model/README.md, "What comes of showing an item", says
 * what an answer is.
 */
#ifndef SOUK_OUTCOME_SHOWN_H
#define SOUK_OUTCOME_SHOWN_H

#include "infer/states.h"

typedef struct {
    int64_t count, users; /* users with at least one */
    int64_t *user;        /* [users] row of /users, ascending */
    int64_t *first;       /* [users+1] those of user[u] are first[u] .. first[u+1]-1 */
    int64_t *event;       /* [count] row of /events, ascending */
    int32_t *item;        /* [count] the item that was shown, */
    uint8_t *kind;        /* [count] what came of it, */
    int8_t *left;         /* [count] and whether the episode ended with it: 1 or 0; -1: unknown */
    float *reward;        /* [count] the reward of the event */
} Shown;

typedef struct {
    int split;
    int64_t users; /* > 0: at most so many users, drawn by `seed` without replacement */
    int64_t most;  /* > 0: at most so many events, every n-th of all */
    uint64_t seed;
} ShownOptions;

Status shown_read(Shown *s, const Behaviour *b, const ShownOptions *options);
void shown_close(Shown *s); /* safe on {0} */

static inline LogEvents shown_events(const Shown *s)
{
    return (LogEvents){s->users, s->user, s->first, s->event};
}

#endif
