/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue head with scores in registers on sm_90: u and items in bf16, f32 sums by products
 * of warpgroups.
 *
 * A block owns 128 rows, whose u stays in shared memory, and walks tiles of 128 items. The first of
 * its three warpgroups only copies: slabs of 128 items x 64 elements, 16 KB, into a ring of stages.
 * The other two take turns: while one multiplies a tile, with 128 x 128 sums in its registers, the
 * other computes with the scores of its tile before, so that exponentials take no time from the
 * tensor cores. Above dim 640 not all of u fits beside the ring: the slabs of u that are not
 * resident pass through the ring too, once for each tile.
 *
 * Before each launch both operands are rearranged into slabs as the products read them, so that one
 * bulk copy of contiguous bytes moves a slab. Slabs are padded with zeros: dim to a multiple of 64,
 * rows and items to a multiple of 128.
 *
 * Statistics: as in fused.cu; the two warpgroups are merged in order. Gradient: as in fused.cu,
 * with g in a buffer for a block of rows x a tile of items, 32 MB, and two products of cuBLASLt
 * that read it from the L2 cache.
 *
 * Floor: a tile takes 128 x 128 x dim products, which are 8 dim clocks of a multiprocessor's tensor
 * cores at 2048 a clock. In that time 256 dim bytes come from L2, 32 bytes a clock (48 at dim
 * 1024), and products read 96 bytes a clock of shared memory, of 128. The 16,384 exponentials of a
 * tile take 1024 clocks, fewer than its products from dim 128 on.
 */
#include "base/cuda/ptx_sm90.cuh"
#include "catalogue/choice.h"
#include "catalogue/cuda/registers.cuh"

enum { ROWS = SLAB_ROWS, ITEMS = SLAB_ROWS, M = ROWS / 64, N = ITEMS / 8, OWN = 2 * M };
enum { THREADS = 3 * WARPGROUP, PAIR = 2 * WARPGROUP, PACK = 8, PACKS = SLAB / PACK };
enum { ITEMS_MAX = 32768, GRADIENT_ROWS = 4096, GRADIENT_ITEMS = 4096 };
/* Registers of a thread of each kind of warpgroup: 24 + 2 x 240 = 504 of the 512 that there are. */
enum { COPYING_REGISTERS = 24, MULTIPLYING_REGISTERS = 240 };
enum { TURN = 1, SUMS = 3 }; /* the first of two named barriers each */

/* Rows and items of a launch, in slabs [rows / 128, slabs of dim, SLAB]. */
typedef struct {
    const bf16 *u, *items;
    const float *bias; /* of the first item; NULL: none */
    int64_t rows;
    int count, first_item, slabs; /* count: of items */
    int resident, stages;         /* WgmmaShape */
} SlabOperands; /* fused.cu has a struct Operands, and launches are templates over type names */

/* A block's shared memory; `sums` is for sums of columns and for merging. */
typedef struct {
    bf16 *u, *stage;
    unsigned char *sums;
    uint64_t *full, *empty, *u_full;
} Held;

static __device__ __forceinline__ Held hold(unsigned char *memory, const SlabOperands &o)
{
    Held h;
    h.u = (bf16 *)(((uintptr_t)memory + 1023) & ~(uintptr_t)1023);
    h.stage = h.u + o.resident * SLAB;
    h.sums = (unsigned char *)(h.stage + o.stages * SLAB);
    h.full = (uint64_t *)(h.sums + WGMMA_SUM_BYTES);
    h.empty = h.full + WGMMA_STAGES;
    h.u_full = h.empty + WGMMA_STAGES;
    return h;
}

/* A stage is empty when each of the four warps that multiplied it has arrived at its barrier. */
static __device__ __forceinline__ void open_barriers(const Held &h, const SlabOperands &o)
{
    if (threadIdx.x == 0) {
        for (int i = 0; i < o.stages; i++) {
            barrier_open(&h.full[i], 1);
            barrier_open(&h.empty[i], WARPGROUP / WARP);
        }
        barrier_open(h.u_full, 1);
        barriers_visible();
    }
    __syncthreads();
}

/* ---- The ring of stages ---------------------------------------------------------------------- */

