/* SPDX-License-Identifier: Apache-2.0 */
/* What the attention kernels on tensor cores share: products of tiles in shared memory, and the
 * softmax between two products. Rows in shared memory have D + 8 elements, with D the head_dim
 * rounded up to 32; the 8 spread the rows of a matrix load over all banks (base/cuda/mma.cuh). A
 * warp owns SIDE rows of a result and computes 8 N columns at once. */
#ifndef SOUK_ATTENTION_MMA_CUH
#define SOUK_ATTENTION_MMA_CUH

#include "attention/attention.cuh"
#include "base/cuda/mma.cuh"

enum { SIDE = 16, KEYS = TILE / 8 };

/* Turn results d [16, 8 N] into N / 2 left operands of the next product, 16 columns each. The
 * operand needs each result in the lane that already holds it, so nothing moves between lanes. */
template <int N>
static __device__ __forceinline__ void as_left(uint32_t (&a)[N / 2][4], const float (&d)[N][4])
{
#pragma unroll
    for (int part = 0; part < N / 2; part++)
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const float(&from)[4] = d[2 * part + i / 2];
            a[part][i] = two_bf16(from[i % 2 * 2], from[i % 2 * 2 + 1]);
        }
}

/* d [16, 8 N] = x y^T: x are the left operands of 16 rows, y has 8 N rows of D + 8. */
template <int D, int N>
static __device__ __forceinline__ void scores_of(float (&d)[N][4], const uint32_t (&x)[D / SIDE][4],
                                                 const bf16 *y)
{
    mma_clear(d);
#pragma unroll
    for (int k = 0; k < D / SIDE; k++)
#pragma unroll
        for (int n = 0; n < N; n += 2) {
            uint32_t b[2][2];
            mma_right(b, y, D + 8, 8 * n, SIDE * k);
            mma_bf16(d[n], x[k], b[0]);
            mma_bf16(d[n + 1], x[k], b[1]);
        }
}

/* The same with x in shared memory, from row `row` on. Its operands are loaded where they are used,
 * which needs fewer registers. */
template <int D, int N>
static __device__ __forceinline__ void scores(float (&d)[N][4], const bf16 *x, int row,
                                              const bf16 *y)
{
    mma_clear(d);
#pragma unroll
    for (int k = 0; k < D; k += SIDE) {
        uint32_t a[4];
        mma_left(a, x, D + 8, row, k);
#pragma unroll
        for (int n = 0; n < N; n += 2) {
            uint32_t b[2][2];
            mma_right(b, y, D + 8, 8 * n, k);
            mma_bf16(d[n], a, b[0]);
            mma_bf16(d[n + 1], a, b[1]);
        }
    }
}

/* d [16, D] += a [16, 16 P] x [.., D + 8] */
template <int D, int P>
static __device__ __forceinline__ void add_product(float (&d)[D / 8][4], const uint32_t (&a)[P][4],
                                                   const bf16 *x)
{
#pragma unroll
    for (int n = 0; n < D / 8; n += 2)
#pragma unroll
        for (int part = 0; part < P; part++) {
            uint32_t b[2][2];
            mma_right_transposed(b, x, D + 8, 8 * n, SIDE * part);
            mma_bf16(d[n], a[part], b[0]);
            mma_bf16(d[n + 1], a[part], b[1]);
        }
}

/* to [rows, head_dim] = scale d. The warp holds rows first .. first + 15 of d; scale has a factor
 * for each of the lane's two rows. */
template <int D>
static __device__ __forceinline__ void
store_rows(bf16 *to, int64_t to_row, const float (&d)[D / 8][4], const float (&scale)[2], int first,
           int rows, const Shape &s)
{
    const int column = mma_column(0, 0);
#pragma unroll
    for (int h = 0; h < 2; h++) {
        const int row = first + mma_row(2 * h);
        bf16 *at = to + row * to_row + column;
        if (row >= rows) continue;
#pragma unroll
        for (int n = 0; n < D / 8; n++)
            if (column + 8 * n < s.head_dim)
                *(uint32_t *)(at + 8 * n) =
                    two_bf16(scale[h] * d[n][2 * h], scale[h] * d[n][2 * h + 1]);
    }
}

/* Scores become exp(score - max) in place. Where max has grown, o and sum shrink by exp(old - new).
 * A row that has met no key yet has max -inf and sums of 0; `base` keeps -inf - -inf = NaN away
 * from it. A row belongs to 4 neighbouring lanes, so offsets 1 and 2 reach all of them. */
template <int D>
static __device__ __forceinline__ void online_softmax(float (&score)[KEYS][4], float (&o)[D / 8][4],
                                                      float (&max)[2], float (&sum)[2])
{
#pragma unroll
    for (int h = 0; h < 2; h++) {
        float top = max[h], part = 0.0f;
#pragma unroll
        for (int n = 0; n < KEYS; n++)
            top = fmaxf(top, fmaxf(score[n][2 * h], score[n][2 * h + 1]));
        top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 1));
        top = fmaxf(top, __shfl_xor_sync(ALL_LANES, top, 2));
        const float base = top > -INFINITY ? top : 0.0f, shrink = __expf(max[h] - base);
#pragma unroll
        for (int n = 0; n < KEYS; n++)
#pragma unroll
            for (int i = 2 * h; i < 2 * h + 2; i++) {
                score[n][i] = __expf(score[n][i] - base);
                part += score[n][i];
            }
        max[h] = top;
        sum[h] =
            sum[h] * shrink + part; /* over the lane's columns; finish_softmax adds the lanes */
#pragma unroll
        for (int n = 0; n < D / 8; n++) {
            o[n][2 * h] *= shrink;
            o[n][2 * h + 1] *= shrink;
        }
    }
}

/* After the last tile: the factors that complete o, and lse of the rows, `stride` elements
 * apart. */
static __device__ __forceinline__ void finish_softmax(float (&scale)[2], float *lse, int64_t stride,
                                                      const float (&max)[2], float (&sum)[2],
                                                      int first, int rows)
{
#pragma unroll
    for (int h = 0; h < 2; h++) {
        sum[h] += __shfl_xor_sync(ALL_LANES, sum[h], 1);
        sum[h] += __shfl_xor_sync(ALL_LANES, sum[h], 2);
        scale[h] = 1.0f / sum[h];
        const int at = first + mma_row(2 * h);
        if (mma_lane() % 4 == 0 && at < rows) lse[at * stride] = max[h] + logf(sum[h]);
    }
}

/* Call the instance for head_dim rounded up to 32. */
#define BY_WIDTH(head_dim, call, ...)                                                              \
    switch (((head_dim) + 31) / 32) {                                                              \
    case 1: call<32>(__VA_ARGS__); break;                                                          \
    case 2: call<64>(__VA_ARGS__); break;                                                          \
    case 3: call<96>(__VA_ARGS__); break;                                                          \
    default: call<128>(__VA_ARGS__);                                                               \
    }

#endif
