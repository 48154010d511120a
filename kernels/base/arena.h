/* One block of device memory with one lifetime, handed out front to back.
 *
 * A layout function runs twice over the same code: once on a measuring arena (base NULL: it only
 * adds up), once on the real one. So sizes are never written down by hand and never disagree.
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

/* Allocate what the first pass has added up; `use` as device_alloc takes it. */
Status arena_open(Arena *a, Device *dev, const char *use);
void arena_close(Arena *a); /* safe on {0} and twice */
Tensor arena_tensor(Arena *a, Dtype dtype, int rank, const int64_t *dim);
#define ARENA(a, dtype, ...) arena_tensor((a), (dtype), TENSOR_DIMS(__VA_ARGS__))

#ifdef __cplusplus
}
#endif
#endif
