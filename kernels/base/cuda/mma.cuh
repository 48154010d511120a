/* SPDX-License-Identifier: Apache-2.0 */
/* Operands and results of mma_bf16 (ptx.cuh says which lane holds what): how operands are loaded
 * from shared memory, and which element of a result a register holds. Used by .cu files on tensor
 * cores.
 *
 * m is a matrix in shared memory whose rows have `stride` elements. A matrix load reads 8 rows of
 * 16 bytes at once. With a stride that is an odd multiple of 8 elements (16 bytes), these begin in
 * 8 different groups of 4 banks and meet all 32 banks once; with an even one they would collide.
 */
#ifndef SOUK_MMA_CUH
#define SOUK_MMA_CUH

#include "base/cuda/ptx.cuh"

static __device__ __forceinline__ int mma_lane() { return (int)threadIdx.x % WARP; }

/* A left operand: [16 rows, 16 k] from (row, k) on of m [row][k]. */
static __device__ __forceinline__ void mma_left(uint32_t (&a)[4], const bf16 *m, int stride,
                                                int row, int k)
{
    const int l = mma_lane();
    ldmatrix_x4(a, m + (row + l % 16) * stride + k + l / 16 * 8);
}

/* The same operand where m is [k][row]. */
static __device__ __forceinline__ void mma_left_transposed(uint32_t (&a)[4], const bf16 *m,
                                                           int stride, int row, int k)
{
    const int l = mma_lane();
    ldmatrix_x4_trans(a, m + (k + l % 8 + l / 16 * 8) * stride + row + l / 8 % 2 * 8);
}

/* Two right operands [16 k, 8 columns], side by side, from (column, k) on of m [column][k]. */
static __device__ __forceinline__ void mma_right(uint32_t (&b)[2][2], const bf16 *m, int stride,
                                                 int column, int k)
{
    const int l = mma_lane();
    uint32_t r[4];
    ldmatrix_x4(r, m + (column + l % 8 + l / 16 * 8) * stride + k + l / 8 % 2 * 8);
    b[0][0] = r[0], b[0][1] = r[1], b[1][0] = r[2], b[1][1] = r[3];
}

/* The same operands where m is [k][column]. */
static __device__ __forceinline__ void mma_right_transposed(uint32_t (&b)[2][2], const bf16 *m,
                                                            int stride, int column, int k)
{
    const int l = mma_lane();
    uint32_t r[4];
    ldmatrix_x4_trans(r, m + (k + l % 16) * stride + column + l / 16 * 8);
    b[0][0] = r[0], b[0][1] = r[1], b[1][0] = r[2], b[1][1] = r[3];
}

/* Two numbers in a register, as operands hold them: `low` is the one of the lower index. */
static __device__ __forceinline__ uint32_t two_bf16(float low, float high)
{
    const __nv_bfloat162 v = __floats2bfloat162_rn(low, high);
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* In a result [16, 8 N]: the row of the lane's register i, and the column of its register i in part
 * n. */
static __device__ __forceinline__ int mma_row(int i) { return mma_lane() / 4 + i / 2 * 8; }
static __device__ __forceinline__ int mma_column(int n, int i)
{
    return 8 * n + mma_lane() % 4 * 2 + i % 2;
}

template <int N>
static __device__ __forceinline__ void mma_clear(float (&d)[N][4])
{
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) d[n][i] = 0.0f;
}

#endif
