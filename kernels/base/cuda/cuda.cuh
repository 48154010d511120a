/* SPDX-License-Identifier: Apache-2.0 */
/* The vocabulary of .cu files: launches, vectors in registers, conversions, sums over warps and
 * blocks. Its words (load, store, warp_sum, ...) have no prefix, because every kernel uses them.
 *
 * Rules that let the same source run in the CPU emulation of tests/simt (its README says why):
 * kernels and device functions are static; launches go through LAUNCH; dynamic shared memory is
 * DYNAMIC_SHARED(name); warp functions name exactly the lanes that execute them; all threads of a
 * block reach the same __syncthreads; inline PTX stays in ptx.cuh and ptx_sm90.cuh.
 */
#ifndef SOUK_CUDA_CUH
#define SOUK_CUDA_CUH

#include <cuda_bf16.h>
#include <cuda_runtime.h>
#include <nvtx3/nvToolsExt.h>
#include <stdint.h>
#include <string.h>

#include "base/cuda/device.h"
#include "base/scratch.h"

#ifndef DYNAMIC_SHARED
#define DYNAMIC_SHARED(name) extern __shared__ __align__(128) unsigned char name[]
#endif

typedef __nv_bfloat16 bf16;

enum { WARP = 32 };
static const unsigned ALL_LANES = 0xffffffffu;

/* ---- Host side: launches --------------------------------------------------------------------- */

static inline void cuda_check(Device *dev, cudaError_t error, const char *call)
{
    if (error != cudaSuccess) device_failed_cuda(dev, call, cudaGetErrorString(error));
}
#define CUDA_CHECK(dev, call) cuda_check((dev), (call), #call)

/* The offset in a path of the last folder's name: "FOLDER/OP.cu". */
static constexpr size_t name_in_path(const char *path)
{
    size_t folder = 0, file = 0;
    for (size_t i = 0; path[i]; i++)
        if (path[i] == '/') folder = file, file = i + 1;
    return folder;
}

/* Enqueue a kernel on the compute stream, unless the device has failed or the grid is empty. The
 * text of `path` from NAME on, "FOLDER/OP.cu: KERNEL", names the launch in profilers (NVTX, which
 * costs nothing without one) and in the message of a failure. */
template <size_t NAME, class... P, class... A>
static inline void cuda_launch(Device *dev, const char *path, void (*kernel)(P...), dim3 grid,
                               dim3 block, size_t shared, A... arguments)
{
    const char *const name = path + NAME;
    if (!device_runs(dev) || grid.x == 0 || grid.y == 0 || grid.z == 0) return;
    if (shared > 48 << 10)
        cuda_check(dev,
                   cudaFuncSetAttribute((const void *)kernel,
                                        cudaFuncAttributeMaxDynamicSharedMemorySize, (int)shared),
                   name);
    cudaLaunchConfig_t config = {};
    config.gridDim = grid;
    config.blockDim = block;
    config.dynamicSmemBytes = shared;
    config.stream = (cudaStream_t)dev->cuda->compute;
    nvtxRangePushA(name);
    cuda_check(dev, cudaLaunchKernelEx(&config, kernel, static_cast<P>(arguments)...), name);
    nvtxRangePop();
}
#define LAUNCH(dev, kernel, grid, block, shared, ...)                                              \
    cuda_launch<name_in_path(__FILE__)>((dev), __FILE__ ": " #kernel, kernel, dim3(grid),          \
                                        dim3(block), (shared), __VA_ARGS__)

static inline int64_t ceil_div(int64_t count, int64_t size) { return (count + size - 1) / size; }
/* Blocks of a grid in which each block takes `size` of `count`; aborts above 2^31-1. */
static inline unsigned blocks_for(int64_t count, int64_t size)
{
    const int64_t blocks = ceil_div(count, size);
    REQUIRE(blocks <= INT32_MAX, "a grid of %lld blocks", (long long)blocks);
    return (unsigned)blocks;
}
/* Blocks of a grid whose threads loop over the work: `per_processor` for each multiprocessor, which
 * fills the device, or fewer where there is less work. */
static inline unsigned blocks_looping(Device *dev, int64_t count, int64_t size, int per_processor)
{
    const int64_t blocks = ceil_div(count, size),
                  full = (int64_t)dev->cuda->multiprocessors * per_processor;
    return (unsigned)(blocks < full ? blocks : full);
}

/* ---- Element types --------------------------------------------------------------------------- */

static __device__ __forceinline__ float to_float(float v) { return v; }
static __device__ __forceinline__ float to_float(bf16 v) { return __bfloat162float(v); }
static __device__ __forceinline__ void from_float(float &to, float v) { to = v; }
static __device__ __forceinline__ void from_float(bf16 &to, float v) { to = __float2bfloat16(v); }

/* N elements that are read or written by one instruction; the address is a multiple of their
 * size. */
template <class T, int N>
struct alignas(sizeof(T) * N) Pack {
    T at[N];
};
/* Elements in 16 bytes. */
template <class T>
struct Wide {
    enum { N = 16 / sizeof(T) };
};

template <class T, int N>
static __device__ __forceinline__ void load(float (&to)[N], const T *from)
{
    const Pack<T, N> pack = *(const Pack<T, N> *)from;
#pragma unroll
    for (int i = 0; i < N; i++) to[i] = to_float(pack.at[i]);
}
template <class T, int N>
static __device__ __forceinline__ void store(T *to, const float (&from)[N])
{
    Pack<T, N> pack;
#pragma unroll
    for (int i = 0; i < N; i++) from_float(pack.at[i], from[i]);
    *(Pack<T, N> *)to = pack;
}

static inline bool aligned16(const void *memory) { return ((uintptr_t)memory & 15) == 0; }

/* Run `call<float>` or `call<bf16>` by a tensor's dtype, in an op's launcher. */
#define BY_DTYPE(dtype, call, ...)                                                                 \
    do {                                                                                           \
        if ((dtype) == F32)                                                                        \
            call<float>(__VA_ARGS__);                                                              \
        else                                                                                       \
            call<bf16>(__VA_ARGS__);                                                               \
    } while (0)

/* ---- Sums: every lane, or every thread of a block, gets the same bits ------------------------ */

template <class T>
static __device__ __forceinline__ T warp_sum(T v)
{
#pragma unroll
    for (int offset = WARP / 2; offset > 0; offset /= 2) v += __shfl_xor_sync(ALL_LANES, v, offset);
    return v;
}

static __device__ __forceinline__ float warp_max(float v)
{
#pragma unroll
    for (int offset = WARP / 2; offset > 0; offset /= 2)
        v = fmaxf(v, __shfl_xor_sync(ALL_LANES, v, offset));
    return v;
}

/* The sum over a one-dimensional block of THREADS threads. The second barrier protects `part`, so
 * that the function may be called again at once. */
template <int THREADS, class T>
static __device__ __forceinline__ T block_sum(T v)
{
    __shared__ T part[THREADS / WARP];
    const int warp = (int)threadIdx.x / WARP, lane = (int)threadIdx.x % WARP;
    v = warp_sum(v);
    if (lane == 0) part[warp] = v;
    __syncthreads();
    v = lane < THREADS / WARP ? part[lane] : T(0);
    v = warp_sum(v);
    __syncthreads();
    return v;
}

/* Stop the device where a contract is broken that only the device can check, such as an id's
 * range. */
static __device__ __forceinline__ void device_require(bool condition)
{
    if (!condition) __trap();
}

#endif
