/* SPDX-License-Identifier: Apache-2.0 */
/* A draw from the softmax over the catalogue, on CUDA: one block of threads a row and tile; a
 * thread makes the noise of four items from one Philox block. Bound by Philox and the two
 * logarithms of each item.
 */
#include "catalogue/sample.h"

#include "base/rng.h"
#include "catalogue/merge.h"
#include "catalogue/tiles.cuh"

#include <float.h>

enum { THREADS = SCORE_THREADS, WORDS = 4 };

typedef struct {
    RowDraw *draw;         /* of all rows, over the tiles so far */
    const int64_t *stream; /* of all rows; NULL: the row */
    float *z;              /* of the block and tile; excluded scores become -inf */
    const float *bias;
    Exclusion exclusion;
    int64_t ld, first_row, first_item, width; /* first_item: the id of the tile's first */
    bool begins;                              /* this is the first tile */
    uint64_t seed, step;
    float scale;
} DrawPass;

static __device__ __forceinline__ float gumbel(uint32_t word)
{
    const float v = fminf(((float)word + 0.5f) * 0x1p-32f, 1.0f - 0x1p-24f);
    return -logf(-log1pf(-v));
}

static __global__ void __launch_bounds__(THREADS, 1) draw_kernel(DrawPass p)
{
    const int64_t row = p.first_row + blockIdx.x;
    float *z = p.z + blockIdx.x * p.ld;
    const uint64_t stream = (uint64_t)(p.stream ? p.stream[row] : row);
    const uint64_t counter = (p.step << 32) + (uint64_t)p.first_item / WORDS;
    RowDraw d = {0.0, -FLT_MAX, -INFINITY, -FLT_MAX, (int32_t)p.first_item};
    if (!p.begins) d = p.draw[row];
    tiles_exclude(p.exclusion, row, z, p.first_item, p.width, -1);

    Best best = no_best();
    float max = -INFINITY;
    for (int64_t q = threadIdx.x; q * WORDS < p.width; q += THREADS) {
        const Philox noise = philox(p.seed, stream, counter + (uint64_t)q);
        for (int k = 0; k < WORDS && q * WORDS + k < p.width; k++) {
            const float v = score_at(z, p.bias, q * WORDS + k);
            const float key = v * p.scale + gumbel(noise.word[k]);
            max = fmaxf(max, v);
            if (key > best.score) {
                best.score = key;
                best.at = (int32_t)(q * WORDS) + k;
            }
        }
    }
    best = block_best(best);
    Best top = {max, (int32_t)threadIdx.x};
    max = block_best(top).score;
    if (best.score > d.key) {
        d.key = best.score;
        d.score = score_at(z, p.bias, best.at);
        d.item = (int32_t)(p.first_item + best.at);
    }
    if (max > d.max) {
        d.sum *= exp((double)(d.max - max) * p.scale);
        d.max = max;
    }
    float sum = 0.0f;
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS)
        sum += expf((score_at(z, p.bias, j) - d.max) * p.scale);
    d.sum += block_sum<THREADS>((double)sum);
    if (threadIdx.x == 0) p.draw[row] = d;
}

void catalogue_sample_cuda(Device *dev, Tensor part, Tensor u, const ItemTable *table, Tensor bias,
                           SampleOptions o)
{
    const TilesCuda t = tiles_plan_cuda(dev, table, bias, u);
    DrawPass p = {};
    p.draw = (RowDraw *)part.data;
    p.stream = (const int64_t *)o.stream.data;
    p.z = f32(t.scores);
    p.ld = t.width;
    p.exclusion = o.exclusion;
    p.seed = o.seed;
    p.step = (uint64_t)o.step;
    p.scale = 1.0f / o.temperature;
    for (int64_t k = 0; k < t.tiles; k++) {
        const ItemTile tile = tiles_at_cuda(dev, &t, k);
        p.bias = tile.bias;
        p.first_item = tile.item;
        p.begins = k == 0;
        p.width = tile.width;
        for (int64_t b = 0; b < t.blocks; b++) {
            const RowBlock block = tiles_block_cuda(&t, b);
            tiles_scores_cuda(dev, &t, tile, block);
            p.first_row = block.first;
            LAUNCH(dev, draw_kernel, (unsigned)block.rows, THREADS, 0, p);
        }
    }
}
