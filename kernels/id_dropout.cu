/* SPDX-License-Identifier: Apache-2.0 */
/* One thread an item. Bound by memory. */
#include "id_dropout.h"

#include "dropout.cuh"

enum { THREADS = 256 };

static __global__ void kept_kernel(float *kept, const float *popularity, int64_t items,
                                   DropoutMask mask)
{
    const int64_t a = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (a >= items) return;
    float factor[1];
    dropout_factors(factor, mask, dropout_counter(mask), a);
    kept[a] = factor[0] != 0.0f && (!popularity || popularity[a] > 0.0f) ? 1.0f : 0.0f;
}

void id_dropout_cuda(Device *dev, Tensor kept, Tensor popularity, Dropout d)
{
    const int64_t items = kept.dim[0];
    LAUNCH(dev, kept_kernel, blocks_for(items, THREADS), THREADS, 0, f32(kept), f32(popularity),
           items, dropout_mask(&d));
}
