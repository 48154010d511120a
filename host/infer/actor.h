/* A model as an actor in a world: the state of an episode is its last model.length events, all episodes
 * that want a choice go through the encoder in packed batches, and the choice is made over the whole
 * catalogue.
 */
#ifndef SOUK_MODEL_ACTOR_H
#define SOUK_MODEL_ACTOR_H

#include "infer/scorer.h"
#include "world/play.h"

typedef struct {
    HeadId head;
    double
        temperature; /* > 0: an item by softmax(score / temperature), propensity its probability */
    double epsilon;  /* temperature 0: the best item, but with this chance any: propensity
                           epsilon / items, and 1 - epsilon more for the best */
    int64_t
        candidates; /* > 0: the same by Q, but among this many items that the policy ranks best, and
                           not the whole catalogue; `head` is not read. Two stages, as in discrete BCQ
                           (Fujimoto et al. 2019): Q is trusted only where the log went */
    int64_t
        exclude_last; /* items of so many last events of a history are not chosen; their propensity is 0 */
    uint64_t seed; /* of the choices */
} ActorOptions;

typedef struct ModelActor ModelActor;
/* The model, its file and its device must outlive the actor. Fails when the file's catalogue, kinds of
 * events or numbers are not the world's, for candidates when the model lacks a head, and where
 * exclude_last could leave no item. */
Status model_actor_open(ModelActor **a, const ModelScorer *scorer, const World *w,
                        const ActorOptions *options);
void model_actor_close(ModelActor *a); /* safe on NULL */
Actor model_actor(ModelActor *a);

#endif
