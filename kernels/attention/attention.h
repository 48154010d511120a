/* Causal multi-head attention over packed sequences (Vaswani et al. 2017), exact, without a
 * [tokens, tokens] matrix: blocks of queries forward, scores recomputed backward from lse
 * (Dao et al. 2022).
 *
 * For each sequence [cu_seqlens[n], cu_seqlens[n+1]) and each head, t and u tokens of it:
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
 *   qkv, dqkv     [tokens, 3 dim]    f32 or bf16, rows q | k | v, each of heads head_dim = dim;
 *                                    cuda: head_dim at most 128
 *   o, do_        [tokens, dim]      dtype of qkv
 *   lse           [tokens, heads]    f32, written by forward, read by backward
 *   cu_seqlens    [sequences + 1]    i32, from 0, never falling, its last at most tokens;
 *                                    o, lse and dqkv of the rows past its last are set to 0
 *   longest       no sequence has more tokens: what the host knows, as it can not look at cu_seqlens
 *                 on a device; at most tokens. It takes part in the choice of kernels.
 *
 * In bf16 the products are of bf16 with f32 sums: p (forward: exp(s[t,u] - m), m the largest score so
 * far, divided by its sum afterwards) and ds are rounded before theirs, where CUDA has tensor cores for
 * them (head_dim a multiple of 8) and on the CPU. Which kernel serves on CUDA, and when that is cuDNN's:
 * attention_choice.h.
 *
 * Nothing may alias. Scratch a thread, with L the longest sequence and head_dim rounded up to 32:
 * forward 4 (2 L head_dim + 32 L) bytes, backward 32 L head_dim bytes; on CUDA in all, forward up to 20
 * bytes for 32 tokens and each sequence, backward up to 4 tokens (dim + heads) bytes more; where cuDNN serves,
 * its workspace. Deterministic: a sequence's head is one thread's work, in a fixed order of blocks; on
 * CUDA every number has one thread that sums it in a fixed order.
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
