/* SPDX-License-Identifier: Apache-2.0 */
/* The start of the counted half of the policy: the mean and the scale of its features, over the
 * candidates of the first STANDARDISE_BATCHES training batches, and the score with which all
 * candidates start.
 *
 * That score is the logarithm of the number of counted events. The dense half starts with the bias
 * log(popularity + 1/2), whose mass is about that number; so at the start the masses of the two
 * halves have one size, and learning, not the start, decides how a state divides them.
 */
#ifndef SOUK_STANDARDISE_H
#define SOUK_STANDARDISE_H

#include "train/trainer.h"

enum { STANDARDISE_BATCHES = 16 };

/* Writes the parameters of a model that has a counted half and whose tables are counted. */
Status standardise(Trainer *t);

#endif