/* Tiles of items of a block: count of them from `first`. */
typedef struct {
    int first, count;
} Walk;

static __device__ __forceinline__ Walk walk_of(const SlabOperands &o, int tiles_each)
{
    const int tiles = (o.count + ITEMS - 1) / ITEMS;
    Walk w = {(int)blockIdx.y * tiles_each, tiles_each};
    if (w.first + w.count > tiles) w.count = tiles - w.first;
    return w;
}

/* A stage, and the parity of the phase in which it is filled. */
typedef struct {
    int stage;
    uint32_t parity;
} Place;

static __device__ __forceinline__ void advance(Place &p, int slabs, int stages)
{
    for (p.stage += slabs; p.stage >= stages; p.stage -= stages) p.parity ^= 1;
}

/* How many slabs pass through the ring for a tile. */
static __device__ __forceinline__ int slots(const SlabOperands &o)
{
    return 2 * o.slabs - o.resident;
}

enum { SLAB_BYTES = SLAB * (int)sizeof(bf16) };

static __device__ __forceinline__ void send_slab(const Held &h, const SlabOperands &o, Place &p,
                                                 const bf16 *from)
{
    barrier_wait(&h.empty[p.stage], p.parity ^ 1);
    barrier_expect(&h.full[p.stage], SLAB_BYTES);
    copy_bulk(h.stage + p.stage * SLAB, from, SLAB_BYTES, &h.full[p.stage]);
    advance(p, 1, o.stages);
}

/* One thread copies for the whole block: the resident slabs of u, then tile by tile the slabs of
 * the items. Where the slab of u that an item's slab is multiplied with is not resident, it comes
 * just before. */
static __device__ __forceinline__ void send(const Held &h, const SlabOperands &o, const Walk &w)
{
    const bf16 *const u = o.u + (int64_t)blockIdx.x * o.slabs * SLAB;
    barrier_expect(h.u_full, o.resident * SLAB_BYTES);
    copy_bulk(h.u, u, o.resident * SLAB_BYTES, h.u_full);
    const bf16 *from = o.items + (int64_t)w.first * o.slabs * SLAB;
    Place p = {0, 0};
    for (int i = 0; i < w.count; i++)
        for (int s = 0; s < o.slabs; s++) {
            if (s >= o.resident) send_slab(h, o, p, u + s * SLAB);
            send_slab(h, o, p, from);
            from += SLAB;
        }
}

/* The stages that a product reads; u -1: the slab of u is resident. */
typedef struct {
    int u, items;
} Read;

static __device__ __forceinline__ void give_back(const Held &h, const Read &read)
{
    __syncwarp();
    if (mma_lane() > 0) return;
    if (read.u >= 0) barrier_arrive(&h.empty[read.u]);
    barrier_arrive(&h.empty[read.items]);
}

/* Wait until the stage at p is full, return it, and advance p. */
static __device__ __forceinline__ int take(const Held &h, const SlabOperands &o, Place &p)
{
    const int stage = p.stage;
    barrier_wait(&h.full[stage], p.parity);
    advance(p, 1, o.stages);
    return stage;
}

/* The number of this warpgroup among the two that multiply: 0 takes the walk's even tiles, 1 its
 * odd ones. */
static __device__ __forceinline__ int side() { return (int)threadIdx.x / WARPGROUP - 1; }

/* z = scores of tile i of the walk, when it is this warpgroup's turn. p is at the tile's first
 * slab, and is moved to the first slab of this warpgroup's next tile. */
static __device__ __forceinline__ void multiply(float (&z)[M][N][4], const Held &h,
                                                const SlabOperands &o, Place &p, int i, int tiles)
{
    if (i > 0) part_sync(TURN + side(), PAIR);
    Read before = {-1, 0};
    for (int s = 0; s < o.slabs; s++) {
        Read read = {-1, 0};
        if (s >= o.resident) read.u = take(h, o, p);
        read.items = take(h, o, p);
        const bf16 *const u = read.u < 0 ? h.u + s * SLAB : h.stage + read.u * SLAB;
        product_begin();
#pragma unroll
        for (int k = 0; k < SLAB_WIDE; k += 16)
#pragma unroll
            for (int m = 0; m < M; m++)
                product_128(z[m], u, 64 * m, h.stage + read.items * SLAB, k, s == 0 && k == 0);
        product_commit();
        if (s > 0) {
            product_wait<1>();
            give_back(h, before);
        }
        before = read;
    }
    if (i + 1 < tiles) part_arrive(TURN + 1 - side(), PAIR);
    product_wait<0>();
    give_back(h, before);
    advance(p, slots(o), o.stages);
}

