/* SPDX-License-Identifier: Apache-2.0 */
#include "base/tree.h"

#include <inttypes.h>

/* The parts of one element are `stride` apart. */
#define TREE_OF(name, type)                                                                        \
    static type name(const type *part, int64_t parts, int64_t stride)                              \
    {                                                                                              \
        int64_t left = 1;                                                                          \
        if (parts == 1) return *part;                                                              \
        while (2 * left < parts) left *= 2;                                                        \
        return name(part, left, stride) + name(part + left * stride, parts - left, stride);        \
    }
TREE_OF(tree_f32, float)
TREE_OF(tree_f64, double)

void tree_sum(Device *dev, Tensor to, Tensor part)
{
    const int64_t parts = part.rank ? part.dim[0] : 0, count = tensor_count(to);
    REQUIRE(part.dtype == to.dtype && (to.dtype == F32 || to.dtype == F64),
            "a tree of %s into %s, want f32 or f64 in both", tensor_dtype_name(part.dtype),
            tensor_dtype_name(to.dtype));
    REQUIRE(parts >= 1 && tensor_count(part) == parts * count,
            "a tree over %" PRId64 " elements in %" PRId64 " parts, want %" PRId64
            " elements a part",
            tensor_count(part), parts, count);
    if (ON_CUDA(dev)) {
        tree_sum_cuda(dev, to, part);
        return;
    }
    if (!device_runs(dev)) return;
#pragma omp parallel for schedule(static) num_threads(dev->threads)
    for (int64_t i = 0; i < count; i++)
        if (to.dtype == F32)
            f32(to)[i] = tree_f32(f32(part) + i, parts, count);
        else
            ((double *)to.data)[i] = tree_f64((double *)part.data + i, parts, count);
}
