/* SPDX-License-Identifier: Apache-2.0 */
/* An arena: one block of device memory from which tensors are taken front to back, and which is
 * freed as a whole.
 *
 * A layout function runs twice. On an empty arena (base NULL) its tensors get no memory, and the
 * arena only adds up their bytes; on the allocated arena the same calls return real tensors. So no
 * size is written by hand, and the two passes cannot disagree.
 *
 *     Arena a = {0};                 // the first pass measures
 *     encoder_layout(&encoder, &a);
 *     TRY(arena_open(&a, dev, "activations"));  // one zeroed allocation; a.used back to 0
 *     encoder_layout(&encoder, &a);  // the same calls now set real pointers
 */
#ifndef SOUK_ARENA_H
#define SOUK_ARENA_H

#include "base/device.h"
#include "base/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    char *base;
    size_t used, capacity;
    Device *dev;
} Arena;

/* Allocate the bytes that the first pass has added up, zeroed; `use` as in device_alloc. */
Status arena_open(Arena *a, Device *dev, const char *use);
void arena_close(Arena *a); /* safe on {0} and twice */
Tensor arena_tensor(Arena *a, Dtype dtype, int rank, const int64_t *dim);
#define ARENA(a, dtype, ...) arena_tensor((a), (dtype), TENSOR_DIMS(__VA_ARGS__))

#ifdef __cplusplus
}
#endif
#endif
