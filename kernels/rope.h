/* SPDX-License-Identifier: Apache-2.0 */
/* Rotary positions (Su et al. 2021) on packed queries, keys and values, in place.
 *
 * With half = head_dim / 2, column i of a head is paired with column i + half (the half-split
 * convention). For each token t and each head of q and of k (v is left as it is):
 *
 *   angle = position[t] theta^(-2i / head_dim)        i = 0 .. half-1, in double
 *   x[i]'      = x[i] cos(angle) - d x[i+half] sin(angle)
 *   x[i+half]' = x[i+half] cos(angle) + d x[i] sin(angle)
 *
 *   direction d    +1 forward; -1 the transpose (and inverse), for dqkv in the backward pass
 *   qkv            [tokens, 3 dim]   f32 or bf16, rows q | k | v of dim = heads * head_dim each;
 *                                    head_dim even, on CUDA at most 512
 *   position       [tokens]          i32, 0 .. positions-1
 *
 * Scratch on the CPU: a table of cos and sin, 4 head_dim positions bytes, and in bf16 a widened
 * copy of qkv; none on CUDA. Deterministic.
 */
#ifndef SOUK_ROPE_H
#define SOUK_ROPE_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void rope(Device *dev, Tensor qkv, Tensor position, int64_t heads, int64_t positions, double theta,
          int direction);

/* The CUDA half, in rope.cu. Call the function above instead: it checks shapes. */
void rope_cuda(Device *dev, Tensor qkv, Tensor position, int64_t heads, double theta,
               int direction);

#ifdef __cplusplus
}
#endif
#endif
