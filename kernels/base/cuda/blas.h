/* Matrix products of a CUDA device through cuBLASLt. For kernels/ only: the rest of souk calls gemm.h.
 */
#ifndef SOUK_DEVICE_BLAS_H
#define SOUK_DEVICE_BLAS_H

#include <stdbool.h>

#include "base/device.h"

#ifdef __cplusplus
extern "C" {
#endif

/* c[m, n] = alpha op(a)[m, k] op(b)[k, n], or += with .accumulate; row-major, leading dimensions in
 * elements. a and b are of dtype `in`: F32, computed in f32 (never in TF32), or BF16 with sums in f32;
 * c is of dtype `out`: F32, or BF16 where a and b are.
 *
 * The algorithm is what cuBLASLt's heuristic names first for the shape, asked for once a device and
 * shape, so that equal runs have equal bits; sums that are split are combined in f32. The workspace of
 * the compute stream is 32 MiB from compute capability 9.0 on, else 4 MiB.
 *
 * None of the library's fused epilogues serves here: projections have no bias, SwiGLU takes two columns of a
 * product that lie apart, and what follows scores of the catalogue stands in catalogue_*.cu. */
typedef struct {
    bool trans_a, trans_b, accumulate;
    Dtype in, out;
    float alpha;
    int64_t m, n, k, lda, ldb, ldc;
} Product;
void product_cuda(Device *dev, const Product *p, void *c, const void *a, const void *b);

/* What a device holds for it: the library's handle, the workspace, the shapes seen. */
typedef struct Blas Blas;
void blas_close(Blas *blas); /* safe on NULL */

#ifdef __cplusplus
}
#endif
#endif
