/* Playing: an actor chooses in many episodes of a world at once, until all have ended; what happened
 * goes to a sink, episode by episode.
 *
 * Episodes are played in waves, `slots` of them at once, and handed on in their order, so the result does
 * not depend on `slots` where the actor's choice for a history does not depend on the others beside it.
 */
#ifndef SOUK_PLAY_H
#define SOUK_PLAY_H

#include "world/world.h"

/* A history so far: its opening event, then an event a choice. */
typedef struct {
    int64_t episode, count, room;
    WorldEvent *event; /* `number` holds spec.numbers of them */
    float *propensity; /* with which the event's item was chosen; 1 of the opening event */
} PlayHistory;

/* An agent. `history` and `episodes` are by slot; slot[i] are those that want a choice. An actor that plays
 * `apart` is asked by several threads at once, each for waves of its own; another by one, for all slots. */
typedef struct {
    void *self;
    Status (*act)(void *self, const Episodes *episodes, const PlayHistory *history, int64_t count,
                  const int64_t *slot, int32_t *item, float *propensity);
    bool apart;
} Actor;

/* A baseline as an actor; it must outlive it. */
Actor play_baseline_actor(const WorldBaseline *baseline);
/* The policy of a world's MDP: policy[state] is the choice. `policy` must outlive it. */
Actor play_table_actor(const int64_t *policy);

typedef struct {
    int64_t first, episodes; /* numbers of the episodes: first .. first + episodes - 1 */
    int64_t slots;           /* at once */
    uint64_t seed;
    int threads;
    bool quiet; /* no progress bar */
} PlayOptions;

/* Of each finished episode, in order; `context` NULL-safe by the sink's own rules. */
typedef struct {
    void *context;
    Status (*take)(void *context, const PlayHistory *history);
} PlaySink;

/* value[i] is the discounted return of episode first + i: sum_t discount^t r_t over its choices. */
typedef struct {
    double *value;   /* [episodes], the caller's */
    int64_t choices; /* of all episodes */
} PlayResult;
/* `sink.take` NULL: nobody wants the events. */
Status play(const World *w, const PlayOptions *options, Actor actor, PlaySink sink,
            PlayResult *result);

/* Mean of count >= 1 values, and half of its 95 % interval (normal, from the sample's deviation). */
typedef struct {
    double mean, half;
} Interval;
Interval play_interval(const double *value, int64_t count);

#endif
