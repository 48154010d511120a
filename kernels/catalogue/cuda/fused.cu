/* SPDX-License-Identifier: Apache-2.0 */
/* The catalogue head with scores in registers: u in bf16, items rounded to it, f32 sums on tensor
 * cores.
 *
 * A block of 8 warps owns 128 rows, whose u stays in shared memory, and walks the items, 256 at a
 * time, in slabs of 32 elements of their vectors. Three stages of cp.async hold slabs: one is
 * multiplied while two are loaded. A warp has 64 rows x 64 items, 128 sums a thread. A fragment of
 * u that it reads from shared memory enters 8 products, one of the items 4.
 *
 * Statistics: a thread keeps (max, argmax, sum, weighted sum) of its 8 rows over the items it sees.
 * Its sums are relative to its own maximum, so that lanes need not exchange anything before the
 * end. Then the lanes of a row are merged, the warps, the splits of the items, and the launches,
 * each in order. A launch walks up to ITEMS_MAX items, which are rounded to bf16 into a buffer
 * before. So each f32 sum has few terms; the sums over launches are in double.
 *
 * Gradient, in stages: a block computes the scores of its tile once more and writes their gradient
 * g in bf16 into a buffer for a block of rows x a tile of items, 16 MB that stay in the L2 cache;
 * then two products of cuBLASLt make du and did. These are 3 products, 6 dim operations a score. To
 * keep g on the chip, one kernel would have to own rows for du, and another one items for did, and
 * each would compute the scores: 4 products, all at the rate of this kernel, where here two of
 * three run at the library's; and the 128 x dim f32 sums of du alone would fill the register file
 * at dim 512.
 *
 * Floor, computed and not measured. A score takes 2 dim operations. Its bytes: in a pass the table
 * is read once from memory, in a launch 2 to 8 dim an item (f32 read, bf16 written and read),
 * shared by all rows; from the L2 cache 2 dim / 128, as an item's vector is read once by a block of
 * rows. So a multiprocessor does 128 operations for each byte from L2. With 16,384 rows, 10^6
 * items, dim 512: 16.8 * 10^12 operations, 17 ms at 989 TFLOP/s; 131 GB from L2, which takes longer
 * where L2 gives less than 7.7 TB/s; 4 GB from memory, 1.2 ms at 3.35 TB/s. A multiprocessor makes
 * 16 exponentials a clock: a score's takes 1/16 clock beside dim / 1024 or dim / 2048 clocks of
 * products, 1/8 or 1/4 of that at dim 512, and more than that below dim 128. Statistics of the best
 * item alone need no exponential.
 */
#include "catalogue/choice.h"
#include "catalogue/cuda/registers.cuh"

enum { ROWS = FUSED_ROWS, ITEMS = FUSED_ITEMS, SLAB = FUSED_SLAB, STAGES = FUSED_STAGES };
enum { WARPS = 8, THREADS = WARPS * WARP, ACROSS = 4, SIDE = 16 };
enum { WARP_ROWS = 64, WARP_ITEMS = 64, M = WARP_ROWS / SIDE, N = WARP_ITEMS / 8, OWN = 2 * M };
enum { ITEM_ROW = SLAB + FUSED_PAD, STAGE = ITEMS * ITEM_ROW, PACK = 8, G_ROW = ITEMS + FUSED_PAD };
enum { ITEMS_MAX = 32768, GRADIENT_ROWS = 2048, GRADIENT_ITEMS = 4096 };

/* Rows and items of a launch. Rows and items past the last are read as vectors of zeros. */
typedef struct {
    const bf16 *u, *vectors;
    const float *bias; /* of the first item; NULL: none */
    int64_t rows;
    int items, first_item, dim;
} Operands;

/* A block's shared memory. */
typedef struct {
    bf16 *u, *stage;
    int u_row, slabs;
} Held;

static __device__ __forceinline__ Held hold(unsigned char *memory, int dim)
{
    Held h;
    h.slabs = (dim + SLAB - 1) / SLAB;
    h.u_row = h.slabs * SLAB + FUSED_PAD;
    h.u = (bf16 *)memory;
    h.stage = h.u + ROWS * h.u_row;
    return h;
}

/* ---- Scores ---------------------------------------------------------------------------------- */

static __device__ __forceinline__ void load_u(const Held &h, const Operands &o, int64_t first)
{
    const int packs = h.slabs * (SLAB / PACK);
    for (int i = (int)threadIdx.x; i < ROWS * packs; i += THREADS) {
        const int row = i / packs, c = i % packs * PACK;
        const bool present = first + row < o.rows && c < o.dim;
        const bf16 *from = present ? o.u + (first + row) * o.dim + c : o.u;
        cp_async_16(h.u + row * h.u_row + c, from, present);
    }
}

