/* SPDX-License-Identifier: Apache-2.0 */
/* The pointer: how much a state asks for an item that its history has, by attention over the events
 * of the item (pointer networks: Vinyals et al. 2015; repeats: RepeatNet, Ren et al. 2019).
 *
 * Row i is the state of token t = token[i] in window w; the events of its history are the tokens
 * t - d of w, at the distances d = 0 .. distances - 1. With
 *
 *   s[i, d] = <q[i], k[t - d]> / sqrt(dim) + bias[d]
 *   p[i, j] = log sum_d exp s[i, d]    over the d with item[t - d] = candidate[i, j]    overwrites
 *             0 where there is no such event, candidate[i, j] is below 0, or t is
 *
 * and given dp = dL/dp, which is not read where p is 0 for these reasons:
 *
 *   a[i, d]  = dp[i, j] exp(s[i, d] - p[i, j])    of the candidate j of the event t - d, else 0
 *   dq[i]    = sum_d a[i, d] k[t - d] / sqrt(dim)                     overwrites
 *   dk[u]    = sum of a[i, d] q[i] / sqrt(dim) over token[i] - d = u  overwrites
 *   dbias[d] += sum_i a[i, d]                                         accumulates
 *
 *   q, dq        [rows, dim]       f32 or bf16, all four the same; dim <= 128
 *   k, dk        [tokens, dim]
 *   bias, dbias  [distances]       f32; distances <= 64
 *   item         [tokens]          i32
 *   cu_seqlens   [windows + 1]     i32, from 0, never falling, its last at most tokens
 *   token        [rows]            i32, below 0 or never falling
 *   candidate    [rows, width]     i32, each at most once in a row; width <= 64
 *   p, dp        [rows, width]     f32
 *
 * p is written for backward to read. Scratch: backward 4 rows distances bytes; on the CPU also
 * widened copies of tensors in bf16; on CUDA also 8 tokens bytes and 4 distances bytes for every
 * 256 rows. Deterministic: dk adds in order of i, dbias chunks of 256 rows in order.
 */
#ifndef SOUK_COUNTS_POINTER_H
#define SOUK_COUNTS_POINTER_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

enum {
    POINTER_DIM_MAX = 128,
    POINTER_DISTANCES_MAX = 64,
    POINTER_WIDTH_MAX = 64,
    POINTER_CHUNK = 256
};

typedef struct {
    Tensor q, k, bias;
    Tensor item, cu_seqlens, token, candidate;
} PointerInput;

typedef struct {
    Tensor q, k; /* overwritten */
    Tensor bias; /* added to */
} PointerGradient;

void counts_pointer(Device *dev, Tensor p, const PointerInput *in);
void counts_pointer_backward(Device *dev, const PointerGradient *to, Tensor dp, Tensor p,
                             const PointerInput *in);

/* The CUDA half, in pointer.cu. Call the functions above instead: they check shapes. */
void counts_pointer_cuda(Device *dev, Tensor p, const PointerInput *in);
void counts_pointer_backward_cuda(Device *dev, const PointerGradient *to, Tensor dp, Tensor p,
                                  const PointerInput *in);

#ifdef __cplusplus
}
#endif
#endif
