/* SPDX-License-Identifier: Apache-2.0 */
/* The states that heads read. The next event after token i was chosen in the state after token
 * state[i] (data/stream/batch.h), which is token i itself except where events have equal times:
 *
 *   ties_states             s[i] = h[state[i]], 0 where state[i] is -1
 *   ties_states_backward    dh[j] = sum of ds[i] over the rows i with state[i] = j
 *
 *   h, s, dh, ds   [tokens, dim]   of the activations' dtype
 *
 * Where the log has no ties s is h and dh is ds: nothing is computed. Else the results are in the
 * caller's scratch. In bf16 the sums are of f32, rounded once. Deterministic: the rows of one token
 * are added in their order.
 */
#ifndef SOUK_TIES_H
#define SOUK_TIES_H

#include "model/input.h"

Tensor ties_states(Device *dev, const ModelInput *in, Tensor h);
Tensor ties_states_backward(Device *dev, const ModelInput *in, Tensor ds);

#endif
