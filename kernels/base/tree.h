/* SPDX-License-Identifier: Apache-2.0 */
/* Sums in a fixed binary tree, whose bits do not depend on who adds which part of it.
 *
 *   to[...] = T(0, parts)
 *   T(a, a + 1) = part[a, ...]
 *   T(a, b)     = T(a, a + h) + T(a + h, b)      h the largest power of two below b - a
 *
 * With 8 parts that is ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)). So where parts are a power of two
 * and dealt in equal runs to 1, 2, 4 or 8 ranks, each rank may add its own run first, and the tree
 * over what the ranks have gives the same bits as the tree over all parts.
 *
 *   to     [...]           f32 or f64, overwritten; may be part 0 of `part`
 *   part   [parts, ...]    of the dtype of `to`
 *
 * Each addition rounds once, in the dtype. On cpu and cuda. Scratch: none. Deterministic.
 */
#ifndef SOUK_TREE_H
#define SOUK_TREE_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void tree_sum(Device *dev, Tensor to, Tensor part);

/* The CUDA half, in tree.cu. Call the function above instead: it checks shapes. */
void tree_sum_cuda(Device *dev, Tensor to, Tensor part);

#ifdef __cplusplus
}
#endif
#endif