/* The row in the block of the thread's own row r. */
static __device__ __forceinline__ int own_row(int r)
{
    return r / 2 * 64 + (int)threadIdx.x % WARPGROUP / WARP * 16 + mma_row(r % 2 * 2);
}

/* z += bias. Columns past the last item get the lowest score, whose exponential is 0. first: the
 * tile's first among the launch's items. */
static __device__ __forceinline__ void add_bias(float (&z)[M][N][4], const SlabOperands &o,
                                                int first)
{
    if (!o.bias && first + ITEMS <= o.count) return;
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
            const int item = first + mma_column(n, i);
            const bool present = item < o.count;
            const float bias = present && o.bias ? o.bias[item] : 0.0f;
#pragma unroll
            for (int m = 0; m < M; m++)
#pragma unroll
                for (int h = i; h < 4; h += 2) z[m][n][h] = present ? z[m][n][h] + bias : -FLT_MAX;
        }
}

/* ---- Statistics ------------------------------------------------------------------------------ */

/* Merge the four lanes of each row, then the two warpgroups, into partial[row]. */
static __device__ __forceinline__ void merge_block(Partial *partial, Partial (&own)[OWN],
                                                   Partial *space, int rows, float scale)
{
#pragma unroll
    for (int r = 0; r < OWN; r++) {
        own[r] = merged_lanes(own[r], scale);
        if (mma_lane() % 4 == 0) space[own_row(r) * 2 + side()] = own[r];
    }
    part_sync(SUMS, PAIR);
    const int row = (int)threadIdx.x - WARPGROUP;
    if (row < rows) partial[row] = merged(space[row * 2], space[row * 2 + 1], scale);
}

/* Block (rows, split): statistics of its rows over its tiles, into partial [split][row]. */
template <int WANTED>
static __global__ void __launch_bounds__(THREADS, 1)
    stats_kernel(Partial *partial, SlabOperands o, int tiles_each, float scale)
{
    DYNAMIC_SHARED(memory);
    if (!ON_SM90) {
        device_require(false);
        return;
    }
    const Held h = hold(memory, o);
    const Walk w = walk_of(o, tiles_each);
    open_barriers(h, o);
    if (threadIdx.x < WARPGROUP) {
        fewer_registers<COPYING_REGISTERS>();
        if (threadIdx.x == 0) send(h, o, w);
    } else {
        more_registers<MULTIPLYING_REGISTERS>();
        Partial own[OWN];
#pragma unroll
        for (int r = 0; r < OWN; r++) own[r] = no_partial();
        Place p = {0, 0};
        advance(p, side() * slots(o), o.stages);
        barrier_wait(h.u_full, 0);
        for (int i = side(); i < w.count; i += 2) {
            const int first = (w.first + i) * ITEMS;
            float z[M][N][4];
            multiply(z, h, o, p, i, w.count);
            add_bias(z, o, first);
            const int column = o.first_item + first + mma_column(0, 0);
#pragma unroll
            for (int r = 0; r < OWN; r++)
                add_scores<WANTED>(own[r], z[r / 2], r % 2, column, scale);
        }
        const int64_t row = (int64_t)blockIdx.x * ROWS;
        const int rows = o.rows - row < ROWS ? (int)(o.rows - row) : (int)ROWS;
        merge_block(partial + blockIdx.y * o.rows + row, own, (Partial *)h.sums, rows, scale);
    }
}

/* ---- Gradient -------------------------------------------------------------------------------- */

/* This lane and the one OFFSET away add their v[0 .. 2 COUNT). The lane without the bit OFFSET gets
 * the sums of the first half, the lane with it those of the second, in v[0 .. COUNT). */
