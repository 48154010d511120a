/* SPDX-License-Identifier: Apache-2.0 */
/* Causal multi-head attention over packed sequences (Vaswani et al. 2017), exact, without a
 * [tokens, tokens] matrix: blocks of queries forward, scores recomputed backward from lse (Dao et
 * al. 2022).
 *
 * For each sequence [cu_seqlens[n], cu_seqlens[n+1]), each head, and tokens t and u of the
 * sequence:
 *
 *   forward    s[t,u] = q[t] . k[u] / sqrt(head_dim)      u <= t
 *              lse[t,h] = ln sum_u exp(s[t,u])                          overwrites
 *              o[t] = sum_u exp(s[t,u] - lse[t,h]) v[u]                 overwrites
 *   backward   p[t,u] = exp(s[t,u] - lse[t,h])
 *              dv[u] = sum_t p[t,u] do[t]                               overwrites
 *              ds[t,u] = p[t,u] (do[t] . v[u] - do[t] . o[t])
 *              dq[t] = sum_u ds[t,u] k[u] / sqrt(head_dim)              overwrites
 *              dk[u] = sum_t ds[t,u] q[t] / sqrt(head_dim)              overwrites
 *
 *   qkv, dqkv     [tokens, 3 dim]    f32 or bf16, rows q | k | v of dim = heads * head_dim each;
 *                                    cuda: head_dim at most 128
 *   o, do_        [tokens, dim]      dtype of qkv
 *   lse           [tokens, heads]    f32, written by forward, read by backward
 *   cu_seqlens    [sequences + 1]    i32, from 0, never falling, its last at most tokens; o, lse
 *                                    and dqkv of the rows past its last are set to 0
 *   longest       an upper bound on the tokens of a sequence, at most `tokens`. The host gives it
 *                 because it can not read cu_seqlens on a device. It takes part in the choice of
 *                 kernels; a longer sequence stops the device.
 *
 * In bf16, products take bf16 operands and sum in f32. On the CPU, and on CUDA where tensor cores
 * serve (head_dim a multiple of 8), p and ds are rounded to bf16 before they enter a product.
 * Forward rounds exp(s[t,u] - m), with m the largest score so far, and divides by the sum at the
 * end. attention/choice.h says which kernel serves a call on CUDA, and when that is cuDNN's.
 *
 * Nothing may alias. Scratch of each CPU thread, with L = `longest` and head_dim both rounded up to
 * 32: forward 4 (2 (L + 32) head_dim + 32 L) bytes, backward 32 L head_dim + 8 L bytes. The CPU
 * also takes 8 bytes for each sequence, and in bf16 widened copies. Scratch on CUDA: forward up to
 * 20 bytes for every 32 tokens and for each sequence, backward up to 4 tokens (dim + heads) bytes
 * more; where cuDNN serves, its workspace. Deterministic: on the CPU one thread computes a head of
 * a sequence, in a fixed order of blocks; on CUDA one thread sums each number, in a fixed order.
 */
#ifndef SOUK_ATTENTION_H
#define SOUK_ATTENTION_H

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

void attention_forward(Device *dev, Tensor o, Tensor lse, Tensor qkv, Tensor cu_seqlens,
                       int64_t heads, int64_t longest);
void attention_backward(Device *dev, Tensor dqkv, Tensor do_, Tensor o, Tensor lse, Tensor qkv,
                        Tensor cu_seqlens, int64_t heads, int64_t longest);

/* The CUDA half, in attention.cu. Call the functions above instead: they check shapes. */
void attention_forward_cuda(Device *dev, Tensor o, Tensor lse, Tensor qkv, Tensor cu_seqlens,
                            int64_t heads, int64_t longest);
void attention_backward_cuda(Device *dev, Tensor dqkv, Tensor do_, Tensor o, Tensor lse, Tensor qkv,
                             Tensor cu_seqlens, int64_t heads, int64_t longest);

#ifdef __cplusplus
}
#endif
#endif
