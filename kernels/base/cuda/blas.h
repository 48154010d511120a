/* SPDX-License-Identifier: Apache-2.0 */
/* Matrix products of a CUDA device through cuBLASLt. For kernels/ only: the rest of souk calls
 * gemm.h. */
#ifndef SOUK_DEVICE_BLAS_H
#define SOUK_DEVICE_BLAS_H

#include <stdbool.h>

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* c[m, n] = alpha op(a)[m, k] op(b)[k, n], or += with .accumulate; row-major, leading dimensions in
 * elements. a and b have dtype `in`: F32, whose products are f32 (never TF32), or BF16. Sums are
 * f32. c has dtype `out`: F32, or BF16 where a and b are BF16.
 *
 * Deterministic: the first call with a shape takes the algorithm that cuBLASLt's heuristic ranks
 * first, and later calls with that shape take the same one. Where that algorithm splits a sum, the
 * parts are added in f32. The workspace of the compute stream has 32 MiB from compute capability
 * 9.0 on, and 4 MiB below.
 *
 * Fused epilogues of the library are not used, because none fits: projections have no bias, SwiGLU
 * needs two distant columns of a product at once, and the catalogue's ops never store their scores
 * (catalogue/). */
typedef struct {
    bool trans_a, trans_b, accumulate;
    Dtype in, out;
    float alpha;
    int64_t m, n, k, lda, ldb, ldc;
} BlasProduct;
void blas_product(Device *dev, const BlasProduct *p, void *c, const void *a, const void *b);

#ifdef __cplusplus
}
#endif
#endif
