/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue head on CUDA. Either cuBLASLt makes the products (tiles.cuh), and the kernels here
 * read each score once or twice from the L2 cache: one block of threads a row for the statistics,
 * one thread a score for the gradient. Or scores stay in registers (cuda/generation.cuh).
 * catalogue_choice() chooses.
 */
#include "catalogue/catalogue.h"

#include "catalogue/cuda/generation.cuh"
#include "elementwise.h"
#include "embedding.h"
#include "items.cuh"

#include <float.h>

enum { THREADS = SCORE_THREADS, WARPS = THREADS / WARP };

static Tensor scratch1(Device *dev, Dtype dtype, int64_t count)
{
    return scratch_tensor(dev, dtype, 1, &count);
}
static Tensor scratch2(Device *dev, Dtype dtype, int64_t rows, int64_t columns)
{
    const int64_t dim[] = {rows, columns};
    return scratch_tensor(dev, dtype, 2, dim);
}

/* ---- Statistics ------------------------------------------------------------------------------ */

typedef struct {
    RowStats *stats;                          /* of all rows, over the tiles so far */
    const int32_t *only;                      /* rows with only[row] < 0 are left out; NULL: none */
    const float *z, *bias;                    /* of the block and tile */
    int64_t ld, first_row, first_item, width; /* first_item: the id of the tile's first */
    float scale;
    bool expectation, begins; /* begins: this is the first tile */
} StatsPass;

static __global__ void __launch_bounds__(THREADS) stats_kernel(StatsPass p)
{
    const int64_t row = p.first_row + blockIdx.x;
    if (p.only && p.only[row] < 0) return;
    const float *z = p.z + blockIdx.x * p.ld;
    RowStats s = {0.0, 0.0, -FLT_MAX, (int32_t)p.first_item};
    if (!p.begins) s = p.stats[row];

    Best best = no_best();
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS) {
        const float v = score_at(z, p.bias, j);
        if (v > best.score) {
            best.score = v;
            best.at = (int32_t)j;
        }
    }
    best = block_best(best);
    if (best.score > s.max) {
        const double shrink = exp((double)(s.max - best.score) * p.scale);
        s.sum *= shrink;
        s.weighted *= shrink;
        s.max = best.score;
        s.argmax = (int32_t)(p.first_item + best.at);
    }
    float sum = 0.0f, weighted = 0.0f;
    for (int64_t j = threadIdx.x; j < p.width; j += THREADS) {
        const float v = score_at(z, p.bias, j), e = expf((v - s.max) * p.scale);
        sum += e;
        if (p.expectation) weighted += e * v;
    }
    s.sum += block_sum<THREADS>((double)sum);
    if (p.expectation) s.weighted += block_sum<THREADS>((double)weighted);
    if (threadIdx.x == 0) p.stats[row] = s;
}

static void tiles_stats(Device *dev, RowStats *stats, const TilesCuda &t, const int32_t *only,
                        float scale, bool expectation)
{
    for (int64_t k = 0; k < t.tiles; k++) {
        const ItemTile tile = tiles_at_cuda(dev, &t, k);
        for (int64_t b = 0; b < t.blocks; b++) {
            const RowBlock block = tiles_block_cuda(&t, b);
            tiles_scores_cuda(dev, &t, tile, block);
            StatsPass p = {};
            p.stats = stats;
            p.only = only;
            p.z = f32(t.scores);
            p.bias = tile.bias;
            p.ld = t.width;
            p.first_row = block.first;
            p.first_item = tile.item;
            p.width = tile.width;
            p.scale = scale;
            p.expectation = expectation;
            p.begins = k == 0;
            LAUNCH(dev, stats_kernel, (unsigned)block.rows, THREADS, 0, p);
        }
    }
}

static const FusedCatalogue *fused_of(CatalogueKernel kernel)
{
    return kernel == CATALOGUE_WGMMA ? &catalogue_wgmma_cuda : &catalogue_fused_cuda;
}

