/* SPDX-License-Identifier: Apache-2.0 */
/* The entropy of the softmax over the catalogue, on CUDA: one thread a score computes its gradient,
 * and the products of tiles.cuh sum it.
 */
#include "catalogue/entropy.h"

#include "catalogue/tiles.cuh"
#include "elementwise.h"

enum { THREADS = SCORE_THREADS };

template <class T>
struct GradientPass {
    T *g; /* [rows, ld], may be z */
    const float *z, *bias, *logsumexp, *mean, *weight;
    int64_t ld, first_row, width;
};

template <class T>
static __global__ void gradient_kernel(GradientPass<T> p)
{
    const int64_t j = (int64_t)blockIdx.x * THREADS + threadIdx.x, row = p.first_row + blockIdx.y;
    if (j >= p.width) return;
    const int64_t at = blockIdx.y * p.ld + j;
    const float v = p.bias ? p.z[at] + p.bias[j] : p.z[at];
    from_float(p.g[at], p.weight[row] * expf(v - p.logsumexp[row]) * (p.mean[row] - v));
}

static __global__ void loss_kernel(float *loss, const float *weight, const float *logsumexp,
                                   const float *mean, int64_t rows)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < rows) loss[i] = weight[i] * (logsumexp[i] - mean[i]);
}

typedef struct {
    Tensor weight, logsumexp, mean, g;
} Rows;

template <class T>
static void score_gradient(Device *dev, const TilesCuda &t, const Rows &r, const ItemTile &tile,
                           const RowBlock &block)
{
    GradientPass<T> p = {};
    p.g = (T *)r.g.data;
    p.z = f32(t.scores);
    p.bias = tile.bias;
    p.logsumexp = f32(r.logsumexp);
    p.mean = f32(r.mean);
    p.weight = f32(r.weight);
    p.ld = t.width;
    p.first_row = block.first;
    p.width = tile.width;
    LAUNCH(dev, gradient_kernel<T>, dim3(blocks_for(tile.width, THREADS), (unsigned)block.rows),
           THREADS, 0, p);
}

void catalogue_entropy_cuda(Device *dev, Tensor loss, Tensor du, Tensor did, Tensor dbias, Tensor u,
                            const ItemTable *table, Tensor bias, Tensor weight, Tensor logsumexp,
                            Tensor mean)
{
    const TilesCuda t = tiles_plan_cuda(dev, table, bias, u);
    const int64_t sums[] = {t.rows, t.dim}, scores[] = {t.block, t.width};
    const Tensor to = du.dtype == F32 ? du : scratch_tensor(dev, F32, 2, sums), none = {};
    Rows r = {weight, logsumexp, mean, t.scores};
    if (u.dtype != F32) r.g = scratch_tensor(dev, u.dtype, 2, scores);
    for (int64_t k = 0; k < t.tiles; k++) {
        const ItemTile tile = tiles_at_cuda(dev, &t, k);
        for (int64_t b = 0; b < t.blocks; b++) {
            const RowBlock block = tiles_block_cuda(&t, b);
            tiles_scores_cuda(dev, &t, tile, block);
            BY_DTYPE(u.dtype, score_gradient, dev, t, r, tile, block);
            tiles_backward_cuda(dev, &t, tile, block, r.g, to, did, bias.data ? dbias : none);
        }
    }
    if (du.dtype != F32) elementwise_copy(dev, du, to);
    LAUNCH(dev, loss_kernel, blocks_for(t.rows, THREADS), THREADS, 0, f32(loss), f32(weight),
           f32(logsumexp), f32(mean), t.rows);
}