template <int OFFSET, int COUNT>
static __device__ __forceinline__ void halve(float (&v)[8])
{
    const bool upper = mma_lane() & OFFSET;
#pragma unroll
    for (int k = 0; k < COUNT; k++) {
        const float give = upper ? v[k] : v[k + COUNT], keep = upper ? v[k + COUNT] : v[k];
        v[k] = keep + __shfl_xor_sync(ALL_LANES, give, OFFSET);
    }
}

/* x has four words of a lane, of its columns in the parts 0 to 3. The four lanes of a row exchange
 * them, so that a lane gets all words of the part lane % 4. */
static __device__ __forceinline__ void transpose_quad(uint32_t (&x)[4])
{
    const bool odd = mma_lane() & 1, upper = mma_lane() & 2;
#pragma unroll
    for (int p = 0; p < 4; p += 2) {
        const uint32_t other = __shfl_xor_sync(ALL_LANES, odd ? x[p] : x[p + 1], 1);
        x[p] = odd ? other : x[p];
        x[p + 1] = odd ? x[p + 1] : other;
    }
#pragma unroll
    for (int p = 0; p < 2; p++) {
        const uint32_t other = __shfl_xor_sync(ALL_LANES, upper ? x[p] : x[p + 2], 2);
        x[p] = upper ? other : x[p];
        x[p + 2] = upper ? x[p + 2] : other;
    }
}

/* Where a tile of g is written: g [rows, ld], with zeros in up to 7 columns after the last item;
 * sums [4 warps][ITEMS] of a warpgroup, over each warp's rows, of g as rounded to bf16. */
typedef struct {
    bf16 *g;
    float *sums;
    int ld, rows, items;
} Tile;

/* Four parts at a time: the two columns of a row in a part are rounded into one word, lanes
 * exchange words so that each writes 16 bytes, and the sums of columns over the warp's rows are
 * written to tile.sums. */
static __device__ __forceinline__ void write_gradient(const Tile &tile, const float (&z)[M][N][4])
{
    const int lane = mma_lane(), column = lane % 4 * 8, warp = (int)threadIdx.x % WARPGROUP / WARP;
    const int own = lane / 16 * 4 + lane / 8 % 2 * 2 +
                    lane / 4 % 2; /* which of eight sums halve() leaves in this lane */
#pragma unroll
    for (int n = 0; n < N; n += 4) {
        float v[8] = {};
#pragma unroll
        for (int r = 0; r < OWN; r++) {
            uint32_t x[4];
#pragma unroll
            for (int k = 0; k < 4; k++) {
                const float(&part)[4] = z[r / 2][n + k];
                x[k] = two_bf16(part[r % 2 * 2], part[r % 2 * 2 + 1]);
                v[2 * k] += __uint_as_float(x[k] << 16);
                v[2 * k + 1] += __uint_as_float(x[k] & 0xffff0000u);
            }
            transpose_quad(x);
            if (own_row(r) < tile.rows && column + 8 * n < tile.items)
                *(uint4 *)(tile.g + own_row(r) * tile.ld + column + 8 * n) =
                    make_uint4(x[0], x[1], x[2], x[3]);
        }
        halve<16, 4>(v);
        halve<8, 2>(v);
        halve<4, 1>(v);
        tile.sums[warp * ITEMS + 8 * (n + own / 2) + lane % 4 * 2 + own % 2] = v[0];
    }
}

/* part[item] = the sum of the warps' sums. */
static __device__ __forceinline__ void add_warps(float *part, const Tile &tile)
{
    part_sync(SUMS + side(), WARPGROUP);
    const int item = (int)threadIdx.x % WARPGROUP;
    if (item >= tile.items) return;
    float sum = 0.0f;
    for (int w = 0; w < WARPGROUP / WARP; w++) sum += tile.sums[w * ITEMS + item];
    part[item] = sum;
}

