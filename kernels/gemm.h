/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix product.
 *
 *   c[m, n] = alpha * op(a)[m, k] op(b)[k, n]          overwrites
 *   c      += alpha * op(a)[m, k] op(b)[k, n]          accumulates, with .accumulate
 *
 *   a   [m, k], or [k, m] with .trans_a     f32 or bf16
 *   b   [k, n], or [n, k] with .trans_b     dtype of a
 *   c   [m, n]                              f32, or bf16 where a is; aliases neither
 *
 * Sums are in f32, of products of f32 (never TF32) or of bf16. Scratch: in bf16, widened copies on
 * the CPU. Deterministic: on the CPU (oneDNN) c is cut into tiles whose sizes follow from the shape
 * alone, and one thread computes a tile, so the bits do not depend on the number of threads; on
 * CUDA (cuBLASLt) equal shapes take the same algorithm.
 */
#ifndef SOUK_GEMM_H
#define SOUK_GEMM_H

#include <stdbool.h>

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    bool trans_a, trans_b, accumulate;
    float alpha; /* 0 means 1 */
} GemmOptions;

/* N: the matrix as it is; T: transposed; ADD: accumulates. GEMM_NT is c = a b^T. */
static const GemmOptions GEMM_NN = {false, false, false, 0.0f};
static const GemmOptions GEMM_NT = {false, true, false, 0.0f};
static const GemmOptions GEMM_TN = {true, false, false, 0.0f};
static const GemmOptions GEMM_ADD_NN = {false, false, true, 0.0f};
static const GemmOptions GEMM_ADD_NT = {false, true, true, 0.0f};
static const GemmOptions GEMM_ADD_TN = {true, false, true, 0.0f};

void gemm(Device *dev, Tensor c, Tensor a, Tensor b, GemmOptions options);

/* A product in the calling thread, on the CPU, for ops with their own parallel loops. ldc, lda,
 * ldb: the elements from one row to the next. */
void gemm_tile(float *c, int64_t ldc, const float *a, int64_t lda, const float *b, int64_t ldb,
               int64_t m, int64_t n, int64_t k, GemmOptions options);

#ifdef __cplusplus
}
#endif
#endif
