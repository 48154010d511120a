/* SPDX-License-Identifier: Apache-2.0 */
/* What fused.cu and wgmma.cu share outside of their kernels: merging, sums of columns, splits of
 * the items. */
#include "catalogue/cuda/registers.cuh"

enum { THREADS = 256 };

/* Merge the splits into a row's statistics, in order. first_item: the tile's, or -1 where earlier
 * launches left statistics. */
static __global__ void __launch_bounds__(THREADS)
    merge_splits_kernel(RowStats *stats, const Partial *partial, int64_t rows, int splits,
                        int32_t first_item, float scale)
{
    const int64_t row = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (row >= rows) return;
    RowStats s = {0.0, 0.0, -FLT_MAX, first_item};
    if (first_item < 0) s = stats[row];
    for (int k = 0; k < splits; k++) {
        const Partial p = partial[k * rows + row];
        if (p.max > s.max) {
            const double shrink = exp2(((double)s.max - p.max) * scale);
            s.sum *= shrink;
            s.weighted *= shrink;
            s.max = p.max;
            s.argmax = p.argmax;
        }
        double by = 1.0;
        if (p.max > -FLT_MAX) by = exp2((double)reference(p.max, scale) - (double)s.max * scale);
        s.sum += by * p.sum;
        s.weighted += by * p.weighted;
    }
    stats[row] = s;
}

Partial *registers_partials_cuda(Device *dev, int64_t splits, int64_t rows)
{
    const int64_t bytes[] = {splits, rows, (int64_t)sizeof(Partial)};
    return (Partial *)scratch_tensor(dev, U8, 3, bytes).data;
}

void registers_merge_cuda(Device *dev, RowStats *stats, const Partial *partial, int64_t rows,
                          int64_t splits, const ItemTile &tile, float scale)
{
    const int32_t first_item = tile.first == 0 ? (int32_t)tile.item : -1;
    LAUNCH(dev, merge_splits_kernel, blocks_for(rows, THREADS), THREADS, 0, stats, partial, rows,
           (int)splits, first_item, scale);
}

/* dbias[j] += the sums of the blocks of rows, in order. */
static __global__ void add_parts_kernel(float *dbias, const float *part, int64_t ld, int parts,
                                        int64_t width)
{
    const int64_t j = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (j >= width) return;
    float sum = 0.0f;
    for (int k = 0; k < parts; k++) sum += part[k * ld + j];
    dbias[j] += sum;
}

ScoreGradient registers_gradient_cuda(Device *dev, const FusedGradient &to, const TilesCuda *t,
                                      const RowBlock &block, int64_t row_blocks)
{
    const int64_t parts[] = {row_blocks, t->width};
    ScoreGradient p = {};
    p.g = (bf16 *)t->scores.data;
    p.ld = t->width;
    p.end = (int32_t)(t->table->first + t->items);
    p.rows = to.rows;
    p.rows.loss += block.first;
    p.rows.logsumexp += block.first;
    p.rows.weight += block.first;
    p.rows.target += block.first;
    if (p.rows.share) p.rows.share += block.first;
    if (p.rows.other_target) p.rows.other_target += block.first;
    if (to.dbias) p.part = f32(scratch_tensor(dev, F32, 2, parts));
    return p;
}

void registers_add_columns_cuda(Device *dev, const FusedGradient &to, const ScoreGradient &p,
                                const ItemTile &tile, int64_t row_blocks)
{
    if (to.dbias)
        LAUNCH(dev, add_parts_kernel, blocks_for(tile.width, THREADS), THREADS, 0,
               to.dbias + tile.first, p.part, p.ld, (int)row_blocks, tile.width);
}

int64_t registers_splits_cuda(Device *dev, int64_t row_blocks, int64_t tiles)
{
    int64_t best = 1, shortest = INT64_MAX;
    for (int64_t s = 1; s <= tiles; s++) {
        const int64_t rounds = ceil_div(row_blocks * s, dev->cuda->multiprocessors);
        const int64_t time = rounds * (ceil_div(tiles, s) + 1);
        if (time >= shortest) continue;
        shortest = time;
        best = s;
    }
    return ceil_div(tiles, ceil_div(tiles, best)); /* none without items */
}
