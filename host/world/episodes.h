/* SPDX-License-Identifier: Apache-2.0 */
/* Many episodes of a world, stepped at once on all processors.
 *
 * Each slot has one episode. Functions take `count` slots: slot[i] is the slot of entry i; where
 * slot is NULL, entry i is in slot i. The results do not depend on the number of slots or threads
 * (world.h).
 */
#ifndef SOUK_WORLD_EPISODES_H
#define SOUK_WORLD_EPISODES_H

#include "world/world.h"

typedef struct {
    const World *world;
    uint64_t seed;
    int64_t slots; /* episodes at once */
    int threads;
    char *state;      /* [slots, state_bytes rounded up to 16] */
    size_t stride;    /* bytes from one state to the next */
    int64_t *episode; /* [slots] number of the episode in each slot */
    int64_t *step;    /* [slots] choices made so far */
} Episodes;

/* `threads` <= 0: all processors. */
Status episodes_open(Episodes *e, const World *w, int64_t slots, uint64_t seed, int threads);
void episodes_close(Episodes *e); /* safe on {0} */

/* Begin episode[i] in slot[i], for i < count; event[i] is its opening event. */
void episodes_reset(Episodes *e, int64_t count, const int64_t *slot, const int64_t *episode,
                    WorldEvent *event);
/* Choose item[i] in slot[i]; event[i] is the answer. A slot whose episode has ended must be reset
 * first. */
void episodes_step(Episodes *e, int64_t count, const int64_t *slot, const int32_t *item,
                   WorldEvent *event);
/* Fills the choice of a baseline in slot[i], and its probability. Its random numbers are not those
 * of the world. Runs on the calling thread: play.h spreads the episodes of a baseline over
 * threads. */
void episodes_act(const Episodes *e, const WorldBaseline *b, int64_t count, const int64_t *slot,
                  int32_t *item, float *propensity);
/* The state in a slot, for mdp_state of the kind. */
const void *episodes_state(const Episodes *e, int64_t slot);

#endif
