/* SPDX-License-Identifier: Apache-2.0 */
/* The second Q: a head that is trained on the targets of the first one, but by half of the users,
 * from random weights. What the two disagree about is what the log does not say; acting weighs Q by
 * that (infer/acting.h).
 *
 * It reads the states and the item vectors and gives them no gradient, so the model learns what it
 * would learn without it.
 */
#ifndef SOUK_SECOND_Q_H
#define SOUK_SECOND_Q_H

#include "learn/pass.h"

/* The loss of losses_td for the second Q, where the model has one. weight f32 [tokens]: of each
 * token's loss. The value of the loss is not reported. */
void second_q_td(Device *dev, const AgentPass *p, Tensor y, Tensor weight);

#endif