/* Block (rows, split). */
static __global__ void __launch_bounds__(THREADS, 1)
    gradient_kernel(ScoreGradient g, SlabOperands o, int tiles_each)
{
    DYNAMIC_SHARED(memory);
    if (!ON_SM90) {
        device_require(false);
        return;
    }
    const Held h = hold(memory, o);
    const Walk w = walk_of(o, tiles_each);
    open_barriers(h, o);
    if (threadIdx.x < WARPGROUP) {
        fewer_registers<COPYING_REGISTERS>();
        if (threadIdx.x == 0) send(h, o, w);
    } else {
        more_registers<MULTIPLYING_REGISTERS>();
        const int64_t row = (int64_t)blockIdx.x * ROWS;
        const int rows = o.rows - row < ROWS ? (int)(o.rows - row) : (int)ROWS;
        RowLoss of[OWN];
#pragma unroll
        for (int r = 0; r < OWN; r++) of[r] = row_loss(g, row + own_row(r), own_row(r) < rows);
        /* Two buffers of a warpgroup: one may still be read when the next turn writes its own. */
        float(*sums)[WARPGROUP / WARP * ITEMS] =
            (float(*)[WARPGROUP / WARP * ITEMS]) h.sums + 2 * side();
        Place p = {0, 0};
        advance(p, side() * slots(o), o.stages);
        barrier_wait(h.u_full, 0);
        for (int i = side(); i < w.count; i += 2) {
            const int first = (w.first + i) * ITEMS;
            const int items = o.count - first < ITEMS ? o.count - first : (int)ITEMS;
            float z[M][N][4];
            multiply(z, h, o, p, i, w.count);
            add_bias(z, o, first);
            const int column = o.first_item + first + mma_column(0, 0);
#pragma unroll
            for (int r = 0; r < OWN; r++)
                row_gradient(z[r / 2], r % 2, of[r], g, row + own_row(r), column);
            const Tile tile = {g.g + row * g.ld + first, sums[i / 2 % 2], (int)g.ld, rows, items};
            write_gradient(tile, z);
            if (g.part) add_warps(g.part + blockIdx.x * g.ld + first, tile);
        }
    }
}

/* ---- Slabs ----------------------------------------------------------------------------------- */

/* Copy from [rows, dim] to slabs; a thread moves 16 bytes. */
static __global__ void slabs_kernel(bf16 *to, const bf16 *from, int64_t rows, int dim, int slabs,
                                    int64_t packs)
{
    const int64_t i = (int64_t)blockIdx.x * THREADS + threadIdx.x;
    if (i >= packs) return;
    const int64_t slab = i / PACKS, row = slab / slabs * SLAB_ROWS + i % PACKS / (SLAB_WIDE / PACK);
    const int in_slab = (int)(i % PACKS), c = in_slab % (SLAB_WIDE / PACK) * PACK;
    const int column = (int)(slab % slabs) * SLAB_WIDE + c;
    uint4 v = make_uint4(0, 0, 0, 0);
    if (row < rows && column < dim) v = *(const uint4 *)(from + row * dim + column);
    *(uint4 *)(to + slab * SLAB + slab_at(in_slab / (SLAB_WIDE / PACK), c)) = v;
}

static void make_slabs(Device *dev, Tensor slabs, const void *from, int64_t rows, int64_t dim)
{
    const int64_t packs = ceil_div(rows, SLAB_ROWS) * slabs.dim[1] * PACKS;
    LAUNCH(dev, slabs_kernel, blocks_for(packs, THREADS), THREADS, 0, (bf16 *)slabs.data,
           (const bf16 *)from, rows, (int)dim, (int)slabs.dim[1], packs);
}

static Tensor slabs_for(Device *dev, int64_t rows, int64_t dim)
{
    const int64_t shape[] = {ceil_div(rows, SLAB_ROWS), ceil_div(dim, SLAB_WIDE), SLAB};
    return scratch_tensor(dev, BF16, 3, shape);
}

/* ---- Launches -------------------------------------------------------------------------------- */

static TilesCuda plan(Device *dev, const ItemTable *table, Tensor bias, Tensor u, int64_t block,
                      int64_t width)
{
    TilesCuda t = tiles_shape_cuda(dev, table, bias, u, block, width);
    t.u_slabs = slabs_for(dev, t.rows, t.dim);
    t.item_slabs = slabs_for(dev, t.width, t.dim);
    make_slabs(dev, t.u_slabs, u.data, t.rows, t.dim);
    return t;
}

static TilesCuda stats_plan(Device *dev, const ItemTable *table, Tensor bias, Tensor u)
{
    return plan(dev, table, bias, u, u.dim[0], ITEMS_MAX);
}

