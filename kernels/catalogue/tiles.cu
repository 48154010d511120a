/* SPDX-License-Identifier: Apache-2.0 */
#include "catalogue/tiles.cuh"

#include "base/cuda/blas.h"
#include "items.cuh"

/* SCORES: of a block and tile, a part of every device's L2 cache (sm_80: 40 MB, sm_90: 50 MB). */
enum { SCORES = 4 << 20, BLOCK = 1024, WIDTH_MAX = 16384, WIDTH_STEP = 128 };
enum { SUM_ROWS = 8 };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

TilesCuda tiles_shape_cuda(Device *dev, const ItemTable *table, Tensor bias, Tensor u,
                           int64_t block, int64_t width)
{
    TilesCuda t = {};
    t.table = table;
    t.bias = f32(bias);
    t.u = u;
    t.items = table->id.dim[0];
    t.rows = u.dim[0];
    t.dim = u.dim[1];
    REQUIRE(t.items > 0, "the catalogue is empty");
    REQUIRE(!bias.data || bias.dim[0] == t.items,
            "a bias of %" PRId64 " items, want one of %" PRId64, bias.dim[0], t.items);
    t.block = smaller(t.rows, block);
    t.width = smaller(width, ceil_div(t.items, WIDTH_STEP) * WIDTH_STEP);
    t.blocks = ceil_div(t.rows, t.block);
    t.tiles = ceil_div(t.items, t.width);
    const int64_t vectors[] = {t.width, t.dim};
    if (u.dtype != F32 || !items_are_ids(table))
        t.vectors = scratch_tensor(dev, u.dtype, 2, vectors);
    return t;
}

TilesCuda tiles_plan_cuda(Device *dev, const ItemTable *table, Tensor bias, Tensor u)
{
    const int64_t block = smaller(u.dim[0], BLOCK);
    const int64_t width = smaller(WIDTH_MAX, SCORES / block / WIDTH_STEP * WIDTH_STEP);
    TilesCuda t = tiles_shape_cuda(dev, table, bias, u, block, width);
    const int64_t scores[] = {t.block, t.width};
    t.scores = scratch_tensor(dev, F32, 2, scores);
    return t;
}

ItemTile tiles_at_cuda(Device *dev, const TilesCuda *t, int64_t tile)
{
    ItemTile it = {};
    it.first = tile * t->width;
    it.item = t->table->first + it.first;
    it.width = smaller(t->width, t->items - it.first);
    it.bias = t->bias ? t->bias + it.first : NULL;
    it.vectors = f32(t->table->id) + it.first * t->dim;
    if (t->vectors.data) {
        items_range_cuda(dev, tensor_rows(t->vectors, 0, it.width), t->table, it.first);
        it.vectors = t->vectors.data;
    }
    return it;
}

RowBlock tiles_block_cuda(const TilesCuda *t, int64_t block)
{
    RowBlock b = {};
    b.first = block * t->block;
    b.rows = smaller(t->block, t->rows - b.first);
    b.u = tensor_rows(t->u, b.first, b.rows).data;
    return b;
}

void tiles_scores_cuda(Device *dev, const TilesCuda *t, const ItemTile &tile, const RowBlock &block)
{
    BlasProduct p = {};
    p.trans_b = true;
    p.in = t->u.dtype;
    p.out = F32;
    p.alpha = 1.0f;
    p.m = block.rows;
    p.n = tile.width;
    p.k = p.lda = p.ldb = t->dim;
    p.ldc = t->width;
    blas_product(dev, &p, t->scores.data, block.u, tile.vectors);
}

/* dbias[j] += sum_i g[i, j] */
template <class T>
static __global__ void add_columns_kernel(float *dbias, const T *g, int64_t ld, int64_t rows,
                                          int64_t width)
{
    __shared__ float sums[SUM_ROWS][WARP];
    const int64_t j = (int64_t)blockIdx.x * WARP + threadIdx.x;
    float sum = 0.0f;
    for (int64_t i = threadIdx.y; i < rows && j < width; i += SUM_ROWS)
        sum += to_float(g[i * ld + j]);
    sums[threadIdx.y][threadIdx.x] = sum;
    __syncthreads();
    if (threadIdx.y > 0 || j >= width) return;
    for (int k = 1; k < SUM_ROWS; k++) sum += sums[k][threadIdx.x];
    dbias[j] += sum;
}

template <class T>
static void add_columns(Device *dev, float *dbias, const void *g, int64_t ld, int64_t rows,
                        int64_t width)
{
    LAUNCH(dev, add_columns_kernel<T>, blocks_for(width, WARP), dim3(WARP, SUM_ROWS), 0, dbias,
           (const T *)g, ld, rows, width);
}

void tiles_backward_cuda(Device *dev, const TilesCuda *t, const ItemTile &tile,
                         const RowBlock &block, Tensor g, Tensor du, Tensor did, Tensor dbias)
{
    if (dbias.data)
        BY_DTYPE(t->u.dtype, add_columns, dev, f32(dbias) + tile.first, g.data, t->width,
                 block.rows, tile.width);
    BlasProduct p = {};
    p.trans_a = p.accumulate = true;
    p.in = t->u.dtype;
    p.out = F32;
    p.alpha = 1.0f;
    p.m = tile.width;
    p.n = p.ldb = p.ldc = t->dim;
    p.k = block.rows;
    p.lda = t->width;
    if (did.data) blas_product(dev, &p, f32(did) + tile.first * t->dim, g.data, block.u);
    p.trans_a = false;
    p.accumulate = tile.first > 0;
    p.m = block.rows;
    p.k = tile.width;
    blas_product(dev, &p, f32(du) + block.first * t->dim, g.data, tile.vectors);
}
