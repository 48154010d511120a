/* SPDX-License-Identifier: Apache-2.0 */
/* Which segment an element is in, such as which window of a packed batch a token, by bisection. */
#ifndef SOUK_SEGMENT_CUH
#define SOUK_SEGMENT_CUH

#include "base/cuda/cuda.cuh"

/* The segment s with offset[s] <= at < offset[s + 1]; the last one for an element past all
 * segments, and 0 where there are none. offset [segments + 1] from 0, never falling. */
static __device__ __forceinline__ int64_t segment_of(const int32_t *offset, int64_t segments,
                                                     int64_t at)
{
    int64_t low = 0, high = segments; /* offset[low] <= at < offset[high] */
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (offset[middle] <= at)
            low = middle;
        else
            high = middle;
    }
    return low;
}

#endif
