/* SPDX-License-Identifier: Apache-2.0 */
/* The interface of the rankings that an evaluation compares: the model and the baselines implement
 * it. */
#ifndef SOUK_SCORER_H
#define SOUK_SCORER_H

#include "base/listener.h"
#include "evaluate/ranking/ranking.h"

typedef struct {
    bool include_seen;  /* items of the history stay candidates */
    int threads;        /* >= 1; results do not depend on it */
    int purchase;       /* the action to predict; -1: none */
    Listener *listener; /* NULL: progress is not reported */
} ScoreOptions;

typedef struct Scorer {
    const char *name; /* its row in the tables, at most 18 characters */
    bool baseline;    /* scorers that are no baseline are compared with the best baseline */
    bool ranks;       /* it fills `ranking` */
    bool predicts;    /* it fills `purchase` */
    void *state;      /* private to the implementation, as `kind` is */
    int kind;
    int model; /* of several models, its number; 0: the first */
    /* Scores every event of `events`, each from its user's history before it: rows offset[user] ..
     * known-1 of `h`. Adds all events to `ranking`, which is NULL unless .ranks. Fills purchase
     * [events] with any score that rises with the probability that the event is a purchase; it is
     * NULL unless .predicts and there is a purchase action. */
    Status (*score)(const struct Scorer *self, const Histories *h, const ScoredEvents *events,
                    const ScoreOptions *options, Ranking *ranking, float *purchase);
} Scorer;

#endif