static __device__ __forceinline__ void load_items(bf16 *stage, const Operands &o, int first,
                                                  int slab)
{
#pragma unroll
    for (int i = 0; i < ITEMS * SLAB / PACK / THREADS; i++) {
        const int at = (int)threadIdx.x + i * THREADS;
        const int item = first + at / (SLAB / PACK), in_slab = at % (SLAB / PACK) * PACK;
        const int c = slab * SLAB + in_slab;
        const bool present = item < o.items && c < o.dim;
        const bf16 *from = present ? o.vectors + (int64_t)item * o.dim + c : o.vectors;
        cp_async_16(stage + at / (SLAB / PACK) * ITEM_ROW + in_slab, from, present);
    }
}

static __device__ __forceinline__ int warp_row()
{
    return (int)threadIdx.x / WARP / ACROSS * WARP_ROWS;
}
static __device__ __forceinline__ int warp_item()
{
    return (int)threadIdx.x / WARP % ACROSS * WARP_ITEMS;
}

/* z [64, 64] of the warp += its rows of u, from element k, times its items of a stage. */
static __device__ __forceinline__ void multiply(float (&z)[M][N][4], const Held &h,
                                                const bf16 *stage, int k)
{
#pragma unroll
    for (int kk = 0; kk < SLAB; kk += SIDE) {
        uint32_t a[M][4], b[N / 2][2][2];
#pragma unroll
        for (int m = 0; m < M; m++) mma_left(a[m], h.u, h.u_row, warp_row() + SIDE * m, k + kk);
#pragma unroll
        for (int n = 0; n < N / 2; n++)
            mma_right(b[n], stage, ITEM_ROW, warp_item() + SIDE * n, kk);
#pragma unroll
        for (int n = 0; n < N; n++)
#pragma unroll
            for (int m = 0; m < M; m++) mma_bf16(z[m][n], a[m], b[n / 2][n % 2]);
    }
}

static __device__ __forceinline__ void clear_scores(float (&z)[M][N][4])
{
#pragma unroll
    for (int m = 0; m < M; m++) mma_clear(z[m]);
}

/* z += bias. Columns past the last item get the lowest score, whose exponential is 0. */
static __device__ __forceinline__ void add_bias(float (&z)[M][N][4], const Operands &o, int first)
{
    if (!o.bias && first + ITEMS <= o.items) return;
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
            const int item = first + warp_item() + mma_column(n, i);
            const bool present = item < o.items;
            const float bias = present && o.bias ? o.bias[item] : 0.0f;
#pragma unroll
            for (int m = 0; m < M; m++)
#pragma unroll
                for (int h = i; h < 4; h += 2) z[m][n][h] = present ? z[m][n][h] + bias : -FLT_MAX;
        }
}

/* A position in the walk of a block over the slabs of its tiles of items. Loading is ahead of
 * multiplying. */
typedef struct {
    int item, slab, stage;
} Place;

static __device__ __forceinline__ void step(Place &p, int slabs)
{
    p.stage = p.stage + 1 < STAGES ? p.stage + 1 : 0;
    if (++p.slab < slabs) return;
    p.slab = 0;
    p.item += ITEMS;
}

/* Begin to load the next slab, where there is one before `last`. Commits one group of copies in any
 * case, so that cp_async_wait counts slabs. */
static __device__ __forceinline__ void load_next(Place &next, const Held &h, const Operands &o,
                                                 int last)
{
    if (next.item < last) load_items(h.stage + next.stage * STAGE, o, next.item, next.slab);
    cp_async_commit();
    step(next, h.slabs);
}

static __device__ __forceinline__ Place begin(const Held &h, const Operands &o, int64_t row,
                                              int item, int last)
{
    Place next = {item, 0, 0};
    load_u(h, o, row);
    for (int i = 0; i < STAGES - 1; i++) load_next(next, h, o, last);
    return next;
}

/* Wait for the slab at `now`, begin to load another, multiply. */
static __device__ __forceinline__ void multiply_next(float (&z)[M][N][4], Place &now, Place &next,
                                                     const Held &h, const Operands &o, int last)
{
    cp_async_wait<STAGES - 2>();
    __syncthreads();
    load_next(next, h, o, last);
    multiply(z, h, h.stage + now.stage * STAGE, now.slab * SLAB);
    step(now, h.slabs);
}

/* ---- Statistics ------------------------------------------------------------------------------ */

