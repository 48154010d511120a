/* SPDX-License-Identifier: Apache-2.0 */
/* Playing: an actor chooses in many episodes of a world at once, until all of them have ended. Each
 * finished episode goes to a sink.
 *
 * The episodes are played in waves of `slots` episodes and reach the sink in their order. So the
 * result does not depend on `slots`, as long as the actor's choice for one history does not depend
 * on the other histories of the wave.
 */
#ifndef SOUK_PLAY_H
#define SOUK_PLAY_H

#include "base/listener.h"
#include "world/episodes.h"

/* A history so far: the opening event, then one event for each choice. */
typedef struct {
    int64_t episode, count, capacity;
    WorldEvent *event; /* [capacity]; of `number` only the first spec.numbers are set */
    float *propensity; /* [capacity] probability with which the item was chosen; opening event: 1 */
} PlayHistory;

/* An agent. slot[0 .. count-1] are the slots in which a choice is to be made; `history` and the
 * states of `episodes` are indexed by slot. act fills item[i] and propensity[i] for slot[i]. */
typedef struct {
    void *self;
    Status (*act)(void *self, const Episodes *episodes, const PlayHistory *history, int64_t count,
                  const int64_t *slot, int32_t *item, float *propensity);
    /* True: several threads may call act at once, each for a wave of its own. False: one thread
     * calls it, for all slots. */
    bool concurrent;
} Actor;

/* A baseline as an actor; `baseline` must outlive the actor. */
Actor play_baseline_actor(const WorldBaseline *baseline);
/* A policy of the world's MDP as an actor: policy[state] is the choice. `policy` must outlive
 * it. */
Actor play_table_actor(const int64_t *policy);

typedef struct {
    int64_t first, episodes; /* the episodes have the numbers first .. first + episodes - 1 */
    int64_t slots;           /* episodes at once */
    uint64_t seed;
    int threads;        /* <= 0: all processors */
    Listener *listener; /* NULL: progress is not reported */
} PlayOptions;

/* Receives each finished episode, in order; `history` is valid during the call. */
typedef struct {
    void *context;
    Status (*take)(void *context, const PlayHistory *history);
} PlaySink;

typedef struct {
    double *value;   /* [episodes], the caller's: sum_t discount^t r_t over the choices of each */
    int64_t choices; /* choices of all episodes */
} PlayResult;
/* `sink.take` may be NULL, where the events are not needed. */
Status play(const World *w, const PlayOptions *options, Actor actor, PlaySink sink,
            PlayResult *result);

/* The mean of count >= 1 values, and half of its 95 % interval: 1.96 standard errors, from the
 * deviation of the values. */
typedef struct {
    double mean, half;
} PlayInterval;
PlayInterval play_interval(const double *value, int64_t count);

#endif
