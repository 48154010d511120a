/* SPDX-License-Identifier: Apache-2.0 */
/* Half of the users, drawn by a seed: for a second estimate that is to differ from the first one by
 * what the log happens to contain (a half-sample bootstrap). Windows are those of td.h.
 *
 *   weight[t] = 2 weight[t] where the user of the window of token t is of the half, else 0
 *
 * A user is of the half where the last bit of word 0 of Philox(seed, 2, user) is 1. The factor
 * keeps the expectation of a sum over users. Tokens past cu_seqlens[windows] get 0.
 *
 *   weight          [tokens]        f32, multiplied in place
 *   cu_seqlens      [windows + 1]   i32, from 0, never falling, its last at most tokens
 *   user            [windows]       i64
 *
 * On cpu and cuda. Scratch: none. Deterministic.
 */
#ifndef SOUK_HALF_H
#define SOUK_HALF_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void half_of_users(Device *dev, Tensor weight, Tensor cu_seqlens, Tensor user, uint64_t seed);

/* The CUDA half, in half.cu. Call the function above instead: it checks shapes. */
void half_of_users_cuda(Device *dev, Tensor weight, Tensor cu_seqlens, Tensor user, uint64_t seed);

#ifdef __cplusplus
}
#endif
#endif