static TilesCuda gradient_plan(Device *dev, const ItemTable *table, Tensor bias, Tensor u)
{
    TilesCuda t = plan(dev, table, bias, u, GRADIENT_ROWS, GRADIENT_ITEMS);
    const int64_t scores[] = {t.block, t.width};
    t.scores = scratch_tensor(dev, BF16, 2, scores);
    return t;
}

/* Operands with the rows first_row .. first_row + rows - 1; first_row is a multiple of 128. */
static SlabOperands operands_of(Device *dev, const TilesCuda *t, const ItemTile &tile,
                                int64_t first_row, int64_t rows)
{
    SlabOperands o = {};
    o.u = (const bf16 *)tensor_rows(t->u_slabs, first_row / ROWS, 1).data;
    o.items = (const bf16 *)t->item_slabs.data;
    o.bias = tile.bias;
    o.rows = rows;
    o.count = (int)tile.width;
    o.first_item = (int)tile.item;
    o.slabs = (int)t->u_slabs.dim[1];
    const WgmmaShape shape = catalogue_choice_wgmma_shape(t->dim, dev->cuda->shared);
    o.resident = (int)shape.resident;
    o.stages = (int)shape.stages;
    return o;
}

static size_t shared_bytes(const SlabOperands &o)
{
    return (size_t)catalogue_choice_wgmma_bytes(WgmmaShape{o.resident, o.stages});
}

/* The grid of a launch: blocks of rows x splits of the items, of tiles_each tiles. */
typedef struct {
    dim3 grid;
    int64_t splits;
    int tiles_each;
} Cut;

static Cut cut_of(Device *dev, const SlabOperands &o)
{
    const int64_t tiles = ceil_div(o.count, ITEMS), row_blocks = ceil_div(o.rows, ROWS);
    const int64_t splits = registers_splits_cuda(dev, row_blocks, tiles);
    return Cut{dim3((unsigned)row_blocks, (unsigned)splits), splits, (int)ceil_div(tiles, splits)};
}

template <int WANTED>
static void stats(Device *dev, Partial *partial, const SlabOperands &o, const Cut &cut, float scale)
{
    LAUNCH(dev, stats_kernel<WANTED>, cut.grid, THREADS, shared_bytes(o), partial, o,
           cut.tiles_each, scale);
}

static void add_stats(Device *dev, RowStats *to, const TilesCuda *t, const ItemTile &tile,
                      float scale, StatsWanted wanted)
{
    const size_t mark = scratch_mark(dev);
    make_slabs(dev, t->item_slabs, tile.vectors, tile.width, t->dim);
    const SlabOperands o = operands_of(dev, t, tile, 0, t->rows);
    const Cut cut = cut_of(dev, o);
    Partial *partial = registers_partials_cuda(dev, cut.splits, t->rows);
    switch (wanted) {
    case STATS_BEST: stats<STATS_BEST>(dev, partial, o, cut, scale * LOG2_E); break;
    case STATS_SUM: stats<STATS_SUM>(dev, partial, o, cut, scale * LOG2_E); break;
    default: stats<STATS_EXPECTATION>(dev, partial, o, cut, scale * LOG2_E);
    }
    registers_merge_cuda(dev, to, partial, t->rows, cut.splits, tile, scale * LOG2_E);
    scratch_release(dev, mark);
}

static void gradient(Device *dev, const FusedGradient &to, const TilesCuda *t, const ItemTile &tile,
                     const RowBlock &block)
{
    const size_t mark = scratch_mark(dev);
    if (block.first == 0) make_slabs(dev, t->item_slabs, tile.vectors, tile.width, t->dim);
    const SlabOperands o = operands_of(dev, t, tile, block.first, block.rows);
    const Cut cut = cut_of(dev, o);
    const int64_t row_blocks = cut.grid.x;
    const ScoreGradient g = registers_gradient_cuda(dev, to, t, block, row_blocks);
    LAUNCH(dev, gradient_kernel, cut.grid, THREADS, shared_bytes(o), g, o, cut.tiles_each);
    registers_add_columns_cuda(dev, to, g, tile, row_blocks);
    scratch_release(dev, mark);
}

const FusedCatalogue catalogue_wgmma_cuda = {stats_plan, add_stats, gradient_plan, gradient};
