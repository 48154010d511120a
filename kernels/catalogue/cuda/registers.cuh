/* SPDX-License-Identifier: Apache-2.0 */
/* What a thread of fused.cu or wgmma.cu does with the scores that are in its registers. z [N][4] of
 * a thread has the layout in which tensor cores leave sums (base/cuda/ptx.cuh): a thread has two
 * rows; register i of part n belongs to its row i / 2 and to the item 8 n + 2 (lane % 4) + i % 2.
 */
#ifndef SOUK_CATALOGUE_REGISTERS_CUH
#define SOUK_CATALOGUE_REGISTERS_CUH

#include "base/cuda/mma.cuh"
#include "catalogue/cuda/generation.cuh"

#include <float.h>

static const float LOG2_E = 1.44269504088896340736f;

/* ---- Statistics ------------------------------------------------------------------------------ */

/* Statistics of a row over the items that a thread, a warp or a split has seen, in f32, which few
 * items allow; registers_merge_cuda adds them to the RowStats of merge.h. sum = sum_a 2^(z scale -
 * reference(max)) and weighted, with z as a factor: `scale` has log2(e) in it. argmax is the item,
 * or INT32_MAX where no score is above -FLT_MAX; then the sums are 0 or NaN. */
typedef struct {
    float max, sum, weighted;
    int32_t argmax;
} Partial;

static __device__ __forceinline__ float reference(float max, float scale)
{
    return max == -FLT_MAX ? 0.0f : max * scale;
}

/* The factor that makes a sum relative to the maximum `from` relative to the maximum `to` >=
 * from. */
static __device__ __forceinline__ float shrinking(float from, float to, float scale)
{
    return from == -FLT_MAX ? 1.0f : exp2_approx(reference(from, scale) - reference(to, scale));
}

static __device__ __forceinline__ Partial merged(const Partial &a, const Partial &b, float scale)
{
    const Best best_a = {a.max, a.argmax}, best_b = {b.max, b.argmax};
    const Best best = better(best_a, best_b);
    const float by_a = shrinking(a.max, best.score, scale);
    const float by_b = shrinking(b.max, best.score, scale);
    const Partial p = {best.score, a.sum * by_a + b.sum * by_b,
                       a.weighted * by_a + b.weighted * by_b, best.at};
    return p;
}

static __device__ __forceinline__ Partial no_partial()
{
    const Partial p = {-FLT_MAX, 0.0f, 0.0f, INT32_MAX};
    return p;
}

/* Merge the four lanes that share a row. */
static __device__ __forceinline__ Partial merged_lanes(Partial p, float scale)
{
#pragma unroll
    for (int offset = 1; offset < 4; offset *= 2) {
        Partial other;
        other.max = __shfl_xor_sync(ALL_LANES, p.max, offset);
        other.sum = __shfl_xor_sync(ALL_LANES, p.sum, offset);
        other.weighted = __shfl_xor_sync(ALL_LANES, p.weighted, offset);
        other.argmax = __shfl_xor_sync(ALL_LANES, p.argmax, offset);
        p = merged(p, other, scale);
    }
    return p;
}

/* Add the scores of a thread's row h, two in each of N parts. first: the item of the thread's
 * column 0. */
template <int WANTED, int N>
static __device__ __forceinline__ void add_scores(Partial &p, const float (&z)[N][4], int h,
                                                  int first, float scale)
{
    float top = p.max;
#pragma unroll
    for (int n = 0; n < N; n++) top = fmaxf(top, fmaxf(z[n][2 * h], z[n][2 * h + 1]));
    if (top > p.max) {
#pragma unroll
        for (int c = 2 * N - 1; c >= 0; c--)
            if (z[c / 2][2 * h + c % 2] == top) p.argmax = first + c / 2 * 8 + c % 2;
        if (WANTED >= STATS_SUM) {
            const float by = shrinking(p.max, top, scale);
            p.sum *= by;
            p.weighted *= by;
        }
        p.max = top;
    }
    if (WANTED < STATS_SUM) return;
    const float from = reference(top, scale);
    float sum = 0.0f, weighted = 0.0f;
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
        for (int i = 2 * h; i < 2 * h + 2; i++) {
            const float e = exp2_approx(__fmaf_rn(z[n][i], scale, -from));
            sum += e;
            if (WANTED == STATS_EXPECTATION) weighted += e * z[n][i];
        }
    p.sum += sum;
    p.weighted += weighted;
}

