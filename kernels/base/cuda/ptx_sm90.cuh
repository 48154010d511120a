/* SPDX-License-Identifier: Apache-2.0 */
/* Instructions of sm_90a alone: products of a warpgroup (128 threads) that read shared memory, bulk
 * copies into shared memory, and the barriers that wait for both. As in ptx.cuh, the emulation has
 * a twin for each.
 *
 * A slab is the operand of a product: SLAB_ROWS rows of 64 bf16, 128 bytes each, in the layout that
 * the hardware calls 128-byte swizzle: piece c of 16 bytes of row r is stored as piece c ^ (r % 8)
 * of that row, so that 8 rows of one column meet all banks. The pattern repeats every 8 rows, hence
 * slabs begin at multiples of 1024 bytes.
 */
#ifndef SOUK_PTX_SM90_CUH
#define SOUK_PTX_SM90_CUH

#include "base/cuda/ptx.cuh"

enum { SLAB_ROWS = 128, SLAB_WIDE = 64, SLAB = SLAB_ROWS * SLAB_WIDE, WARPGROUP = 128 };

/* Element (row, column) of a slab. */
static __host__ __device__ __forceinline__ int slab_at(int row, int column)
{
    return row * SLAB_WIDE + ((column / 8) ^ (row % 8)) * 8 + column % 8;
}

/* barrier_open      make a barrier in shared memory. A phase of it ends when `arrivals` threads
 *                   have arrived and all expected bytes have been copied. One thread opens the
 *                   barriers and calls barriers_visible(); then all threads pass __syncthreads().
 * barrier_expect    arrive, and add `bytes` to what the phase expects.
 * barrier_wait      wait until the phase of this parity has ended. The first phase has parity 0,
 *                   the second 1, and so on; waiting for parity 1 before the first phase returns at
 *                   once.
 * copy_bulk         begin to copy from global to shared memory; the barrier counts the bytes.
 *                   `bytes` and both addresses are multiples of 16.
 * part_sync         wait until `threads` threads have called part_sync or part_arrive with this id,
 *                   1 to 15.
 * product_begin     call before the first product that reads or writes registers or shared memory
 *                   that other instructions wrote.
 * product_128       d [64, 128] += a b^T, or d = a b^T where `first`. a: 64 rows of a slab from
 *                   `row`, a multiple of 64. b: the 128 rows of a slab. The sum runs over 16
 *                   columns from `column`, a multiple of 16. Warp w of the group holds rows 16 w to
 *                   16 w + 15 of d, and d[n] has columns 8 n to 8 n + 7 in the layout of a result
 *                   of mma_bf16.
 * product_commit    the products since the last product_commit become a group.
 * product_wait<N>   wait for all groups but the last N. Until then nothing else may touch their d.
 * more_registers    raise the limit of the warpgroup to N registers a thread.
 * fewer_registers   give back the registers of the warpgroup above N a thread. */
#ifdef __CUDACC__

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
static const bool ON_SM90 = true;
#else
/* Kernels with these instructions are compiled for other GPUs too, as empty shells: HAVE_SM90A and
 * the capability keep the host from launching them there. */
static const bool ON_SM90 = false;
#endif

static __device__ __forceinline__ void barrier_open(uint64_t *barrier, int arrivals)
{
    asm volatile("mbarrier.init.shared::cta.b64 [%0], %1;" ::"r"(shared_address(barrier)),
                 "r"(arrivals)
                 : "memory");
}
static __device__ __forceinline__ void barriers_visible()
{
    asm volatile("fence.mbarrier_init.release.cluster;" ::: "memory");
}
static __device__ __forceinline__ void barrier_arrive(uint64_t *barrier)
{
    asm volatile("mbarrier.arrive.shared::cta.b64 _, [%0];" ::"r"(shared_address(barrier))
                 : "memory");
}
static __device__ __forceinline__ void barrier_expect(uint64_t *barrier, int bytes)
{
    asm volatile(
        "mbarrier.arrive.expect_tx.shared::cta.b64 _, [%0], %1;" ::"r"(shared_address(barrier)),
        "r"(bytes)
        : "memory");
}
static __device__ __forceinline__ void barrier_wait(uint64_t *barrier, uint32_t parity)
{
    uint32_t done;
    do {
        asm volatile("{\n.reg .pred p;\n"
                     "mbarrier.try_wait.parity.shared::cta.b64 p, [%1], %2;\n"
                     "selp.u32 %0, 1, 0, p;\n}"
                     : "=r"(done)
                     : "r"(shared_address(barrier)), "r"(parity)
                     : "memory");
    } while (!done);
}
static __device__ __forceinline__ void copy_bulk(void *to, const void *from, int bytes,
                                                 uint64_t *barrier)
{
    asm volatile("cp.async.bulk.shared::cluster.global.mbarrier::complete_tx::bytes "
                 "[%0], [%1], %2, [%3];" ::"r"(shared_address(to)),
                 "l"(__cvta_generic_to_global(from)), "r"(bytes), "r"(shared_address(barrier))
                 : "memory");
}

