/* SPDX-License-Identifier: Apache-2.0 */
/* What was measured in rounds of acting and training. */
#ifndef SOUK_ROUNDS_TABLE_H
#define SOUK_ROUNDS_TABLE_H

#include "world/play.h"

enum { ROUNDS_BASELINES_MAX = 16 };

/* A policy that comes with the world. */
typedef struct {
    const char *name;
    bool oracle; /* it reads what no history shows */
    PlayInterval value;
} MeasuredPolicy;

typedef struct {
    PlayInterval played; /* return of the episodes of the log, with exploration */
    PlayInterval greedy; /* return of the greedy policy, after training */
    PlayInterval lost; /* what the greedy policy loses against the optimum; 0 if it is not known */
    double td;         /* mean TD loss of the steps of the round */
    double seconds;    /* since the start */
    int64_t events;    /* that the model was trained on so far */
    int64_t steps;     /* of the optimizer so far */
} MeasuredRound;

typedef struct {
    const char *world, *objective, *folder;
    int baselines;
    MeasuredPolicy baseline[ROUNDS_BASELINES_MAX];
    bool known; /* is the optimum known? */
    double optimum;
    int64_t rounds;
    MeasuredRound *round; /* [rounds] */
} RoundsTable;

#endif
