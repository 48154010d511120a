/* SPDX-License-Identifier: Apache-2.0 */
/* CUDA for .cu files that g++ compiles for the emulation: keywords, built-in variables, barriers,
 * warp functions, atomics, intrinsics, the launch. ../README.md says how the emulation works.
 */
#ifndef SIMT_CUDA_RUNTIME_H
#define SIMT_CUDA_RUNTIME_H

#include <math.h>
#include <new>
#include <stdint.h>
#include <string.h>
#include <tuple>
#include <type_traits>
#include <utility>

#include "cuda_runtime_api.h"

#define SIMT 1

/* One instance of a static shared variable is enough, because blocks run one after another. It is
 * thread-local, because such variables have their own kind of symbol: the emulation finds them by
 * it, fills them with junk before every block, and knows which memory is shared. (A section
 * attribute would be plainer, but g++ 12 ignores it on static locals of templates.)
 * AddressSanitizer does not guard thread-local variables, so its build has plain statics. */
#ifdef __SANITIZE_ADDRESS__
#define __shared__ static
#else
#define __shared__ static thread_local
#endif
#define __global__
#define __device__
#define __host__
#define __constant__
#define __forceinline__ inline __attribute__((always_inline))
#define __launch_bounds__(...)
#define __align__(n)         __attribute__((aligned(n)))
#define DYNAMIC_SHARED(name) unsigned char *const name = (unsigned char *)simt::dynamic_shared()

struct uint3 {
    unsigned x, y, z;
};
struct alignas(8) float2 {
    float x, y;
};
struct alignas(16) float4 {
    float x, y, z, w;
};
struct alignas(8) int2 {
    int x, y;
};
struct alignas(16) int4 {
    int x, y, z, w;
};
struct alignas(8) uint2 {
    unsigned x, y;
};
struct alignas(16) uint4 {
    unsigned x, y, z, w;
};
inline int2 make_int2(int x, int y) { return int2{x, y}; }
inline float2 make_float2(float x, float y) { return float2{x, y}; }
inline float4 make_float4(float x, float y, float z, float w) { return float4{x, y, z, w}; }
inline uint4 make_uint4(unsigned x, unsigned y, unsigned z, unsigned w)
{
    return uint4{x, y, z, w};
}

/* The emulation sets these whenever it resumes a thread. */
extern uint3 threadIdx, blockIdx;
extern dim3 blockDim, gridDim;
enum { warpSize = 32 };

namespace simt
{

/* A place in a kernel. The compiler evaluates default arguments at the place of the call. */
struct Where {
    const char *file;
    int line;
};
#define SIMT_HERE const char *file_ = __builtin_FILE(), int line_ = __builtin_LINE()
#define SIMT_WHERE                                                                                 \
    simt::Where { file_, line_ }

enum Barrier { BARRIER_PLAIN, BARRIER_COUNT, BARRIER_AND, BARRIER_OR };
enum Shuffle { SHUFFLE_INDEX, SHUFFLE_UP, SHUFFLE_DOWN, SHUFFLE_XOR };
enum Vote {
    VOTE_SYNC,
    VOTE_BALLOT,
    VOTE_ANY,
    VOTE_ALL,
    VOTE_MATCH,
    VOTE_ADD,
    VOTE_MIN,
    VOTE_MAX,
    VOTE_SIGNED_MIN,
    VOTE_SIGNED_MAX,
    VOTES
};

int barrier(Barrier kind, int predicate, Where where);
uint64_t shuffle(unsigned mask, uint64_t value, Shuffle kind, int argument, int width, Where where);
unsigned vote(unsigned mask, Vote kind, uint64_t value, Where where);
void fence();
void trap(Where where);
void note_atomic(const void *memory, size_t bytes, Where where);
void *dynamic_shared();

/* Tensor cores and asynchronous copies, called by kernels/base/cuda/ptx.cuh. */
void mma_m16n8k16(float *d, const uint32_t *a, const uint32_t *b, const float *c, Where where);
void ldmatrix(uint32_t *r, int count, bool transposed, const void *row, Where where);
void cp_async(void *to, const void *from, int bytes, int from_bytes, Where where);
void cp_async_commit();
void cp_async_wait(int pending); /* for all groups but the last `pending` */

/* Called by kernels/base/cuda/ptx_sm90.cuh. */
void barrier_open(uint64_t *barrier, int arrivals, Where where);
void barrier_arrive(uint64_t *barrier, int bytes, Where where);
void barrier_wait(uint64_t *barrier, uint32_t parity, Where where);
void copy_bulk(void *to, const void *from, int bytes, uint64_t *barrier, Where where);
void part_barrier(int id, int threads, bool wait, Where where);
void product_slabs(float *d, int wide, const void *a, const void *b, int column, bool first,
                   Where where);
void product_commit();
void product_wait(int pending); /* for all groups but the last `pending` */

struct Launch {
    dim3 grid, block;
    size_t shared;
    const void *kernel;
};
enum { PARAMETERS_MAX = 4096 };
/* When the launch runs, `call` gets a copy of the arguments, `bytes` bytes. */
cudaError_t launch(cudaStream_t stream, const Launch &launch, void (*call)(const void *),
                   const void *arguments, size_t bytes);

template <class T>
inline uint64_t to_bits(T value)
{
    static_assert(sizeof(T) <= 8, "a shuffle moves up to 8 bytes");
    uint64_t bits = 0;
    memcpy(&bits, &value, sizeof value);
    return bits;
}
template <class T>
inline T from_bits(uint64_t bits)
{
    T value;
    memcpy((void *)&value, &bits, sizeof value);
    return value;
}

} // namespace simt