/* Merge the four lanes of each row, then its ACROSS warps, into partial[row]. */
static __device__ __forceinline__ void merge_block(Partial *partial, Partial (&own)[OWN],
                                                   Partial *space, int rows, float scale)
{
    const int warp = (int)threadIdx.x / WARP % ACROSS;
#pragma unroll
    for (int r = 0; r < OWN; r++) {
        own[r] = merged_lanes(own[r], scale);
        const int row = warp_row() + r / 2 * SIDE + mma_row(r % 2 * 2);
        if (mma_lane() % 4 == 0) space[row * ACROSS + warp] = own[r];
    }
    __syncthreads();
    const int row = (int)threadIdx.x;
    if (row >= rows) return;
    Partial p = space[row * ACROSS];
    for (int w = 1; w < ACROSS; w++) p = merged(p, space[row * ACROSS + w], scale);
    partial[row] = p;
}

/* Block (rows, split): statistics of its rows over its `walk` items, into partial [split][row]. */
template <int WANTED>
static __global__ void __launch_bounds__(THREADS, 1)
    stats_kernel(Partial *partial, Operands o, int walk, float scale)
{
    DYNAMIC_SHARED(memory);
    const Held h = hold(memory, o.dim);
    const int64_t row = (int64_t)blockIdx.x * ROWS;
    const int item = (int)blockIdx.y * walk;
    const int last = item + walk < o.items ? item + walk : o.items;
    Place now = {item, 0, 0}, next = begin(h, o, row, item, last);
    Partial own[OWN];
#pragma unroll
    for (int r = 0; r < OWN; r++) own[r] = no_partial();
    while (now.item < last) {
        const int first = now.item;
        float z[M][N][4];
        clear_scores(z);
        for (int s = 0; s < h.slabs; s++) multiply_next(z, now, next, h, o, last);
        add_bias(z, o, first);
        const int column = o.first_item + first + warp_item() + mma_column(0, 0);
#pragma unroll
        for (int r = 0; r < OWN; r++) add_scores<WANTED>(own[r], z[r / 2], r % 2, column, scale);
    }
    cp_async_wait<0>();
    __syncthreads();
    const int rows = o.rows - row < ROWS ? (int)(o.rows - row) : (int)ROWS;
    merge_block(partial + blockIdx.y * o.rows + row, own, (Partial *)memory, rows, scale);
}

/* ---- Gradient -------------------------------------------------------------------------------- */

/* part[item] = the sum over the block's rows of g, as rounded to bf16. */
static __device__ __forceinline__ void sum_columns(float *part, const float (&z)[M][N][4],
                                                   int items)
{
    __shared__ float sums[ROWS / WARP_ROWS][ITEMS];
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
        for (int i = 0; i < 2; i++) {
            float sum = 0.0f;
#pragma unroll
            for (int m = 0; m < M; m++)
                sum += to_float(__float2bfloat16(z[m][n][i])) +
                       to_float(__float2bfloat16(z[m][n][i + 2]));
            for (int offset = 4; offset < WARP; offset *= 2)
                sum += __shfl_xor_sync(ALL_LANES, sum, offset);
            if (mma_lane() < 4) sums[warp_row() / WARP_ROWS][warp_item() + mma_column(n, i)] = sum;
        }
    __syncthreads();
    const int item = (int)threadIdx.x;
    if (item < items) part[item] = sums[0][item] + sums[1][item];
}

/* Write g by way of shared memory, 16 bytes at a time: up to 7 columns after the last item get
 * zeros. */
static __device__ __forceinline__ void
write_gradient(bf16 *g, int64_t ld, bf16 *space, const float (&z)[M][N][4], int rows, int items)
{
#pragma unroll
    for (int r = 0; r < OWN; r++)
#pragma unroll
        for (int n = 0; n < N; n++) {
            const int row = warp_row() + r / 2 * SIDE + mma_row(r % 2 * 2);
            const float(&from)[4] = z[r / 2][n];
            *(uint32_t *)(space + row * G_ROW + warp_item() + mma_column(n, 0)) =
                two_bf16(from[r % 2 * 2], from[r % 2 * 2 + 1]);
        }
    __syncthreads();
    for (int i = (int)threadIdx.x; i < ROWS * ITEMS / PACK; i += THREADS) {
        const int row = i / (ITEMS / PACK), c = i % (ITEMS / PACK) * PACK;
        if (row < rows && c < items)
            *(uint4 *)(g + row * ld + c) = *(const uint4 *)(space + row * G_ROW + c);
    }
}

