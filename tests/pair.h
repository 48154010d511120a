/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by tests of CUDA ops: the two devices, tensors on both, and bounds of errors. The same
 * tests run in the CPU emulation (tests/simt) and, in a build with CUDA, on a GPU. */
#ifndef SOUK_TEST_PAIR_H
#define SOUK_TEST_PAIR_H

#include "op.h"

#include "base/bf16.h"
#include "base/cuda/device.h"
#include "items.h"

static Device cpu, gpu;
static Tensor gpu_pool[4096];
static int gpu_used;

/* Run the tests with both devices. Where no GPU can be used, print why and return 77, which CTest
 * takes for skipped. */
#define RUN_PAIR_TESTS(tests)                                                                      \
    (pair_open() ? cmocka_run_group_tests((tests), NULL, pair_close)                               \
                 : (printf("1..0 # SKIP %s\n", status_message()), 77))

static inline int pair_open(void)
{
    return device_open(&cpu, "cpu", 2) == OK && device_open(&gpu, "cuda", 2) == OK;
}

static inline int pair_close(void **state)
{
    (void)state;
    device_close(&gpu);
    device_close(&cpu);
    return 0;
}

/* A copy on the GPU, which ends exactly at its last element. It lives until pair_free(). */
static inline Tensor on_gpu(Tensor host)
{
    Tensor t = host;
    if (!host.data) return t;
    assert_true(gpu_used < 4096);
    t.data = device_alloc_cuda(&gpu, tensor_bytes(host) ? tensor_bytes(host) : 1);
    assert_non_null(t.data);
    device_copy_in(&gpu, t.data, host.data, tensor_bytes(host));
    return gpu_pool[gpu_used++] = t;
}

/* Memory on the GPU of the size of `like`, in which nothing has been written. */
static inline Tensor gpu_space(Tensor like)
{
    Tensor t = like;
    t.data = device_alloc_cuda(&gpu, tensor_bytes(like) ? tensor_bytes(like) : 1);
    assert_non_null(t.data);
    return gpu_pool[gpu_used++] = t;
}

static inline ItemTable table_on_gpu(const ItemTable *t)
{
    return (ItemTable){.id = on_gpu(t->id),
                       .text = on_gpu(t->text),
                       .category = on_gpu(t->category),
                       .category_table = on_gpu(t->category_table),
                       .numeric = on_gpu(t->numeric),
                       .numeric_weight = on_gpu(t->numeric_weight),
                       .kept = on_gpu(t->kept),
                       .first = t->first,
                       .total = t->total};
}

static inline Tensor from_gpu(Tensor t)
{
    const Tensor host = new_tensor(t.dtype, t.rank, t.dim);
    device_copy_out(&gpu, host.data, t.data, tensor_bytes(t));
    assert_ok(device_sync(&gpu));
    return host;
}

static inline void pair_free(void)
{
    while (gpu_used) device_free_cuda(&gpu, gpu_pool[--gpu_used].data);
    tensors_free();
}

/* ---- bfloat16 -------------------------------------------------------------------------------- */

/* Round an f32 tensor to bf16 in place, so that it has the same numbers in both dtypes. */
static inline Tensor rounded(Tensor t)
{
    for (int64_t i = 0; i < tensor_count(t); i++) f32(t)[i] = bf16_rounded(f32(t)[i]);
    return t;
}

static inline Tensor to_bf16(Tensor t)
{
    Tensor b = new_tensor(BF16, t.rank, t.dim);
    for (int64_t i = 0; i < tensor_count(t); i++) {
        const float x = bf16_rounded(f32(t)[i]);
        memcpy((char *)b.data + 2 * i, (const char *)&x + 2, 2);
    }
    return b;
}

static inline Tensor to_f32(Tensor b)
{
    if (b.dtype == F32) return b;
    Tensor t = new_tensor(F32, b.rank, b.dim);
    for (int64_t i = 0; i < tensor_count(t); i++)
        memcpy((char *)t.data + 4 * i + 2, (const char *)b.data + 2 * i, 2);
    return t;
}

/* A copy on the GPU in this dtype. For BF16 the numbers of `t` must be rounded() already. */
static inline Tensor as_gpu(Dtype dtype, Tensor t)
{
    return on_gpu(dtype == BF16 ? to_bf16(t) : t);
}

/* ---- Bounds ---------------------------------------------------------------------------------- */

static inline double distance(Tensor a, Tensor b)
{
    double sum = 0.0;
    for (int64_t i = 0; i < tensor_count(a); i++) {
        const double d = (double)f32(a)[i] - f32(b)[i];
        sum += d * d;
    }
    return sqrt(sum);
}

/* Compare `have`, on the GPU, with `want` of the CPU, by the L2 norm of the difference. In f32 it
 * may be `ulps` spacings. In bf16 it may be 1.5 times the error of rounding `want` once; `want`
 * itself is f32, whose error is 2^-16 of that. */
static inline void assert_as_cpu(Tensor have, Tensor want, double ulps)
{
    const Tensor h = to_f32(from_gpu(have));
    const double error = distance(h, want);
    double norm = 0.0;
    for (int64_t i = 0; i < tensor_count(want); i++) norm += (double)f32(want)[i] * f32(want)[i];
    double bound = ulps * ULP * sqrt(norm);
    if (have.dtype == BF16) bound = 1.5 * distance(rounded(new_copy(want)), want) + bound / 256;
    if (!(error <= bound)) fail_msg("error %.3g, bound %.3g, norm %.3g", error, bound, sqrt(norm));
}

#endif