/* ---- Launch ---------------------------------------------------------------------------------- */

template <class... P, class... A>
inline cudaError_t cudaLaunchKernelEx(const cudaLaunchConfig_t *config, void (*kernel)(P...),
                                      A &&...arguments)
{
    struct Call {
        void (*kernel)(P...);
        std::tuple<std::decay_t<P>...> arguments;
    };
    static_assert(sizeof(Call) <= simt::PARAMETERS_MAX, "kernel parameters above 4 KB");
    static_assert((std::is_trivially_copyable_v<std::decay_t<P>> && ...), "parameters are bytes");
    const Call call = {kernel, {static_cast<P>(std::forward<A>(arguments))...}};
    const simt::Launch launch = {config->gridDim, config->blockDim, config->dynamicSmemBytes,
                                 (const void *)kernel};
    return simt::launch(
        config->stream, launch,
        [](const void *c) { std::apply(((const Call *)c)->kernel, ((const Call *)c)->arguments); },
        &call, sizeof call);
}

/* ---- Barriers, votes, shuffles --------------------------------------------------------------- */

inline void __syncthreads(SIMT_HERE) { simt::barrier(simt::BARRIER_PLAIN, 0, SIMT_WHERE); }
inline int __syncthreads_count(int p, SIMT_HERE)
{
    return simt::barrier(simt::BARRIER_COUNT, p, SIMT_WHERE);
}
inline int __syncthreads_and(int p, SIMT_HERE)
{
    return simt::barrier(simt::BARRIER_AND, p, SIMT_WHERE);
}
inline int __syncthreads_or(int p, SIMT_HERE)
{
    return simt::barrier(simt::BARRIER_OR, p, SIMT_WHERE);
}

inline void __syncwarp(unsigned mask = 0xffffffffu, SIMT_HERE)
{
    simt::vote(mask, simt::VOTE_SYNC, 0, SIMT_WHERE);
}
inline unsigned __ballot_sync(unsigned mask, int p, SIMT_HERE)
{
    return simt::vote(mask, simt::VOTE_BALLOT, p != 0, SIMT_WHERE);
}
inline int __any_sync(unsigned mask, int p, SIMT_HERE)
{
    return (int)simt::vote(mask, simt::VOTE_ANY, p != 0, SIMT_WHERE);
}
inline int __all_sync(unsigned mask, int p, SIMT_HERE)
{
    return (int)simt::vote(mask, simt::VOTE_ALL, p != 0, SIMT_WHERE);
}
template <class T>
inline unsigned __match_any_sync(unsigned mask, T value, SIMT_HERE)
{
    return simt::vote(mask, simt::VOTE_MATCH, simt::to_bits(value), SIMT_WHERE);
}
inline unsigned __reduce_add_sync(unsigned mask, unsigned value, SIMT_HERE)
{
    return simt::vote(mask, simt::VOTE_ADD, value, SIMT_WHERE);
}
inline unsigned __reduce_min_sync(unsigned mask, unsigned value, SIMT_HERE)
{
    return simt::vote(mask, simt::VOTE_MIN, value, SIMT_WHERE);
}
inline unsigned __reduce_max_sync(unsigned mask, unsigned value, SIMT_HERE)
{
    return simt::vote(mask, simt::VOTE_MAX, value, SIMT_WHERE);
}
inline int __reduce_min_sync(unsigned mask, int value, SIMT_HERE)
{
    return (int)simt::vote(mask, simt::VOTE_SIGNED_MIN, (unsigned)value, SIMT_WHERE);
}
inline int __reduce_max_sync(unsigned mask, int value, SIMT_HERE)
{
    return (int)simt::vote(mask, simt::VOTE_SIGNED_MAX, (unsigned)value, SIMT_WHERE);
}