/* [splits, rows] in scratch. */
Partial *registers_partials_cuda(Device *dev, int64_t splits, int64_t rows);
/* Merge partial [splits, rows], in the order of the splits of the tile's items, into the rows'
 * statistics, which the first tile sets. scale has log2(e) in it. */
void registers_merge_cuda(Device *dev, RowStats *stats, const Partial *partial, int64_t rows,
                          int64_t splits, const ItemTile &tile, float scale);

/* ---- Gradient -------------------------------------------------------------------------------- */

typedef struct {
    bf16 *g;         /* [rows, ld] */
    float *part;     /* [blocks of rows, ld]: sums of columns; NULL: not wanted */
    TargetRows rows; /* from the block's first row on */
    int64_t ld;
    int32_t end; /* the first item after the table's */
} ScoreGradient;

/* What a thread needs for the gradient of a row's scores. target is -1 where the row has no
 * target. */
typedef struct {
    int32_t target;
    float weight, logsumexp;
} RowLoss;

static __device__ __forceinline__ RowLoss row_loss(const ScoreGradient &p, int64_t row,
                                                   bool present)
{
    RowLoss of = {present ? p.rows.target[row] : -1, 0.0f, 0.0f};
    if (of.target < 0) return of;
    /* A target on a later shard must not be taken for one of the columns after the table's last
     * item. */
    if (of.target >= p.end) of.target = INT32_MAX;
    of.weight = p.rows.weight[row];
    of.logsumexp = p.rows.logsumexp[row];
    return of;
}

/* Scores of a thread's row h, row `row` of p, become their gradient. Where the target's score is
 * among them, the row's loss is written. first: the item of the thread's column 0. */
template <int N>
static __device__ __forceinline__ void row_gradient(float (&z)[N][4], int h, const RowLoss &of,
                                                    const ScoreGradient &p, int64_t row, int first)
{
    const float from = of.logsumexp * LOG2_E;
    const int at =
        of.target < 0 ? -1 : of.target - first; /* its column, where it is one of these */
    const bool found = at >= 0 && at < 8 * N && at % 8 < 2;
    float term = 0.0f;
    if (found) {
#pragma unroll
        for (int c = 0; c < 2 * N; c++)
            if (at == c / 2 * 8 + c % 2) term = z[c / 2][2 * h + c % 2];
        term = target_term(p.rows, row, term);
    }
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
        for (int i = 2 * h; i < 2 * h + 2; i++)
            z[n][i] =
                of.target < 0 ? 0.0f : of.weight * exp2_approx(__fmaf_rn(z[n][i], LOG2_E, -from));
    if (!found) return;
#pragma unroll
    for (int c = 0; c < 2 * N; c++)
        if (at == c / 2 * 8 + c % 2) z[c / 2][2 * h + c % 2] -= term;
}

/* What kernels write for a block of rows; `part` takes scratch. */
ScoreGradient registers_gradient_cuda(Device *dev, const FusedGradient &to, const TilesCuda *t,
                                      const RowBlock &block, int64_t row_blocks);
/* dbias of the tile += p.part, block after block; nothing where dbias is not wanted. */
void registers_add_columns_cuda(Device *dev, const FusedGradient &to, const ScoreGradient &p,
                                const ItemTile &tile, int64_t row_blocks);

/* ---- Launches -------------------------------------------------------------------------------- */

/* How many splits of the items make the walk of the busiest multiprocessor shortest. A block of
 * threads walks one split, and takes about one tile's time to begin and end. */
int64_t registers_splits_cuda(Device *dev, int64_t row_blocks, int64_t tiles);

#endif
