/* SPDX-License-Identifier: Apache-2.0 */
/* What a training does before its first step, once its weights are drawn, unless it resumes
 * another. */
#ifndef SOUK_START_H
#define SOUK_START_H

#include "base/listener.h"
#include "train/trainer.h"

/* Where the model has a count table, count the train split of the trainer's file. The same bits for
 * any number of threads. */
Status start_fresh(Trainer *t, Listener *listener);

#endif
