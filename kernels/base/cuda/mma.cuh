/* Operands and results of mma_bf16 (base/ptx.cuh says which lane holds what): loads from shared memory, and
 * where a result stands. Used by .cu files on tensor cores.
 *
 * m is a matrix in shared memory with rows of `stride` elements. An odd multiple of 8 lets the 8 rows of a
 * matrix load meet all banks.
 */
#ifndef SOUK_MMA_CUH
#define SOUK_MMA_CUH

#include "base/cuda/ptx.cuh"

static __device__ __forceinline__ int lane_of() { return (int)threadIdx.x % WARP; }

/* Left, [16 rows, 16 k] from (row, k) of m [row][k]. */
static __device__ __forceinline__ void left(uint32_t (&a)[4], const bf16 *m, int stride, int row,
                                            int k)
{
    const int l = lane_of();
    ldmatrix_x4(a, m + (row + l % 16) * stride + k + l / 16 * 8);
}

/* The same of m [k][row]. */
static __device__ __forceinline__ void left_of_transpose(uint32_t (&a)[4], const bf16 *m,
                                                         int stride, int row, int k)
{
    const int l = lane_of();
    ldmatrix_x4_trans(a, m + (k + l % 8 + l / 16 * 8) * stride + row + l / 8 % 2 * 8);
}

/* Right, two operands [16 k, 8 columns] side by side, from (column, k) of m [column][k]. */
static __device__ __forceinline__ void right(uint32_t (&b)[2][2], const bf16 *m, int stride,
                                             int column, int k)
{
    const int l = lane_of();
    uint32_t r[4];
    ldmatrix_x4(r, m + (column + l % 8 + l / 16 * 8) * stride + k + l / 8 % 2 * 8);
    b[0][0] = r[0], b[0][1] = r[1], b[1][0] = r[2], b[1][1] = r[3];
}

/* The same of m [k][column]. */
static __device__ __forceinline__ void right_of_transpose(uint32_t (&b)[2][2], const bf16 *m,
                                                          int stride, int column, int k)
{
    const int l = lane_of();
    uint32_t r[4];
    ldmatrix_x4_trans(r, m + (k + l % 16) * stride + column + l / 16 * 8);
    b[0][0] = r[0], b[0][1] = r[1], b[1][0] = r[2], b[1][1] = r[3];
}

static __device__ __forceinline__ uint32_t two_bf16(float low, float high)
{
    const __nv_bfloat162 v = __floats2bfloat162_rn(low, high);
    uint32_t bits;
    memcpy(&bits, &v, sizeof bits);
    return bits;
}

/* Row of register i of a lane in a result [16, …]; column of register i of part n. */
static __device__ __forceinline__ int row_at(int i) { return lane_of() / 4 + i / 2 * 8; }
static __device__ __forceinline__ int column_at(int n, int i)
{
    return 8 * n + lane_of() % 4 * 2 + i % 2;
}

template <int N>
static __device__ __forceinline__ void clear(float (&d)[N][4])
{
#pragma unroll
    for (int n = 0; n < N; n++)
#pragma unroll
        for (int i = 0; i < 4; i++) d[n][i] = 0.0f;
}

#endif
