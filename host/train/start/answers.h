/* SPDX-License-Identifier: Apache-2.0 */
/* Where the outcome head starts: at the rates of the answers in the train split. A bias at 0 would
 * take hundreds of steps to get to the logarithm of a rare purchase, and the rest of the model
 * would learn from the error until then.
 *
 *   bias[k]     = log(n[k] + 1/2)
 *   bias[K + k] = log(p / (1 - p)),   p = (e[k] + 10 e / n) / (n[k] + 10)
 *
 * n[k] is the number of events of kind k in the train split whose end is known, e[k] how many of
 * them ended their episode; e = sum_k e[k] + 1/2 and n = sum_k n[k] + 1.
 */
#ifndef SOUK_START_ANSWERS_H
#define SOUK_START_ANSWERS_H

#include "train/trainer.h"

/* Does nothing where the model has no outcome head. */
Status answers_start(Trainer *t);

#endif
