/* SPDX-License-Identifier: Apache-2.0 */
/* A model as an actor in a world: it gives the history of each episode to infer/act.h, which
 * chooses.
 */
#ifndef SOUK_MODEL_ACTOR_H
#define SOUK_MODEL_ACTOR_H

#include "infer/act.h"
#include "world/play.h"

typedef struct ModelActor ModelActor;
/* The session and the world must outlive the actor. Fails when the catalogue, the kinds of events
 * or the numbers of the session's file are not the world's, and where the rule of the session
 * could leave out every item. */
Status model_actor_open(ModelActor **a, Session *session, const World *w,
                        const ActOptions *options);
void model_actor_close(ModelActor *a); /* safe on NULL */
Actor model_actor(ModelActor *a);

#endif