static void run_stats(Device *dev, CatalogueKernel kernel, RowStats *stats, const TilesCuda &t,
                      const int32_t *only, float scale, StatsWanted wanted)
{
    if (kernel == CATALOGUE_TILES)
        tiles_stats(dev, stats, t, only, scale, wanted == STATS_EXPECTATION);
    else
        for (int64_t k = 0; k < t.tiles; k++)
            fused_of(kernel)->add_stats(dev, stats, &t, tiles_at_cuda(dev, &t, k), scale, wanted);
}

CatalogueKernel catalogue_choice_cuda(Device *dev, Tensor u)
{
    CatalogueCall call = {};
    call.dtype = u.dtype;
    call.aligned = aligned16(u.data);
    call.warpgroups = HAVE_SM90A && dev->cuda->capability == 90;
    call.shared = dev->cuda->shared;
    call.dim = u.dim[1];
    return catalogue_choice(&call);
}

void catalogue_stats_cuda(Device *dev, CatalogueKernel kernel, Tensor part, Tensor u,
                          const ItemTable *table, Tensor bias, float temperature,
                          StatsWanted wanted)
{
    const TilesCuda t = kernel == CATALOGUE_TILES
                            ? tiles_plan_cuda(dev, table, bias, u)
                            : fused_of(kernel)->stats_plan(dev, table, bias, u);
    run_stats(dev, kernel, (RowStats *)part.data, t, NULL, 1.0f / temperature, wanted);
}

/* ---- Cross-entropy --------------------------------------------------------------------------- */

template <class T>
struct GradientPass {
    T *g; /* [rows, ld], may be z */
    const float *z, *bias;
    TargetRows rows;
    int64_t ld, first_row, first_item, width; /* first_item: the id of the tile's first */
};

/* Scores become their gradient; the tile with a row's target gives its loss. */
template <class T>
static __global__ void gradient_kernel(GradientPass<T> p)
{
    const int64_t j = (int64_t)blockIdx.x * THREADS + threadIdx.x, row = p.first_row + blockIdx.y;
    if (j >= p.width) return;
    const int64_t at = blockIdx.y * p.ld + j;
    const int32_t target = p.rows.target[row];
    if (target < 0) {
        from_float(p.g[at], 0.0f);
        return;
    }
    const float v = p.bias ? p.z[at] + p.bias[j] : p.z[at];
    float g = p.rows.weight[row] * expf(v - p.rows.logsumexp[row]);
    if (p.first_item + j == target) g -= target_term(p.rows, row, v);
    from_float(p.g[at], g);
}

/* to = log(exp log_z + exp other), 0 in rows without a target; other NULL: to = log_z. to may be
 * log_z. */
static __global__ void join_kernel(float *to, const float *log_z, const float *other,
                                   const int32_t *target, int64_t rows)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= rows) return;
    to[i] = target[i] < 0 ? 0.0f : log_add(log_z[i], other ? other[i] : -INFINITY);
}

typedef struct {
    Tensor loss, du, did, dbias, target, weight, log_z;
    Tensor g; /* the gradient of a block and tile; in the memory of the scores where u is f32 */
    CatalogueMixture mixture;
    bool given; /* log_z */
} Outputs;

static TargetRows rows_of(const Outputs &o)
{
    TargetRows rows = {};
    rows.loss = f32(o.loss);
    rows.share = f32(o.mixture.share);
    rows.logsumexp = f32(o.mixture.logsumexp);
    rows.weight = f32(o.weight);
    rows.other_target = f32(o.mixture.other_target);
    rows.target = i32(o.target);
    return rows;
}

template <class T>
static void score_gradient(Device *dev, const TilesCuda &t, const Outputs &o, const ItemTile &tile,
                           const RowBlock &block)
{
    GradientPass<T> p = {};
    p.g = (T *)o.g.data;
    p.z = f32(t.scores);
    p.bias = tile.bias;
    p.rows = rows_of(o);
    p.ld = t.width;
    p.first_row = block.first;
    p.first_item = tile.item;
    p.width = tile.width;
    LAUNCH(dev, gradient_kernel<T>, dim3(blocks_for(tile.width, THREADS), (unsigned)block.rows),
           THREADS, 0, p);
}

