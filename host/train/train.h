/* SPDX-License-Identifier: Apache-2.0 */
/* A training, as the settings ask for it: on the log data.path, or in the world world.name. */
#ifndef SOUK_TRAIN_H
#define SOUK_TRAIN_H

#include "train/loop.h"

/* Fails unless the settings name either a log or a world. */
Status train_check(const Config *config);

/* Train by train/loop.h or, in a world, by train/rounds/rounds.h, which cannot resume. In a world
 * end->best is the mean return of the greedy policy after the last round. */
Status train_run(const Config *config, LoopOptions options, LoopEnd *end);

#endif
