/* SPDX-License-Identifier: Apache-2.0 */
/* Items that the model has never seen: what keeps them comparable with those that it has.
 *
 * An item is new where the count table counts no event of it. Its vector is what its features say
 * (model/spectral/shares.h): training must not move its id, nor its bias of the policy. No event
 * draws them anywhere, and every softmax pushes them away from the states that it sees; AdamW makes
 * steps of full size of these small gradients. So they are set to 0. And so that features learn to
 * place items without ids, each step leaves out the ids of a random share of all items,
 * model.id_dropout (kernels/id_dropout.h).
 *
 * All this is for models whose items have features and whose policy counts. Others have no part
 * of it.
 */
#ifndef SOUK_COLD_H
#define SOUK_COLD_H

#include "dropout.h"
#include "model/model.h"

enum { COLD_SITE = 0xffff }; /* of the dropout of ids; those of activations count from 0 */

bool cold_wanted(const ModelShape *s);
/* Which items keep their ids in the step, f32 [items] in scratch of the caller; data NULL: all. */
Tensor cold_kept(Device *dev, const Model *m, uint64_t seed, Tensor step);
/* From dL/dE in the place of the gradient of item.id: sets it to 0 where the step left ids out, and
 * for new items, whose gradient of policy.bias becomes 0 too. Call it when both are complete. */
void cold_gradients(Device *dev, const Model *m, Weights grad, uint64_t seed, Tensor step);

#endif
