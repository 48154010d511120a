/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernels run a call of catalogue_stats or catalogue_cross_entropy on CUDA, and why. The
 * choice follows from the call's shape and the GPU alone, so equal runs take equal kernels. All of
 * them are deterministic, and take temporary memory that does not grow with the number of items.
 *
 *   CATALOGUE_TILES
 *     catalogue.cu: cuBLASLt multiplies into tiles of scores, which stay in the L2 cache, and a
 *     kernel reads them. Serves f32, whose products are exact f32 ones; rows that do not begin at a
 *     multiple of 16 bytes; and, on other GPUs than sm_90, dim above the limit of CATALOGUE_FUSED.
 *     There a product takes 2 dim operations a score, long enough beside the 8 bytes a score that
 *     pass through the cache.
 *   CATALOGUE_WGMMA
 *     cuda/wgmma.cu: scores that never leave the registers, on sm_90 alone, by products of
 *     warpgroups, of which two take turns at the tensor cores. Serves bf16 there: dim a multiple of
 *     8. Up to dim 640 the rows of a block stay in shared memory; above, part of them is copied
 *     there again for each tile of items.
 *   CATALOGUE_FUSED
 *     cuda/fused.cu: scores that never leave the registers, by products of warps on tensor cores.
 *     Serves bf16 elsewhere: dim a multiple of 8 for which 128 rows and the stages of items fit the
 *     shared memory of a multiprocessor (up to 384 on sm_80, 640 on sm_100).
 *
 * The number of rows does not matter. Below 128 rows fused blocks are padded, but then reading the
 * items takes as long as the padded products.
 */
#ifndef SOUK_CATALOGUE_CHOICE_H
#define SOUK_CATALOGUE_CHOICE_H

#include <stdbool.h>

#include "base/tensor.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { CATALOGUE_TILES, CATALOGUE_FUSED, CATALOGUE_WGMMA } CatalogueKernel;

typedef struct {
    Dtype dtype;         /* of u */
    bool aligned;        /* u begins at a multiple of 16 bytes */
    bool warpgroups;     /* the GPU is an sm_90, and souk was built for sm_90a */
    int64_t shared, dim; /* shared: bytes that a block may have */
} CatalogueCall;
CatalogueKernel catalogue_choice(const CatalogueCall *call);

/* Bytes of shared memory of a block of CATALOGUE_FUSED. */
int64_t catalogue_choice_fused_bytes(int64_t dim);

/* How a block of CATALOGUE_WGMMA uses its shared memory, in slabs of 128 vectors x 64 elements:
 * `resident` slabs of the rows stay, and the slabs of the items, with the other slabs of the rows,
 * pass through a ring of `stages`. stages 0: this dim is not served. */
typedef struct {
    int64_t resident, stages;
} WgmmaShape;
WgmmaShape catalogue_choice_wgmma_shape(int64_t dim, int64_t shared);
int64_t catalogue_choice_wgmma_bytes(WgmmaShape shape);
enum { WGMMA_STAGES = 8, WGMMA_SUM_BYTES = 8192 }; /* most stages; bytes for sums and merging */

/* A block of CATALOGUE_FUSED has a tile of rows x items. The items' vectors come in slabs of
 * FUSED_SLAB elements; the next slabs are loaded while one is multiplied. */
enum { FUSED_ROWS = 128, FUSED_ITEMS = 256, FUSED_SLAB = 32, FUSED_STAGES = 3 };
/* Elements by which rows in shared memory are padded, so that reads meet all banks:
 * base/cuda/mma.cuh. */
enum { FUSED_PAD = 8 };

#ifdef __cplusplus
}
#endif
#endif
