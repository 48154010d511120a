/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernel serves a call of attention on CUDA. The choice follows from the shapes, from the
 * host's upper bound on the lengths and from the GPU. It reads nothing on the device, so a recorded
 * graph takes the same kernels, and so do equal runs. Every kernel is deterministic.
 *
 *   ATTENTION_PLAIN  plain.cu: products on the plain cores, sums in f32. Serves f32, tensors that
 *                    are not aligned to 16 bytes, and a head_dim that is not a multiple of 8.
 *   ATTENTION_MMA    short.cu and mma.cu: tensor cores. Serves every other call in bf16 that cuDNN
 *                    does not. Made for short histories: a block takes as many as fill its tiles.
 *   ATTENTION_CUDNN  cudnn.c. Serves bf16 where all of this holds:
 *     - longest > 128 (> 64 where head_dim > 64), and on average 96 tokens a sequence: cuDNN has
 *       tiles of 128 tokens, which shorter histories leave partly empty;
 *     - head_dim is a multiple of 16: below that the sums of cuDNN over ragged sequences are not
 *       reliable;
 *     - forward: the GPU is sm_90 or sm_10x;
 *     - backward: the GPU is sm_90, which alone has a deterministic kernel for ragged sequences.
 *       Its workspace grows with the square of the longest sequence, and must not exceed
 *       ATTENTION_WORKSPACE bytes.
 *
 * The bound of 128 was measured on histories of equal length with heads of 64 columns
 * (bench/results/, souk bench --op attention): up to 128 tokens ATTENTION_MMA is faster in both
 * directions; at 256 tokens cuDNN is faster forward and slightly faster backward. Lengths between
 * these, mixed lengths and wider heads were not timed; the bound of 64 for wider heads comes from
 * an earlier version of ATTENTION_MMA.
 */
#ifndef SOUK_ATTENTION_CHOICE_H
#define SOUK_ATTENTION_CHOICE_H

#include <stdbool.h>

#include "base/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ATTENTION_SHORT: the longest history that one block computes, in plain.cu and short.cu. */
enum { ATTENTION_SHORT = 256, ATTENTION_WORKSPACE = 1 << 30 };

typedef enum { ATTENTION_PLAIN, ATTENTION_MMA, ATTENTION_CUDNN } AttentionKernel;

typedef struct {
    bool cudnn;     /* souk was built with cuDNN */
    int capability; /* the GPU's generation: 90 for sm_90 */
    bool backward;
    bool aligned; /* every tensor begins at a multiple of 16 bytes */
    Dtype dtype;
    int64_t tokens, sequences, longest, heads, head_dim;
} AttentionCall;
AttentionKernel attention_choice(const AttentionCall *call);

/* cuDNN's plans are made for fixed shapes. A call takes the plan of the next larger shape, so that
 * a few plans serve all batches: `sequences` is a power of two from 8, where the sequences that the
 * batch does not have get length 0; `longest` is a multiple of 128. */
typedef struct {
    bool backward;
    int64_t sequences, longest, heads, head_dim;
} AttentionShape;
AttentionShape attention_choice_shape(const AttentionCall *call);
/* Bytes in which cuDNN's backward keeps ds: one bf16 number for each pair. cuDNN's workspace is a
 * few bytes larger. */
int64_t attention_choice_workspace(const AttentionShape *shape);
/* The bytes of scratch that a call reserves for cuDNN's workspace. They are at least what the plan
 * of the shape asks for; the host knows that number only after it has built the plan.
 * tests/cuda/plans.c compares the two. */
int64_t attention_choice_scratch(const AttentionShape *shape);

#ifdef __cplusplus
}
#endif
#endif
