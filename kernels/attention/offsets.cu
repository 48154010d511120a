/* SPDX-License-Identifier: Apache-2.0 */
/* One thread for each sequence that cuDNN's plan has, and one for the end. A few KB are written:
 * the kernel costs its launch. */
#include "attention/offsets.h"

#include "base/cuda/cuda.cuh"

enum { THREADS = 128 };

typedef struct {
    int64_t *qkv, *o, *lse;
    int32_t *length;
    int64_t tokens, sequences; /* of the batch: its tokens, its sequences */
    int64_t capacity;          /* sequences of the plan */
    int64_t longest, heads, dim;
} Offsets;

/* One thread for each n in 0 .. capacity. The batch has the sequences below `sequences`. */
static __global__ void offsets_kernel(Offsets at, const int32_t *cu)
{
    const int64_t n = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (n > at.capacity) return;
    const bool there = n < at.sequences;
    const int64_t first = cu[there ? n : at.sequences];
    const int64_t length = there ? cu[n + 1] - first : 0;
    device_require(first >= 0 && length >= 0 && length <= at.longest &&
                   first + length <= at.tokens);
    device_require(n > 0 || first == 0);
    at.qkv[n] = first * 3 * at.dim;
    at.o[n] = first * at.dim;
    at.lse[n] = first * at.heads;
    if (n < at.capacity) at.length[n] = (int32_t)length;
}

AttentionOffsets attention_offsets_cuda(Device *dev, Tensor cu_seqlens, int64_t tokens,
                                        int64_t longest, const AttentionShape *shape)
{
    const int64_t ends[] = {shape->sequences + 1};
    AttentionOffsets a;
    a.qkv = scratch_tensor(dev, I64, 1, ends);
    a.o = scratch_tensor(dev, I64, 1, ends);
    a.lse = scratch_tensor(dev, I64, 1, ends);
    a.length = scratch_tensor(dev, I32, 1, &shape->sequences);
    const Offsets at = {(int64_t *)a.qkv.data,
                        (int64_t *)a.o.data,
                        (int64_t *)a.lse.data,
                        i32(a.length),
                        tokens,
                        cu_seqlens.dim[0] - 1,
                        shape->sequences,
                        longest,
                        shape->heads,
                        shape->heads * shape->head_dim};
    LAUNCH(dev, offsets_kernel, blocks_for(shape->sequences + 1, THREADS), THREADS, 0, at,
           i32(cu_seqlens));
    return a;
}
