/* SPDX-License-Identifier: Apache-2.0 */
/* Ranks and best items on CUDA: one block of threads a row and tile. The k best are kept sorted in
 * the result itself. A tile offers its scores from the best down until the list takes no more, so
 * after the first tiles most blocks only read their scores.
 */
#include "catalogue/rank.h"

#include "catalogue/tiles.cuh"

enum { THREADS = SCORE_THREADS };

typedef struct {
    float *z; /* of the block and tile; excluded scores become -inf */
    const float *bias;
    int64_t ld, first_row, first_item, width; /* first_item: the id of the tile's first */
    const int32_t *target;                    /* of all rows; NULL without ranks */
    Exclusion exclusion;
    float *target_score;
    int32_t *above, *equal;
    float *best_score; /* [rows, best] */
    int32_t *best_item;
    int64_t best;
} RankPass;

static __device__ void exclude(const RankPass &p, float *z, int64_t row)
{
    tiles_exclude(p.exclusion, row, z, p.first_item, p.width, p.target ? p.target[row] : -1);
}

/* Insert after equal scores: items arrive in rising order, so ties stay in that order. */
static __device__ void insert(float *score, int32_t *item, int64_t count, float z, int32_t which)
{
    for (int64_t chunk = (count - 1) / THREADS; chunk >= 0; chunk--) {
        const int64_t k = chunk * THREADS + threadIdx.x;
        const bool inside = k < count;
        float own = inside ? score[k] : INFINITY,
              before = inside && k > 0 ? score[k - 1] : INFINITY;
        const int32_t item_before = inside && k > 0 ? item[k - 1] : 0;
        __syncthreads();
        if (own < z) {
            score[k] = before < z ? before : z;
            item[k] = before < z ? item_before : which;
        }
        __syncthreads();
    }
}

/* Of the thread's scores that come after `last` in the order of the list and are above `kept`, the
 * best. */
static __device__ Best next_best(const RankPass &p, const float *z, Best last, float kept)
{
    Best best = no_best();
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS) {
        const float v = score_at(z, p.bias, j);
        const bool after = v < last.score || (v == last.score && j > last.at);
        if (after && v > kept && v > best.score) {
            best.score = v;
            best.at = (int32_t)j;
        }
    }
    return best;
}

static __device__ void keep_best(const RankPass &p, const float *z, int64_t row)
{
    float *score = p.best_score + row * p.best;
    int32_t *item = p.best_item + row * p.best;
    Best all = {INFINITY, -1}, own = next_best(p, z, all, score[p.best - 1]);
    for (;;) {
        const Best best = block_best(own);
        const float kept = score[p.best - 1];
        if (!(best.score > kept)) break;
        __syncthreads(); /* all threads have read the last score of the list */
        insert(score, item, p.best, best.score, (int32_t)(p.first_item + best.at));
        if (own.at == best.at) own = next_best(p, z, best, score[p.best - 1]);
    }
}

/* The best items so far and, in its tile, the target's score. */
static __global__ void __launch_bounds__(THREADS, 1) best_kernel(RankPass p)
{
    const int64_t row = p.first_row + blockIdx.x;
    float *z = p.z + blockIdx.x * p.ld;
    exclude(p, z, row);
    if (p.target && threadIdx.x == 0) {
        const int64_t hit = p.target[row] - p.first_item;
        if (hit >= 0 && hit < p.width) p.target_score[row] = score_at(z, p.bias, hit);
    }
    if (p.best) keep_best(p, z, row);
}

static __global__ void __launch_bounds__(THREADS, 1) rank_kernel(RankPass p)
{
    const int64_t row = p.first_row + blockIdx.x;
    float *z = p.z + blockIdx.x * p.ld;
    exclude(p, z, row);
    const float score = p.target_score[row];
    int32_t above = 0, equal = 0;
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS) {
        const float v = score_at(z, p.bias, j);
        above += v > score;
        equal += v == score;
    }
    above = block_sum<THREADS>(above);
    equal = block_sum<THREADS>(equal);
    if (threadIdx.x > 0) return;
    p.above[row] += above;
    p.equal[row] += equal;
}

/* Before the first pass. */
static __global__ void begin_best_kernel(RankPass p, int64_t rows, float absent)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < rows && p.target) p.target_score[i] = absent;
    for (int64_t k = 0; i < rows && k < p.best; k++) {
        p.best_score[i * p.best + k] = -INFINITY;
        p.best_item[i * p.best + k] = -1;
    }
}

/* Before the second. */
static __global__ void begin_counts_kernel(RankPass p, int64_t rows)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= rows) return;
    p.above[i] = 0;
    p.equal[i] = 0;
}

static void run(Device *dev, const TilesCuda &t, RankPass p, void (*kernel)(RankPass))
{
    for (int64_t k = 0; k < t.tiles; k++) {
        const ItemTile tile = tiles_at_cuda(dev, &t, k);
        for (int64_t b = 0; b < t.blocks; b++) {
            const RowBlock block = tiles_block_cuda(&t, b);
            tiles_scores_cuda(dev, &t, tile, block);
            p.bias = tile.bias;
            p.first_row = block.first;
            p.first_item = tile.item;
            p.width = tile.width;
            LAUNCH(dev, kernel, (unsigned)block.rows, THREADS, 0, p);
        }
    }
}

static RankPass pass_of(const CatalogueRanks &to, const TilesCuda &t, Tensor target,
                        Exclusion exclusion)
{
    RankPass p = {};
    p.z = f32(t.scores);
    p.ld = t.width;
    p.exclusion = exclusion;
    p.target_score = f32(to.target_score);
    if (p.target_score) p.target = i32(target);
    p.above = i32(to.above);
    p.equal = i32(to.equal);
    p.best = to.best_item.data ? to.best_item.dim[1] : 0;
    p.best_item = i32(to.best_item);
    p.best_score = f32(to.best_score);
    return p;
}

void catalogue_rank_best_cuda(Device *dev, CatalogueRanks to, Tensor u, const ItemTable *table,
                              Tensor bias, Tensor target, Exclusion exclusion, float absent)
{
    const size_t mark = scratch_mark(dev);
    const TilesCuda t = tiles_plan_cuda(dev, table, bias, u);
    const RankPass p = pass_of(to, t, target, exclusion);
    LAUNCH(dev, begin_best_kernel, blocks_for(t.rows, THREADS), THREADS, 0, p, t.rows, absent);
    run(dev, t, p, best_kernel);
    scratch_release(dev, mark);
}

void catalogue_rank_counts_cuda(Device *dev, CatalogueRanks to, Tensor u, const ItemTable *table,
                                Tensor bias, Tensor target, Exclusion exclusion)
{
    const size_t mark = scratch_mark(dev);
    const TilesCuda t = tiles_plan_cuda(dev, table, bias, u);
    const RankPass p = pass_of(to, t, target, exclusion);
    LAUNCH(dev, begin_counts_kernel, blocks_for(t.rows, THREADS), THREADS, 0, p, t.rows);
    run(dev, t, p, rank_kernel);
    scratch_release(dev, mark);
}