static __device__ __forceinline__ void part_sync(int id, int threads)
{
    asm volatile("bar.sync %0, %1;" ::"r"(id), "r"(threads) : "memory");
}
static __device__ __forceinline__ void part_arrive(int id, int threads)
{
    asm volatile("bar.arrive %0, %1;" ::"r"(id), "r"(threads) : "memory");
}

/* What wgmma takes for an operand: its address and the 1024 bytes between groups of 8 rows, both in
 * units of 16 bytes, and the code of the 128-byte swizzle. */
static __device__ __forceinline__ uint64_t slab_descriptor(const bf16 *from)
{
    const uint64_t address = (shared_address(from) & 0x3ffff) >> 4, next_eight_rows = 1024 >> 4;
    return address | (uint64_t)1 << 16 | next_eight_rows << 32 | (uint64_t)1 << 62;
}

static __device__ __forceinline__ void product_begin()
{
    asm volatile("wgmma.fence.sync.aligned;" ::: "memory");
}
static __device__ __forceinline__ void product_commit()
{
    asm volatile("wgmma.commit_group.sync.aligned;" ::: "memory");
}
template <int N>
static __device__ __forceinline__ void product_wait()
{
    asm volatile("wgmma.wait_group.sync.aligned %0;" ::"n"(N) : "memory");
}

#define FOUR(d)       "+f"((d)[0]), "+f"((d)[1]), "+f"((d)[2]), "+f"((d)[3])
#define SIXTEEN(d, n) FOUR((d)[n]), FOUR((d)[n + 1]), FOUR((d)[n + 2]), FOUR((d)[n + 3])
static __device__ __forceinline__ void product_128(float (&d)[16][4], const bf16 *a, int row,
                                                   const bf16 *b, int column, bool first)
{
    const uint64_t left = slab_descriptor(a + row * SLAB_WIDE + column);
    const uint64_t right = slab_descriptor(b + column);
    asm volatile("{\n.reg .pred p;\nsetp.eq.b32 p, %66, 0;\n"
                 "wgmma.mma_async.sync.aligned.m64n128k16.f32.bf16.bf16 "
                 "{%0, %1, %2, %3, %4, %5, %6, %7, %8, %9, %10, %11, %12, %13, %14, %15, "
                 "%16, %17, %18, %19, %20, %21, %22, %23, %24, %25, %26, %27, %28, %29, %30, %31, "
                 "%32, %33, %34, %35, %36, %37, %38, %39, %40, %41, %42, %43, %44, %45, %46, %47, "
                 "%48, %49, %50, %51, %52, %53, %54, %55, %56, %57, %58, %59, %60, %61, %62, %63}, "
                 "%64, %65, p, 1, 1, 0, 0;\n}"
                 : SIXTEEN(d, 0), SIXTEEN(d, 4), SIXTEEN(d, 8), SIXTEEN(d, 12)
                 : "l"(left), "l"(right), "r"((int)first));
}
#undef SIXTEEN
#undef FOUR

template <int N>
static __device__ __forceinline__ void more_registers()
{
    asm volatile("setmaxnreg.inc.sync.aligned.u32 %0;" ::"n"(N));
}
template <int N>
static __device__ __forceinline__ void fewer_registers()
{
    asm volatile("setmaxnreg.dec.sync.aligned.u32 %0;" ::"n"(N));
}

#else

static const bool ON_SM90 = true;

static inline void barrier_open(uint64_t *barrier, int arrivals, SIMT_HERE)
{
    simt::barrier_open(barrier, arrivals, SIMT_WHERE);
}
static inline void barriers_visible() {}
static inline void barrier_arrive(uint64_t *barrier, SIMT_HERE)
{
    simt::barrier_arrive(barrier, 0, SIMT_WHERE);
}
static inline void barrier_expect(uint64_t *barrier, int bytes, SIMT_HERE)
{
    simt::barrier_arrive(barrier, bytes, SIMT_WHERE);
}
static inline void barrier_wait(uint64_t *barrier, uint32_t parity, SIMT_HERE)
{
    simt::barrier_wait(barrier, parity, SIMT_WHERE);
}
static inline void copy_bulk(void *to, const void *from, int bytes, uint64_t *barrier, SIMT_HERE)
{
    simt::copy_bulk(to, from, bytes, barrier, SIMT_WHERE);
}
static inline void part_sync(int id, int threads, SIMT_HERE)
{
    simt::part_barrier(id, threads, true, SIMT_WHERE);
}
static inline void part_arrive(int id, int threads, SIMT_HERE)
{
    simt::part_barrier(id, threads, false, SIMT_WHERE);
}
static inline void product_begin() {}
static inline void product_commit() { simt::product_commit(); }
template <int N>
static inline void product_wait()
{
    simt::product_wait(N);
}
static inline void product_128(float (&d)[16][4], const bf16 *a, int row, const bf16 *b, int column,
                               bool first, SIMT_HERE)
{
    simt::product_slabs(&d[0][0], 128, a + row * SLAB_WIDE, b, column, first, SIMT_WHERE);
}
template <int N>
static inline void more_registers()
{
}
template <int N>
static inline void fewer_registers()
{
}

#endif
#endif
