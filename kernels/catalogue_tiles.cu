#include "catalogue_tiles.cuh"

#include "items.cuh"

/* SCORES: of a block and tile, a part of every device's L2 cache (sm_80: 40 MB, sm_90: 50 MB). */
enum { SCORES = 4 << 20, BLOCK = 1024, WIDTH_MAX = 16384, WIDTH_STEP = 128 };

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

TilesCuda tiles_plan_cuda(Device *dev, const ItemTable *table, Tensor bias, Tensor u)
{
    TilesCuda t = {};
    t.table = table;
    t.bias = f32(bias);
    t.u = u;
    t.items = table->id.dim[0];
    t.rows = u.dim[0];
    t.dim = u.dim[1];
    REQUIRE(t.items > 0, "the catalogue is empty");
    REQUIRE(!bias.data || bias.dim[0] == t.items, "bias of %lld items, the catalogue has %lld",
            (long long)bias.dim[0], (long long)t.items);
    t.block = smaller(t.rows, BLOCK);
    t.width = smaller(WIDTH_MAX, SCORES / t.block / WIDTH_STEP * WIDTH_STEP);
    t.width = smaller(t.width, ceil_div(t.items, WIDTH_STEP) * WIDTH_STEP);
    t.blocks = ceil_div(t.rows, t.block);
    t.tiles = ceil_div(t.items, t.width);
    const int64_t scores[] = {t.block, t.width}, vectors[] = {t.width, t.dim};
    t.scores = scratch_tensor(dev, F32, 2, scores);
    if (u.dtype != F32 || table->category.data || table->numeric.data)
        t.vectors = scratch_tensor(dev, u.dtype, 2, vectors);
    return t;
}

ItemTile tile_of_cuda(Device *dev, const TilesCuda *t, int64_t tile)
{
    ItemTile it = {};
    it.first = tile * t->width;
    it.width = smaller(t->width, t->items - it.first);
    it.bias = t->bias ? t->bias + it.first : NULL;
    it.vectors = f32(t->table->id) + it.first * t->dim;
    if (t->vectors.data) {
        items_range_cuda(dev, tensor_rows(t->vectors, 0, it.width), t->table, it.first);
        it.vectors = t->vectors.data;
    }
    return it;
}

RowBlock block_of_cuda(const TilesCuda *t, int64_t block)
{
    RowBlock b = {};
    b.first = block * t->block;
    b.rows = smaller(t->block, t->rows - b.first);
    b.u = tensor_rows(t->u, b.first, b.rows).data;
    return b;
}

void tile_scores_cuda(Device *dev, const TilesCuda *t, const ItemTile &tile, const RowBlock &block)
{
    Product p = {};
    p.trans_b = true;
    p.in = t->u.dtype;
    p.out = F32;
    p.alpha = 1.0f;
    p.m = block.rows;
    p.n = tile.width;
    p.k = p.lda = p.ldb = t->dim;
    p.ldc = t->width;
    product_cuda(dev, &p, t->scores.data, block.u, tile.vectors);
}
