/* SPDX-License-Identifier: Apache-2.0 */
/* What a training does before its first step, once its weights are drawn, unless it resumes
 * another. An outcome head starts at the rates of its answers (train/start/answers.h). Of the rest,
 * a model without a count table starts as it was drawn.
 *
 *   1. The count table counts the train split of the trainer's file (data/counts/tables.h).
 *   2. policy.bias[a] = log(popularity[a] + 0.5).
 *   3. With model.spectral > 0, and without train.from, item.id are the vectors of
 *      model/spectral/spectral.h, of mean length model.spectral; items of which nothing is known
 *      keep the spread of model.init_std.
 *   4. The features of candidates are standardised (train/start/standardise.h).
 *
 * What a model that the training begins with (train.from) has replaces these weights afterwards.
 * The same bits for any number of threads.
 */
#ifndef SOUK_START_H
#define SOUK_START_H

#include "base/listener.h"
#include "train/trainer.h"

/* The host takes memory as model/spectral/spectral.h says, and frees it. */
Status start_fresh(Trainer *t, Listener *listener);

#endif
