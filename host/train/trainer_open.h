/* SPDX-License-Identifier: Apache-2.0 */
/* Opening a trainer. It is apart from train/trainer.h because it plans the memory of a step, and
 * steps are functions of a trainer. */
#ifndef SOUK_TRAINER_OPEN_H
#define SOUK_TRAINER_OPEN_H

#include "base/listener.h"
#include "train/trainer.h"

typedef struct {
    Listener *listener; /* hears of the start (train/start.h); NULL: nobody */
    bool restored;      /* the caller reads weights and counts from a checkpoint: no start */
} TrainerOptions;

/* Open the behaviour file, measure the memory that training takes, refuse what does not fit, take
 * the memory, initialise the weights, count (train/start.h). The schedule has train.steps steps:
 * trainer_schedule sets another number. */
Status trainer_open(Trainer *t, const Config *config);
/* The same on an open file, which the trainer closes, also on failure. */
Status trainer_open_on(Trainer *t, const Config *config, Behaviour file, TrainerOptions options);

#endif
