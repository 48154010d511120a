/* SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

enum { ALIGN = 256 }; /* what cudaMalloc gives; wide enough for every vector load */

Tensor arena_tensor(Arena *a, Dtype dtype, int rank, const int64_t *dim)
{
    Tensor t = tensor_view(NULL, dtype, rank, dim);
    const size_t bytes = (tensor_bytes(t) + ALIGN - 1) / ALIGN * ALIGN;
    if (a->base) {
        REQUIRE(a->used + bytes <= a->capacity,
                "arena: the second layout pass takes %zu bytes, want at most the %zu of the first",
                a->used + bytes, a->capacity);
        t.data = a->base + a->used;
    }
    a->used += bytes;
    return t;
}

Status arena_open(Arena *a, Device *dev, const char *use)
{
    a->capacity = a->used;
    a->used = 0;
    a->dev = dev;
    a->base = device_alloc(dev, a->capacity, use);
    return a->base ? OK : ERR_MEMORY;
}

void arena_close(Arena *a)
{
    if (a->base) device_free(a->dev, a->base);
    *a = (Arena){0};
}
