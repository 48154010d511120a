/* What an evaluation holds side by side: the model and the baselines, all behind this. */
#ifndef SOUK_SCORER_H
#define SOUK_SCORER_H

#include "evaluate/ranking/ranking.h"

typedef struct {
    bool include_seen; /* items of the history stay candidates */
    int threads;       /* >= 1; results do not depend on it */
    int purchase;      /* the action to predict; -1: none */
    bool quiet;        /* no progress bar */
} ScoreOptions;

typedef struct Scorer {
    const char *name; /* its row in the tables, at most 18 characters */
    bool baseline;    /* the bar that the others are measured against */
    bool ranks;       /* fills `ranking` */
    bool predicts;    /* fills `purchase` */
    void *state;      /* the implementer's own, as `kind` */
    int kind;
    /* Score every event of `events`, each given its user's history before it: rows offset[user] ..
     * event-1 of the log. Adds all events to `ranking` (NULL unless .ranks) and sets
     * purchase[events], any score that rises with the chance that the event is a purchase (NULL
     * unless .predicts and a purchase action exists). */
    Status (*score)(const struct Scorer *self, const Histories *h, const ScoredEvents *events,
                    const ScoreOptions *options, Ranking *ranking, float *purchase);
} Scorer;

#endif
