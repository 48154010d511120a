/* Two heads over one catalogue, on CUDA: the scores of both for a block and tile lie in the L2 cache
 * side by side; one block a row reads them.
 */
#include "catalogue/policy.h"

#include "catalogue/tiles.cuh"

#include <float.h>

enum { THREADS = SCORE_THREADS };

/* A row's two scores in a tile. */
typedef struct {
    const float *z, *z_bias, *q, *q_bias; /* of the block and tile */
    int64_t z_ld, q_ld, first_row, first_item, width;
} Pair;

/* Run `pass(dev, pair, rows)` for all tiles and blocks. */
template <class Pass>
static void for_all(Device *dev, const TilesCuda &z, const TilesCuda &q, Pass pass)
{
    Pair p = {};
    p.z = f32(z.scores);
    p.q = f32(q.scores);
    p.z_ld = z.width;
    p.q_ld = q.width;
    for (int64_t k = 0; k < z.tiles; k++) {
        const ItemTile zt = tile_of_cuda(dev, &z, k), qt = tile_of_cuda(dev, &q, k);
        p.z_bias = zt.bias;
        p.q_bias = qt.bias;
        p.first_item = zt.first;
        p.width = zt.width;
        for (int64_t b = 0; b < z.blocks; b++) {
            const RowBlock zb = block_of_cuda(&z, b), qb = block_of_cuda(&q, b);
            tiles_scores_cuda(dev, &z, zt, zb);
            tiles_scores_cuda(dev, &q, qt, qb);
            p.first_row = zb.first;
            pass(p, (unsigned)zb.rows);
        }
    }
}

/* ---- Expectation --------------------------------------------------------------------------------- */

typedef struct {
    double sum, weighted; /* sum exp((z - max) scale), sum exp((z - max) scale) q */
    float max;
} Mean;

static __global__ void __launch_bounds__(THREADS) mean_kernel(Mean *mean, Pair p, float scale)
{
    const int64_t row = p.first_row + blockIdx.x;
    const float *z = p.z + blockIdx.x * p.z_ld, *q = p.q + blockIdx.x * p.q_ld;
    Mean m = {0.0, 0.0, -FLT_MAX};
    if (p.first_item > 0) m = mean[row];
    Best top = no_best();
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS)
        top.score = fmaxf(top.score, score_at(z, p.z_bias, j));
    top = block_best(top);
    if (top.score > m.max) {
        const double shrink = exp((double)(m.max - top.score) * scale);
        m.sum *= shrink;
        m.weighted *= shrink;
        m.max = top.score;
    }
    float sum = 0.0f, weighted = 0.0f;
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS) {
        const float e = expf((score_at(z, p.z_bias, j) - m.max) * scale);
        sum += e;
        weighted += e * score_at(q, p.q_bias, j);
    }
    m.sum += block_sum<THREADS>((double)sum);
    m.weighted += block_sum<THREADS>((double)weighted);
    if (threadIdx.x == 0) mean[row] = m;
}

static __global__ void expectation_kernel(float *expectation, const Mean *mean, int64_t rows)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < rows) expectation[i] = (float)(mean[i].weighted / mean[i].sum);
}

void catalogue_policy_expectation_cuda(Device *dev, Tensor expectation, CatalogueHead zh,
                                       CatalogueHead qh, float temperature)
{
    const size_t mark = scratch_mark(dev);
    const TilesCuda z = tiles_plan_cuda(dev, zh.table, zh.bias, zh.u);
    const TilesCuda q = tiles_plan_cuda(dev, qh.table, qh.bias, qh.u);
    const int64_t bytes[] = {z.rows, (int64_t)sizeof(Mean)};
    Mean *mean = (Mean *)scratch_tensor(dev, U8, 2, bytes).data;
    for_all(dev, z, q, [&](const Pair &p, unsigned rows) {
        LAUNCH(dev, mean_kernel, rows, THREADS, 0, mean, p, 1.0f / temperature);
    });
    LAUNCH(dev, expectation_kernel, blocks_for(z.rows, THREADS), THREADS, 0, f32(expectation), mean,
           z.rows);
    scratch_release(dev, mark);
}

/* ---- The best allowed action ---------------------------------------------------------------------- */

typedef struct {
    float top, q; /* the highest z; the highest q of an allowed item */
    int32_t item;
} Choice;

static __global__ void __launch_bounds__(THREADS) top_kernel(Choice *choice, Pair p)
{
    const int64_t row = p.first_row + blockIdx.x;
    const float *z = p.z + blockIdx.x * p.z_ld;
    Best top = no_best();
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS)
        top.score = fmaxf(top.score, score_at(z, p.z_bias, j));
    top = block_best(top);
    if (threadIdx.x > 0) return;
    Choice c = {-INFINITY, -INFINITY, 0};
    if (p.first_item > 0) c = choice[row];
    c.top = fmaxf(c.top, top.score);
    choice[row] = c;
}

static __global__ void __launch_bounds__(THREADS)
    choice_kernel(Choice *choice, Pair p, float log_ratio)
{
    const int64_t row = p.first_row + blockIdx.x;
    const float *z = p.z + blockIdx.x * p.z_ld, *q = p.q + blockIdx.x * p.q_ld;
    const Choice c = choice[row];
    const float floor = c.top + log_ratio;
    Best best = no_best();
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS) {
        const float v = score_at(q, p.q_bias, j);
        if (score_at(z, p.z_bias, j) > floor && v > best.score) {
            best.score = v;
            best.at = (int32_t)j;
        }
    }
    best = block_best(best);
    if (threadIdx.x > 0 || !(best.score > c.q)) return;
    const Choice better = {c.top, best.score, (int32_t)(p.first_item + best.at)};
    choice[row] = better;
}

static __global__ void best_kernel(int32_t *best, const Choice *choice, int64_t rows)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i < rows) best[i] = choice[i].item;
}

void catalogue_policy_allowed_best_cuda(Device *dev, Tensor best, CatalogueHead zh,
                                        CatalogueHead qh, float log_ratio)
{
    const size_t mark = scratch_mark(dev);
    const TilesCuda z = tiles_plan_cuda(dev, zh.table, zh.bias, zh.u);
    const TilesCuda q = tiles_plan_cuda(dev, qh.table, qh.bias, qh.u);
    const int64_t bytes[] = {z.rows, (int64_t)sizeof(Choice)};
    Choice *choice = (Choice *)scratch_tensor(dev, U8, 2, bytes).data;
    for_all(dev, z, q, [&](const Pair &p, unsigned rows) {
        LAUNCH(dev, top_kernel, rows, THREADS, 0, choice, p);
    });
    for_all(dev, z, q, [&](const Pair &p, unsigned rows) {
        LAUNCH(dev, choice_kernel, rows, THREADS, 0, choice, p, log_ratio);
    });
    LAUNCH(dev, best_kernel, blocks_for(z.rows, THREADS), THREADS, 0, i32(best), choice, z.rows);
    scratch_release(dev, mark);
}
