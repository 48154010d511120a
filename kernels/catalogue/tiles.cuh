/* SPDX-License-Identifier: Apache-2.0 */
/* How the ops of the catalogue walk rows x items on CUDA.
 *
 * The tiles of items come one after the other. Each meets all rows, a block of them at a time; the
 * scores of a block and tile are one product of cuBLASLt, small enough to stay in the L2 cache for
 * the kernel that reads them next. What a row keeps from tile to tile is merged in the order of the
 * tiles. So memory does not depend on the number of items nor, beyond what is kept of each row, of
 * rows.
 */
#ifndef SOUK_CATALOGUE_TILES_CUH
#define SOUK_CATALOGUE_TILES_CUH

#include "base/cuda/cuda.cuh"
#include "catalogue/exclusion.h"
#include "catalogue/merge.h"
#include "items.h"

enum { SCORE_THREADS = 256 };

typedef struct {
    const ItemTable *table;
    const float *bias; /* NULL: none */
    Tensor u;
    int64_t items, rows, dim;
    int64_t width, tiles;       /* items of a tile */
    int64_t block, blocks;      /* rows of a block */
    Tensor scores;              /* [block, width] */
    Tensor vectors;             /* [width, dim] of u's dtype; no data: tiles are views of id */
    Tensor u_slabs, item_slabs; /* only cuda/wgmma.cu uses them */
} TilesCuda;

/* A plan with memory for scores in f32. Takes scratch, which the caller marks and releases. */
TilesCuda tiles_plan_cuda(Device *dev, const ItemTable *table, Tensor bias, Tensor u);
/* A plan without memory for scores; blocks and tiles have at most these sizes. */
TilesCuda tiles_shape_cuda(Device *dev, const ItemTable *table, Tensor bias, Tensor u,
                           int64_t block, int64_t width);

/* The table's rows first .. first + width - 1, whose items are item .. item + width - 1, and their
 * vectors in the dtype of u; valid until the next call. */
typedef struct {
    int64_t first, item, width;
    const void *vectors;
    const float *bias; /* from the tile's first item on; NULL: none */
} ItemTile;
ItemTile tiles_at_cuda(Device *dev, const TilesCuda *t, int64_t tile);

typedef struct {
    int64_t first, rows;
    const void *u; /* from the block's first row on */
} RowBlock;
RowBlock tiles_block_cuda(const TilesCuda *t, int64_t block);

/* u E^T into t->scores, rows of t->width; without the bias. */
void tiles_scores_cuda(Device *dev, const TilesCuda *t, const ItemTile &tile,
                       const RowBlock &block);

/* Adds up the gradient g of the scores of a block and tile, in the dtype of u: did += g^T u, dbias
 * += the column sums of g (absent: not wanted), and du [rows, dim] f32 = g E at the first tile, +=
 * g E at the others. */
void tiles_backward_cuda(Device *dev, const TilesCuda *t, const ItemTile &tile,
                         const RowBlock &block, Tensor g, Tensor du, Tensor did, Tensor dbias);

/* A row's scores z of the tile with the items item .. item + width - 1 become -inf where the item
 * is excluded, but for the item `spared` (-1: none). Ends with a barrier. */
static __device__ __forceinline__ void tiles_exclude(const Exclusion &exclusion, int64_t row,
                                                     float *z, int64_t item, int64_t width,
                                                     int32_t spared)
{
    if (exclusion.offset) {
        const int64_t end = exclusion.offset[row + 1];
        const int64_t begin = exclusion_from(&exclusion, row, item);
        for (int64_t k = begin + threadIdx.x; k < end; k += blockDim.x) {
            const int32_t excluded = exclusion.item[k];
            if (excluded >= item + width) break;
            if (excluded != spared) z[excluded - item] = -INFINITY;
        }
    }
    __syncthreads();
}

static __device__ __forceinline__ float score_at(const float *z, const float *bias, int64_t j)
{
    return bias ? z[j] + bias[j] : z[j];
}

/* ---- The target of a row --------------------------------------------------------------------- */

/* Arrays of rows for catalogue_cross_entropy. share NULL: not wanted; other_target NULL: no row has
 * another mass. */
typedef struct {
    float *loss, *share;
    const float *logsumexp, *weight, *other_target;
    const int32_t *target;
} TargetRows;

/* log(exp a + exp b), and a to the bit where b is -inf. */
static __device__ __forceinline__ float log_add(float a, float b)
{
    const float high = a < b ? b : a, low = a < b ? a : b;
    return low == -INFINITY ? high : high + log1pf(expf(low - high));
}

/* The loss and share of a row whose target has the score z. Returns the target's term in the
 * gradient of its score. */
static __device__ __forceinline__ float target_term(const TargetRows &of, int64_t row, float z)
{
    const float other = of.other_target ? of.other_target[row] : -INFINITY;
    const float weight = of.weight[row], share = 1.0f / (1.0f + expf(other - z));
    of.loss[row] = weight * (of.logsumexp[row] - log_add(z, other));
    if (of.share) of.share[row] = share;
    return weight * share;
}

/* ---- The best of a block's scores ------------------------------------------------------------ */

/* A score and its place. `at` is INT32_MAX where there is no score. */
typedef struct {
    float score;
    int32_t at;
} Best;

static __device__ __forceinline__ Best no_best()
{
    const Best none = {-INFINITY, INT32_MAX};
    return none;
}

/* The one with the higher score; of equal scores, the one at the lower place. */
static __device__ __forceinline__ Best better(Best a, Best b)
{
    return b.score > a.score || (b.score == a.score && b.at < a.at) ? b : a;
}

static __device__ __forceinline__ Best warp_best(Best b)
{
#pragma unroll
    for (int offset = WARP / 2; offset > 0; offset /= 2) {
        Best other;
        other.score = __shfl_xor_sync(ALL_LANES, b.score, offset);
        other.at = __shfl_xor_sync(ALL_LANES, b.at, offset);
        b = better(b, other);
    }
    return b;
}

/* The best of a block of SCORE_THREADS, for every thread. May be called again at once. */
static __device__ __forceinline__ Best block_best(Best b)
{
    __shared__ Best part[SCORE_THREADS / WARP];
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    b = warp_best(b);
    if (lane == 0) part[warp] = b;
    __syncthreads();
    b = warp_best(lane < SCORE_THREADS / WARP ? part[lane] : no_best());
    __syncthreads();
    return b;
}

#endif
