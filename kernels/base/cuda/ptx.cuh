/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions that CUDA C has no name for: tensor cores, matrix loads, asynchronous copies. Inline
 * PTX is allowed here and in ptx_sm90.cuh only; under the emulation (tests/simt) each function
 * calls a twin that does the same in C++.
 */
#ifndef SOUK_PTX_CUH
#define SOUK_PTX_CUH

#include "base/cuda/cuda.cuh"

/* mma_bf16          d[16, 8] += a[16, 16] b[16, 8]. Lane l, g = l/4, t = l%4. Register i of a: row
 *                   g + 8(i&1), columns 2t + 8(i>>1) and the next; of b: rows 2t + 8i and the next,
 *                   column g; of d: row g + 8(i>>1), column 2t + (i&1).
 * ldmatrix_x4       lane 8m + r names row r (8 bf16, 16-byte aligned, shared) of matrix m; lane l
 *                   receives of matrix m, in r[m], row l/4, columns 2(l%4) and the next.
 * ldmatrix_x4_trans the same of the transposes.
 * cp_async_16       begin to copy 16 bytes from global to shared memory; writes zeros when not
 *                   `present`. The copies since the last cp_async_commit become a group.
 * cp_async_wait<N>  wait for all committed groups but the last N.
 * exp2_approx       2^x, relative error 2^-22; results below 2^-126 are 0. */
#ifdef __CUDACC__

static __device__ __forceinline__ unsigned shared_address(const void *p)
{
    return (unsigned)__cvta_generic_to_shared(p);
}

static __device__ __forceinline__ void mma_bf16(float (&d)[4], const uint32_t (&a)[4],
                                                const uint32_t (&b)[2])
{
    asm volatile("mma.sync.aligned.m16n8k16.row.col.f32.bf16.bf16.f32 "
                 "{%0,%1,%2,%3}, {%4,%5,%6,%7}, {%8,%9}, {%0,%1,%2,%3};"
                 : "+f"(d[0]), "+f"(d[1]), "+f"(d[2]), "+f"(d[3])
                 : "r"(a[0]), "r"(a[1]), "r"(a[2]), "r"(a[3]), "r"(b[0]), "r"(b[1]));
}

static __device__ __forceinline__ void ldmatrix_x4(uint32_t (&r)[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row))
                 : "memory");
}

static __device__ __forceinline__ void ldmatrix_x4_trans(uint32_t (&r)[4], const void *row)
{
    asm volatile("ldmatrix.sync.aligned.m8n8.x4.trans.shared.b16 {%0,%1,%2,%3}, [%4];"
                 : "=r"(r[0]), "=r"(r[1]), "=r"(r[2]), "=r"(r[3])
                 : "r"(shared_address(row))
                 : "memory");
}

static __device__ __forceinline__ void cp_async_16(void *to, const void *from, bool present)
{
    const int bytes = present ? 16 : 0;
    asm volatile("cp.async.cg.shared.global [%0], [%1], 16, %2;" ::"r"(shared_address(to)),
                 "l"(__cvta_generic_to_global(from)), "r"(bytes)
                 : "memory");
}
static __device__ __forceinline__ void cp_async_commit()
{
    asm volatile("cp.async.commit_group;" ::: "memory");
}
template <int N>
static __device__ __forceinline__ void cp_async_wait()
{
    asm volatile("cp.async.wait_group %0;" ::"n"(N) : "memory");
}

static __device__ __forceinline__ float exp2_approx(float x)
{
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
}

#else

static inline void mma_bf16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2],
                            SIMT_HERE)
{
    simt::mma_m16n8k16(d, a, b, d, SIMT_WHERE);
}
static inline void ldmatrix_x4(uint32_t (&r)[4], const void *row, SIMT_HERE)
{
    simt::ldmatrix(r, 4, false, row, SIMT_WHERE);
}
static inline void ldmatrix_x4_trans(uint32_t (&r)[4], const void *row, SIMT_HERE)
{
    simt::ldmatrix(r, 4, true, row, SIMT_WHERE);
}
static inline void cp_async_16(void *to, const void *from, bool present, SIMT_HERE)
{
    simt::cp_async(to, from, 16, present ? 16 : 0, SIMT_WHERE);
}
static inline void cp_async_commit() { simt::cp_async_commit(); }
template <int N>
static inline void cp_async_wait()
{
    simt::cp_async_wait(N);
}
static inline float exp2_approx(float x) { return exp2f(x); }

#endif
#endif