/* log Z of the rows with a target. */
static void find_log_z(Device *dev, CatalogueKernel kernel, const Outputs &o, const TilesCuda &t)
{
    const size_t mark = scratch_mark(dev);
    const int64_t rows[] = {1, t.rows, (int64_t)sizeof(RowStats)};
    const Tensor part = scratch_tensor(dev, U8, 3, rows);
    CatalogueStats to = {};
    to.logsumexp = o.log_z;
    run_stats(dev, kernel, (RowStats *)part.data, t, i32(o.target), 1.0f, STATS_SUM);
    catalogue_merge_stats_cuda(dev, to, part, 1.0f, o.target, t.items);
    scratch_release(dev, mark);
}

/* mixture.logsumexp, from log_z. */
static void join_masses(Device *dev, const Outputs &o)
{
    const int64_t rows = o.target.dim[0];
    if (o.mixture.logsumexp.data != o.log_z.data || o.mixture.other.data)
        LAUNCH(dev, join_kernel, blocks_for(rows, THREADS), THREADS, 0, f32(o.mixture.logsumexp),
               f32(o.log_z), f32(o.mixture.other), i32(o.target), rows);
}

/* The statistics and then the gradient, from the tiles of one plan. */
static void tiles_cross_entropy(Device *dev, Outputs o, Tensor u, const ItemTable *table,
                                Tensor bias)
{
    const TilesCuda t = tiles_plan_cuda(dev, table, bias, u);
    o.g = u.dtype == F32 ? t.scores : scratch2(dev, u.dtype, t.block, t.width);
    if (!o.given) find_log_z(dev, CATALOGUE_TILES, o, t);
    join_masses(dev, o);
    const bool kept =
        !o.given && t.tiles == 1 && t.blocks == 1; /* the statistics left the scores there */
    for (int64_t k = 0; k < t.tiles; k++) {
        const ItemTile tile = tiles_at_cuda(dev, &t, k);
        for (int64_t b = 0; b < t.blocks; b++) {
            const RowBlock block = tiles_block_cuda(&t, b);
            if (!kept) tiles_scores_cuda(dev, &t, tile, block);
            BY_DTYPE(u.dtype, score_gradient, dev, t, o, tile, block);
            tiles_backward_cuda(dev, &t, tile, block, o.g, o.du, o.did, o.dbias);
        }
    }
}

static void fused_cross_entropy(Device *dev, CatalogueKernel kernel, const Outputs &o, Tensor u,
                                const ItemTable *table, Tensor bias)
{
    const FusedCatalogue *fused = fused_of(kernel);
    const size_t mark = scratch_mark(dev);
    if (!o.given) find_log_z(dev, kernel, o, fused->stats_plan(dev, table, bias, u));
    join_masses(dev, o);
    scratch_release(dev, mark);
    const TilesCuda t = fused->gradient_plan(dev, table, bias, u);
    const FusedGradient to = {rows_of(o), f32(o.dbias)};
    const Tensor summed = {};
    for (int64_t k = 0; k < t.tiles; k++) {
        const ItemTile tile = tiles_at_cuda(dev, &t, k);
        for (int64_t b = 0; b < t.blocks; b++) {
            const RowBlock block = tiles_block_cuda(&t, b);
            fused->gradient(dev, to, &t, tile, block);
            tiles_backward_cuda(dev, &t, tile, block, t.scores, o.du, o.did, summed);
        }
    }
}

void catalogue_cross_entropy_cuda(Device *dev, CatalogueKernel kernel, Tensor loss, Tensor du,
                                  Tensor did, Tensor dbias, Tensor u, const ItemTable *table,
                                  Tensor bias, Tensor target, Tensor weight, Tensor log_z,
                                  CatalogueMixture mixture)
{
    const int64_t rows = u.dim[0], dim = u.dim[1];
    if (rows == 0) return;
    const size_t mark = scratch_mark(dev);
    Outputs o = {};
    o.loss = loss;
    o.du = du.dtype == F32 ? du : scratch2(dev, F32, rows, dim);
    o.did = did;
    if (bias.data) o.dbias = dbias;
    o.target = target;
    o.weight = weight;
    o.given = log_z.data;
    o.log_z = o.given ? log_z : scratch1(dev, F32, rows);
    o.mixture = mixture;
    if (!mixture.logsumexp.data)
        o.mixture.logsumexp = mixture.other.data ? scratch1(dev, F32, rows) : o.log_z;
    elementwise_fill(dev, loss, 0.0f);
    if (mixture.share.data) elementwise_fill(dev, mixture.share, 0.0f);
    if (kernel == CATALOGUE_TILES)
        tiles_cross_entropy(dev, o, u, table, bias);
    else
        fused_cross_entropy(dev, kernel, o, u, table, bias);
    if (du.dtype != F32) elementwise_copy(dev, du, o.du);
    scratch_release(dev, mark);
}

