/* What only sm_90a runs: products of a warpgroup (128 threads) from shared memory, bulk copies into it, and
 * the barriers both are waited for with. Inline PTX stands here and in base/ptx.cuh; the emulation has a twin
 * for each.
 *
 * A slab is what a product reads: SLAB_ROWS rows of 64 bf16, 128 bytes each, in the layout that the hardware
 * calls 128-byte swizzle: the 16-byte piece c of row r lies at piece c ^ (r % 8) of its row. So slabs begin
 * at multiples of 1024 bytes.
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

/* barrier_open      a barrier in shared memory whose phase ends when `arrivals` have arrived and all bytes
 *                   expected have been copied. One thread opens, then all __syncthreads().
 * barriers_visible  by the thread that opened them, behind the last.
 * barrier_expect    arrive, and expect bytes.
 * barrier_wait      until the phase of this parity has ended: 0 the first, 1 the second and before the first.
 * copy_bulk         bytes, a multiple of 16, aligned to 16, from global to shared memory, counted by a barrier.
 * part_sync         wait until `threads` threads have come to part_sync or part_arrive of this id (1 to 15).
 * product_begin     before the first product that reads or writes registers or shared memory written before.
 * product_128       d [64, 128] += a b^T: a 64 rows of a slab from a row that is a multiple of 64, b its 128
 *                   rows; 16 columns of each, from `column`, a multiple of 16. first: d = instead. Warp w of
 *                   the group holds rows 16 w to 16 w + 15, each lane in d[n] what mma_bf16 leaves of columns
 *                   8 n to 8 n + 7.
 * product_commit    products since the last make a group.
 * product_wait<N>   for all groups but the last N. Until then nothing else touches d.
 * more_registers    of the warpgroup, at most N a thread; fewer_registers: gives back all but N. */
#ifdef __CUDACC__

#ifdef __CUDA_ARCH_FEAT_SM90_ALL
static const bool ON_SM90 = true;
#else
static const bool ON_SM90 =
    false; /* compiled for others too, where HAVE_SM90A keeps it from being launched */
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

/* Of rows of 128 bytes, eight of them a swizzled 1024, from 16 bytes at a time. */
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