template <class T>
inline T __shfl_sync(unsigned mask, T value, int lane, int width = 32, SIMT_HERE)
{
    return simt::from_bits<T>(
        simt::shuffle(mask, simt::to_bits(value), simt::SHUFFLE_INDEX, lane, width, SIMT_WHERE));
}
template <class T>
inline T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32, SIMT_HERE)
{
    return simt::from_bits<T>(
        simt::shuffle(mask, simt::to_bits(value), simt::SHUFFLE_UP, (int)delta, width, SIMT_WHERE));
}
template <class T>
inline T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32, SIMT_HERE)
{
    return simt::from_bits<T>(simt::shuffle(mask, simt::to_bits(value), simt::SHUFFLE_DOWN,
                                            (int)delta, width, SIMT_WHERE));
}
template <class T>
inline T __shfl_xor_sync(unsigned mask, T value, int lanes, int width = 32, SIMT_HERE)
{
    return simt::from_bits<T>(
        simt::shuffle(mask, simt::to_bits(value), simt::SHUFFLE_XOR, lanes, width, SIMT_WHERE));
}

inline void __threadfence() { simt::fence(); }
inline void __threadfence_block() {}
inline void __trap(SIMT_HERE) { simt::trap(SIMT_WHERE); }

/* ---- Atomics: threads change places only where they wait, so a plain update is atomic -------- */

#define SIMT_ATOMIC(name, result)                                                                  \
    template <class T>                                                                             \
    __attribute__((no_sanitize("thread"))) inline T name(T *memory, std::common_type_t<T> value,   \
                                                         SIMT_HERE)                                \
    {                                                                                              \
        simt::note_atomic(memory, sizeof(T), SIMT_WHERE);                                          \
        T old;                                                                                     \
        memcpy(&old, memory, sizeof old);                                                          \
        const T next = (T)(result);                                                                \
        memcpy(memory, &next, sizeof next);                                                        \
        return old;                                                                                \
    }
SIMT_ATOMIC(atomicAdd, old + value)
SIMT_ATOMIC(atomicExch, value)
SIMT_ATOMIC(atomicMin, value < old ? value : old)
SIMT_ATOMIC(atomicMax, value > old ? value : old)
SIMT_ATOMIC(atomicAnd, old &value)
SIMT_ATOMIC(atomicOr, old | value)
SIMT_ATOMIC(atomicXor, old ^ value)
template <class T>
__attribute__((no_sanitize("thread"))) inline T atomicCAS(T *memory, std::common_type_t<T> compare,
                                                          std::common_type_t<T> value, SIMT_HERE)
{
    simt::note_atomic(memory, sizeof(T), SIMT_WHERE);
    T old;
    memcpy(&old, memory, sizeof old);
    if (old == compare) memcpy(memory, &value, sizeof value);
    return old;
}

/* ---- Intrinsics, at full precision: tests compare within bounds ------------------------------ */

inline float rsqrtf(float x) { return 1.0f / sqrtf(x); }
inline float __expf(float x) { return expf(x); }
inline float __logf(float x) { return logf(x); }
inline float __log2f(float x) { return log2f(x); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline float __fmul_rn(float a, float b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline float __fmaf_rn(float a, float b, float c) { return fmaf(a, b, c); }
inline unsigned __float_as_uint(float x) { return (unsigned)simt::to_bits(x); }
inline int __float_as_int(float x) { return (int)simt::to_bits(x); }
inline float __uint_as_float(unsigned x) { return simt::from_bits<float>(x); }
inline float __int_as_float(int x) { return simt::from_bits<float>((unsigned)x); }
inline int __popc(unsigned x) { return __builtin_popcount(x); }
inline int __clz(int x) { return x ? __builtin_clz((unsigned)x) : 32; }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline unsigned __umulhi(unsigned a, unsigned b) { return (unsigned)((uint64_t)a * b >> 32); }
template <class T>
inline T __ldg(const T *memory)
{
    return *memory;
}
template <class T>
inline T __ldcs(const T *memory)
{
    return *memory;
}
template <class T>
inline void __stcs(T *memory, T value)
{
    *memory = value;
}
template <class A, class B>
inline std::common_type_t<A, B> min(A a, B b)
{
    return b < a ? b : a;
}
template <class A, class B>
inline std::common_type_t<A, B> max(A a, B b)
{
    return a < b ? b : a;
}

template <class T>
inline cudaError_t cudaFuncSetAttribute(T *kernel, cudaFuncAttribute attribute, int value)
{
    return cudaFuncSetAttribute((const void *)kernel, attribute, value);
}

#endif
