/* Which kernels serve a call of catalogue_stats or catalogue_cross_entropy on CUDA, and why. It
 * follows from the call's shape and the GPU alone, so equal runs take equal kernels. Both are
 * deterministic, and take temporary memory that does not grow with the number of items.
 *
 *   CATALOGUE_TILES  catalogue.cu: products of cuBLASLt into tiles of scores that stay in the L2 cache, which
 *                    a kernel reads. Serves f32, whose products are exact f32 ones; rows that do not begin at
 *                    16 bytes; and, elsewhere than on sm_90, dim above CATALOGUE_FUSED's, where the products, 2 dim operations a score,
 *                    are long beside the 8 bytes a score that they pass through the cache.
 *   CATALOGUE_WGMMA  catalogue_wgmma.cu: the same on sm_90 alone, by products of warpgroups, two of which take
 *                    turns at the tensor cores. Serves bf16 there: dim a multiple of 8. Up to 640 the rows
 *                    of a block stay in shared memory; beyond, a part of them passes by again for each
 *                    tile of items.
 *   CATALOGUE_FUSED  catalogue_fused.cu: products on tensor cores whose scores never leave the registers.
 *                    Serves bf16 elsewhere: dim a multiple of 8 whose 128 rows, with the stages of items,
 *                    fit a multiprocessor's shared memory (up to 384 on sm_80, 640 on sm_100).
 *
 * The number of rows does not matter: below 128, fused blocks are padded, but reading the items
 * then takes as long as the padded products.
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

/* Shared memory of a block of CATALOGUE_WGMMA, in slabs of 128 vectors x 64 elements: of the rows
 * those that stay, and a ring of stages through which those of the items pass, and of the rows the
 * others. stages 0: it does not serve. */
typedef struct {
    int64_t resident, stages;
} WgmmaShape;
WgmmaShape catalogue_choice_wgmma_shape(int64_t dim, int64_t shared);
int64_t catalogue_choice_wgmma_bytes(WgmmaShape shape);
enum { WGMMA_STAGES = 8, WGMMA_ROOM = 8192 }; /* at most; bytes for sums and merging */

/* The tile of a block of CATALOGUE_FUSED: rows x items, whose vectors pass by in slabs, the next
 * ones being loaded while one is multiplied. */
enum { FUSED_ROWS = 128, FUSED_ITEMS = 256, FUSED_SLAB = 32, FUSED_STAGES = 3 };
/* Elements by which rows in shared memory are longer: base/mma.cuh. */
enum { FUSED_PAD = 8 };

#ifdef __cplusplus
}
#endif
#endif
