/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by tests of ops: tensors that end exactly at their last element, so that a sanitizer sees
 * an access one byte too far, and comparisons. */
#ifndef SOUK_TEST_OP_H
#define SOUK_TEST_OP_H

#include "test.h"

static struct {
    void *memory[4096];
    int used;
} op_pool;

/* A zeroed tensor. It lives until tensors_free(). */
static inline Tensor new_tensor(Dtype dtype, int rank, const int64_t *dim)
{
    Tensor t = tensor_view(NULL, dtype, rank, dim);
    const size_t bytes = tensor_bytes(t);
    t.data = calloc(1, bytes ? bytes : 1);
    assert_true(t.data && op_pool.used < 4096);
    op_pool.memory[op_pool.used++] = t.data;
    return t;
}
#define NEW(dtype, ...) new_tensor((dtype), TENSOR_DIMS(__VA_ARGS__))

static inline Tensor new_normal(uint64_t seed, float scale, int rank, const int64_t *dim)
{
    Tensor t = new_tensor(F32, rank, dim);
    fill_normal(f32(t), tensor_count(t), seed, scale);
    return t;
}
#define NORMAL(seed, scale, ...) new_normal((seed), (scale), TENSOR_DIMS(__VA_ARGS__))

static inline Tensor new_copy(Tensor from)
{
    Tensor t = new_tensor(from.dtype, from.rank, from.dim);
    memcpy(t.data, from.data, tensor_bytes(from));
    return t;
}

static inline void tensors_free(void)
{
    while (op_pool.used) free(op_pool.memory[--op_pool.used]);
}

static inline void assert_same_bits(Tensor a, Tensor b)
{
    assert_int_equal(tensor_bytes(a), tensor_bytes(b));
    assert_memory_equal(a.data, b.data, tensor_bytes(a));
}

/* Central differences of f at x, in double. The error is about 1e-10 times the sizes of f and of
 * its third derivative. */
static inline void differences(double *dx, double (*f)(const double *x, const void *context),
                               const void *context, double *x, int64_t count)
{
    const double h = 1e-5;
    for (int64_t i = 0; i < count; i++) {
        const double at = x[i];
        x[i] = at + h;
        const double above = f(x, context);
        x[i] = at - h;
        dx[i] = (above - f(x, context)) / (2.0 * h);
        x[i] = at;
    }
}

static inline void to_double(double *to, Tensor from)
{
    for (int64_t i = 0; i < tensor_count(from); i++) to[i] = f32(from)[i];
}

/* The spacing of floats at 1. The relative error of a correctly rounded operation is at most half
 * of it. */
#define ULP 0x1p-23

#endif