/* ---- Single scores --------------------------------------------------------------------------- */

template <class T>
static __global__ void score_kernel(float *score, const T *u, Encoder e, const float *bias,
                                    const int32_t *ids, int64_t rows)
{
    const int64_t i = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    const int lane = (int)threadIdx.x % WARP;
    if (i >= rows) return;
    const int32_t id = ids[i];
    device_require(id < e.items);
    double sum = 0.0;
    for (int64_t c = lane; id >= 0 && c < e.dim; c += WARP)
        sum += (double)to_float(u[i * e.dim + c]) * (double)items_value(e, id, c);
    float z = (float)warp_sum(sum);
    if (bias && id >= 0) z += bias[id];
    if (lane == 0) score[i] = z;
}

/* du[i] = g[i] E[id], scaled[i] = g[i] u[i]; 0 without an id. */
template <class T>
static __global__ void score_backward_kernel(T *du, T *scaled, const float *g, const T *u,
                                             Encoder e, const int32_t *ids, int64_t rows)
{
    const int64_t i = (int64_t)blockIdx.x * WARPS + threadIdx.x / WARP;
    if (i >= rows) return;
    const int32_t id = ids[i];
    device_require(id < e.items);
    for (int64_t c = threadIdx.x % WARP; c < e.dim; c += WARP) {
        const int64_t at = i * e.dim + c;
        from_float(du[at], id < 0 ? 0.0f : g[i] * items_value(e, id, c));
        from_float(scaled[at], id < 0 ? 0.0f : g[i] * to_float(u[at]));
    }
}

template <class T>
static void score(Device *dev, Tensor z, Tensor u, const ItemTable *table, Tensor bias, Tensor ids)
{
    LAUNCH(dev, score_kernel<T>, blocks_for(u.dim[0], WARPS), THREADS, 0, f32(z), (const T *)u.data,
           items_encoder(table), f32(bias), i32(ids), u.dim[0]);
}

template <class T>
static void score_backward(Device *dev, Tensor du, Tensor scaled, Tensor g, Tensor u,
                           const ItemTable *table, Tensor ids)
{
    LAUNCH(dev, score_backward_kernel<T>, blocks_for(u.dim[0], WARPS), THREADS, 0, (T *)du.data,
           (T *)scaled.data, f32(g), (const T *)u.data, items_encoder(table), i32(ids), u.dim[0]);
}

void catalogue_score_cuda(Device *dev, Tensor z, Tensor u, const ItemTable *table, Tensor bias,
                          Tensor ids)
{
    BY_DTYPE(u.dtype, score, dev, z, u, table, bias, ids);
}

void catalogue_score_backward_cuda(Device *dev, Tensor du, Tensor did, Tensor dbias, Tensor g,
                                   Tensor u, const ItemTable *table, Tensor ids)
{
    const size_t mark = scratch_mark(dev);
    const Tensor scaled = scratch2(dev, u.dtype, u.dim[0], u.dim[1]);
    BY_DTYPE(u.dtype, score_backward, dev, du, scaled, g, u, table, ids);
    embedding_backward(dev, did, scaled, ids);
    if (dbias.data) {
        const int64_t entries[] = {dbias.dim[0], 1}, rows[] = {g.dim[0], 1};
        embedding_backward(dev, tensor_view(dbias.data, F32, 2, entries),
                           tensor_view(g.data, F32, 2, rows), ids);
    }
    scratch_release(dev, mark);
}