/* Block (rows, items). */
static __global__ void __launch_bounds__(THREADS, 1) gradient_kernel(ScoreGradient p, Operands o)
{
    DYNAMIC_SHARED(memory);
    const Held h = hold(memory, o.dim);
    const int64_t row = (int64_t)blockIdx.x * ROWS;
    const int first = (int)blockIdx.y * ITEMS;
    const int rows = o.rows - row < ROWS ? (int)(o.rows - row) : (int)ROWS;
    const int items = o.items - first < ITEMS ? o.items - first : (int)ITEMS;
    Place now = {first, 0, 0}, next = begin(h, o, row, first, first + items);
    float z[M][N][4];
    clear_scores(z);
    for (int s = 0; s < h.slabs; s++) multiply_next(z, now, next, h, o, first + items);
    cp_async_wait<0>();
    __syncthreads();
    add_bias(z, o, first);
    const int column = o.first_item + first + warp_item() + mma_column(0, 0);
#pragma unroll
    for (int r = 0; r < OWN; r++) {
        const int at = warp_row() + r / 2 * SIDE + mma_row(r % 2 * 2);
        row_gradient(z[r / 2], r % 2, row_loss(p, row + at, at < rows), p, row + at, column);
    }
    write_gradient(p.g + row * p.ld + first, p.ld, (bf16 *)memory, z, rows, items);
    if (p.part) sum_columns(p.part + blockIdx.x * p.ld + first, z, items);
}

/* ---- Launches -------------------------------------------------------------------------------- */

static Operands operands_of(const TilesCuda *t, const ItemTile &tile)
{
    Operands o = {};
    o.u = (const bf16 *)t->u.data;
    o.vectors = (const bf16 *)tile.vectors;
    o.bias = tile.bias;
    o.rows = t->rows;
    o.items = (int)tile.width;
    o.first_item = (int)tile.item;
    o.dim = (int)t->dim;
    return o;
}

template <int WANTED>
static void stats(Device *dev, Partial *partial, const Operands &o, int64_t splits, int64_t walk,
                  float scale)
{
    LAUNCH(dev, stats_kernel<WANTED>, dim3(blocks_for(o.rows, ROWS), (unsigned)splits), THREADS,
           (size_t)catalogue_choice_fused_bytes(o.dim), partial, o, (int)walk, scale);
}

static TilesCuda stats_plan(Device *dev, const ItemTable *table, Tensor bias, Tensor u)
{
    return tiles_shape_cuda(dev, table, bias, u, u.dim[0], ITEMS_MAX);
}

static void add_stats(Device *dev, RowStats *to, const TilesCuda *t, const ItemTile &tile,
                      float scale, StatsWanted wanted)
{
    const size_t mark = scratch_mark(dev);
    const int64_t tiles = ceil_div(tile.width, ITEMS);
    const int64_t splits = registers_splits_cuda(dev, ceil_div(t->rows, ROWS), tiles);
    const int64_t walk = ceil_div(tiles, splits) * ITEMS;
    Partial *partial = registers_partials_cuda(dev, splits, t->rows);
    const Operands o = operands_of(t, tile);
    switch (wanted) {
    case STATS_BEST: stats<STATS_BEST>(dev, partial, o, splits, walk, scale * LOG2_E); break;
    case STATS_SUM: stats<STATS_SUM>(dev, partial, o, splits, walk, scale * LOG2_E); break;
    default: stats<STATS_EXPECTATION>(dev, partial, o, splits, walk, scale * LOG2_E);
    }
    registers_merge_cuda(dev, to, partial, t->rows, splits, tile, scale * LOG2_E);
    scratch_release(dev, mark);
}

static TilesCuda gradient_plan(Device *dev, const ItemTable *table, Tensor bias, Tensor u)
{
    TilesCuda t = tiles_shape_cuda(dev, table, bias, u, GRADIENT_ROWS, GRADIENT_ITEMS);
    const int64_t scores[] = {t.block, t.width};
    t.scores = scratch_tensor(dev, BF16, 2, scores);
    return t;
}

static void gradient(Device *dev, const FusedGradient &to, const TilesCuda *t, const ItemTile &tile,
                     const RowBlock &block)
{
    const size_t mark = scratch_mark(dev);
    const int64_t row_blocks = ceil_div(block.rows, ROWS);
    Operands o = operands_of(t, tile);
    o.u = (const bf16 *)block.u;
    o.rows = block.rows;
    const ScoreGradient p = registers_gradient_cuda(dev, to, t, block, row_blocks);
    LAUNCH(dev, gradient_kernel, dim3((unsigned)row_blocks, blocks_for(tile.width, ITEMS)), THREADS,
           (size_t)catalogue_choice_fused_bytes(o.dim), p, o);
    registers_add_columns_cuda(dev, to, p, tile, row_blocks);
    scratch_release(dev, mark);
}

const FusedCatalogue catalogue_fused_cuda = {stats_plan, add_stats, gradient_plan, gradient};
