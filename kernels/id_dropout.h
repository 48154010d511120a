/* SPDX-License-Identifier: Apache-2.0 */
/* Which items keep the id part of their vectors in a training step (ItemTable.kept of items.h).
 * Where the ids of a random share of the items are left out, the features of those items have to do
 * without, and so they learn to place items that have no id of their own, because they are new
 * (Volkovs et al. 2017, DropoutNet).
 *
 *   kept[a] = 1 where popularity[a] > 0 and factor[a] of dropout.h is not 0, else 0; overwrites
 *
 *   kept        [items] f32
 *   popularity  [items] f32   optional (data NULL: all items are known)
 *   d           as in dropout.h; at rate 0 every known item is kept
 *
 * Deterministic, and the same bits on every device: a pure function of the seed, the site, the step
 * and the item. No scratch.
 */
#ifndef SOUK_ID_DROPOUT_H
#define SOUK_ID_DROPOUT_H

#include "dropout.h"

#ifdef __cplusplus
extern "C" {
#endif

void id_dropout(Device *dev, Tensor kept, Tensor popularity, Dropout d);

/* The CUDA half, in id_dropout.cu. Call the function above instead: it checks shapes. */
void id_dropout_cuda(Device *dev, Tensor kept, Tensor popularity, Dropout d);

#ifdef __cplusplus
}
#endif
#endif
