/* SPDX-License-Identifier: Apache-2.0 */
/* Kernels for the tests of the emulation itself: correct ones that must pass, and each bug that it
 * must report. test_emulation.c says which build reports what.
 */
#include "bugs.h"

#include "base/cuda/ptx_sm90.cuh"
#include "base/device/graph.h"

static __device__ __forceinline__ int tid() { return (int)threadIdx.x; }

/* ---- Correct --------------------------------------------------------------------------------- */

static __global__ void votes(int *out)
{
    const int lane = tid() & 31;
    int sum = __popc(__ballot_sync(ALL_LANES, lane % 3 == 0));
    sum += 100 * __any_sync(ALL_LANES, lane == 7) + 1000 * __all_sync(ALL_LANES, lane < 32);
    if (lane < 16) /* two halves of one warp, each with its own mask */
        sum += __shfl_down_sync(0x0000ffffu, lane, 4, 16);
    else
        sum += __shfl_up_sync(0xffff0000u, lane, 2, 16);
    sum += 10000 * __popc(__match_any_sync(ALL_LANES, lane / 8));
    sum += (int)__reduce_max_sync(ALL_LANES, (unsigned)lane);
    sum += (int)__shfl_sync(ALL_LANES, (double)lane * 0.5, 6);
    out[tid()] = sum + __syncthreads_count(lane == 0) * 100000;
}

static __global__ void histogram(int *out, const int *in, int count)
{
    __shared__ int share[16];
    if (tid() < 16) share[tid()] = 0;
    __syncthreads();
    for (int i = (int)(blockIdx.x * blockDim.x) + tid(); i < count;
         i += (int)(gridDim.x * blockDim.x))
        atomicAdd(&share[in[i] & 15], 1);
    __syncthreads();
    if (tid() < 16) atomicAdd(&out[tid()], share[tid()]);
}

/* The last block to finish adds the parts of all. */
template <bool FENCE>
static __global__ void last_block(int *out, int *part, int *tickets)
{
    __shared__ bool last;
    if (tid() == 0) {
        part[blockIdx.x] = (int)blockIdx.x + 1;
        if (FENCE) __threadfence();
        last = atomicAdd(tickets, 1) == (int)gridDim.x - 1;
    }
    __syncthreads();
    if (!last || tid() > 0) return;
    int sum = 0;
    for (int i = 0; i < (int)gridDim.x; i++) sum += part[i];
    *out = sum;
}

enum { NO_SYNC_AFTER_WRITE = 1, NO_SYNC_AFTER_READ };
template <int BUG>
static __global__ void warp_buffer(int *out)
{
    __shared__ int space[64];
    int *mine = space + (tid() & ~31);
    const int lane = tid() & 31;
    mine[lane] = 0;
    __syncwarp();
    for (int k = 0; k < 3; k++) {
        mine[lane] = lane * lane + k;
        if (BUG != NO_SYNC_AFTER_WRITE) __syncwarp();
        const int v = mine[31 - lane];
        if (BUG != NO_SYNC_AFTER_READ) __syncwarp();
        out[tid()] = v;
    }
}

/* A block's sum, four times. */
template <int BUG>
static __global__ void sums(int *out)
{
    __shared__ int part[4];
    int total = 0;
    if (tid() < 4) part[tid()] = 0;
    __syncthreads();
    for (int k = 0; k < 4; k++) {
        const int mine = warp_sum(tid() + k);
        if ((tid() & 31) == 0) part[tid() / 32] = mine;
        if (BUG != NO_SYNC_AFTER_WRITE) __syncthreads();
        total += part[0] + part[1] + part[2] + part[3];
        if (BUG != NO_SYNC_AFTER_READ) __syncthreads();
    }
    out[tid()] = total;
}

/* d[16, 8] = a[16, 16] b[8, 16]^T, or b[16, 8] when TRANS. */
template <bool TRANS>
static __global__ void product(float *d, const bf16 *a, const bf16 *b)
{
    __shared__ __align__(16) bf16 as[16][24], bs[16][24];
    const int lane = tid();
    for (int i = lane; i < 256; i += 32) as[i / 16][i % 16] = bs[i / 16][i % 16] = a[i];
    __syncwarp();
    for (int i = lane; i < 128; i += 32) (TRANS ? bs[i / 8][i % 8] : bs[i / 16][i % 16]) = b[i];
    __syncwarp();
    uint32_t af[4], bf[4];
    ldmatrix_x4(af, &as[lane & 15][lane / 16 * 8]);
    if (TRANS)
        ldmatrix_x4_trans(bf, &bs[lane & 15][lane / 16 * 8]);
    else
        ldmatrix_x4(bf, &bs[(lane & 7) + lane / 16 * 8][(lane / 8 & 1) * 8]);
    float sum[4] = {};
    const uint32_t pair[2] = {bf[0], bf[1]};
    mma_bf16(sum, af, pair);
    for (int i = 0; i < 4; i++) d[(lane / 4 + i / 2 * 8) * 8 + lane % 4 * 2 + i % 2] = sum[i];
}

/* Neighbours share a 4-byte word of bf16: no race. */
static __global__ void halves(bf16 *out) { from_float(out[tid()], to_float(out[tid()]) + 1.0f); }

enum { NO_WAIT = 1, NO_BARRIER_BEHIND_WAIT, NO_BARRIER_BEFORE_REFILL };
template <int BUG>
static __global__ void staged_copy(int *out, const int *in, int stages)
{
    __shared__ __align__(16) int stage[2][128];
    cp_async_16(&stage[0][4 * tid()], in + 4 * tid(), true);
    cp_async_commit();
    int sum = 0;
    for (int k = 0; k < stages; k++) {
        if (k + 1 < stages)
            cp_async_16(&stage[(k + 1) & 1][4 * tid()], in + (k + 1) * 128 + 4 * tid(), true);
        cp_async_commit();
        cp_async_wait<BUG == NO_WAIT ? 2 : 1>();
        if (BUG != NO_BARRIER_BEHIND_WAIT) __syncthreads();
        for (int i = 0; i < 128; i += 32) sum += stage[k & 1][i + (tid() + 5) % 32];
        if (BUG != NO_BARRIER_BEFORE_REFILL) __syncthreads();
    }
    cp_async_wait<0>();
    out[tid()] = sum;
}

/* ---- Wrong ----------------------------------------------------------------------------------- */

template <int N>
static __global__ void past_static(int *out)
{
    __shared__ int s[N];
    if (tid() < N) s[tid()] = tid();
    __syncthreads();
    out[tid()] = s[tid() % (2 * N)];
}

static __global__ void past_dynamic(int *out, int count)
{
    DYNAMIC_SHARED(memory);
    if (tid() == 0) ((int *)memory)[count] = 1;
    out[tid()] = 0;
}

static __global__ void past_global(int *out, const int *in, int count) { out[tid()] = in[count]; }

static __global__ void junk_shared(int *out)
{
    __shared__ int s[64];
    if (tid() < 32) s[tid()] = 1;
    __syncthreads();
    out[tid()] = s[tid()];
}

static __global__ void copy_one(int *out, const int *in) { out[tid()] = in[tid()]; }

static __global__ void misaligned(int *out, const float *in)
{
    float v[4];
    load(v, in + 1);
    out[tid()] = (int)v[0];
}

static __global__ void barrier_in_branch(int *out)
{
    if (tid() < 64) __syncthreads();
    out[tid()] = 1;
}

static __global__ void two_barriers(int *out)
{
    out[tid()] = 1;
    if (tid() < 64)
        __syncthreads();
    else
        __syncthreads();
}

static __global__ void early_return(int *out)
{
    if (tid() >= 100) return;
    __syncthreads();
    out[tid()] = 1;
}

static __global__ void half_warp_shuffle(int *out)
{
    int v = tid();
    if ((tid() & 31) < 16) v = __shfl_xor_sync(ALL_LANES, v, 1);
    out[tid()] = v;
}

static __global__ void lane_outside_mask(int *out)
{
    const int lane = tid() & 31;
    if (lane < 8) out[tid()] = __shfl_xor_sync(0xffu, lane, 8);
}

static __global__ void caller_outside_mask(int *out)
{
    const int lane = tid() & 31;
    if (lane < 8) out[tid()] = __shfl_xor_sync(0xf0u, lane, 1);
}

static __global__ void uneven_loop(int *out)
{
    int v = tid();
    for (int i = 0; i < (tid() & 1) + 1; i++) v += __shfl_xor_sync(ALL_LANES, v, 1);
    out[tid()] = v;
}

static __global__ void same_place(int *out) { out[tid() / 2] = tid(); }
static __global__ void same_value(int *out) { out[0] = 7; }
static __global__ void blocks_add(int *out)
{
    if (tid() == 0) out[0] += 1;
}
static __global__ void bad_id(int *out, int count)
{
    device_require(tid() < count);
    out[tid()] = 0;
}

/* ---- Streams and graphs ---------------------------------------------------------------------- */

static __global__ void add_one(int *out, const int *in) { out[tid()] = in[tid()] + 1; }
static __global__ void add_given(int *out, int given) { out[tid()] += given; }
static __global__ void add_read(int *out, const int *given) { out[tid()] += *given; }

enum { NO_JOIN = 1, NO_FOLLOW, EARLY_REFILL };

/* Feed three batches (1, 2 and 3) through one slot; sum them, each plus one. */
static void feed_in_turn(Device *dev, int *out, int bug)
{
    const size_t bytes = 32 * sizeof(int);
    int *pinned = (int *)device_alloc_host(dev, bytes, "a test"),
        *slot = (int *)device_alloc_cuda(dev, bytes);
    int *sum = (int *)device_alloc_cuda(dev, bytes);
    for (int step = 0; step < 3; step++) {
        if (bug != EARLY_REFILL) device_feed_done(dev);
        for (int i = 0; i < 32; i++) pinned[i] = step + 1;
        if (bug != NO_FOLLOW) device_feed_follow(dev);
        device_feed(dev, slot, pinned, bytes);
        if (bug != NO_JOIN) device_feed_join(dev);
        LAUNCH(dev, add_one, 1, 32, 0, sum, slot);
        for (int i = 0; i < 32; i++) LAUNCH(dev, add_read, 1, 1, 0, out + i, sum + i);
    }
    device_sync(dev);
}

enum { CHANGED_ARGUMENT = 1, ALLOCATION, WAIT, SCRATCH_GONE };

/* Record out += given as a graph, and run it with 1, 2 and 3. */
static void add_by_graph(Device *dev, int *out, int bug)
{
    const int64_t dim = 64, more = 1 << 20;
    int given = 1, *on_device = (int *)device_alloc(dev, sizeof given, "a test");
    scratch_tensor(dev, I32, 1, &dim);
    scratch_release(dev, 0);
    device_graph_begin(dev);
    if (bug == CHANGED_ARGUMENT)
        LAUNCH(dev, add_given, 1, 32, 0, out, given);
    else
        LAUNCH(dev, add_read, 1, 32, 0, out, on_device);
    if (bug == ALLOCATION) CUDA_CHECK(dev, cudaMalloc((void **)&on_device, 64));
    if (bug == WAIT) device_sync(dev);
    DeviceGraph *graph = device_graph_end(dev);
    if (bug == SCRATCH_GONE) {
        scratch_tensor(dev, I32, 1, &more);
        scratch_release(dev, 0);
        scratch_tensor(dev, I32, 1, &more);
        scratch_release(dev, 0);
    }
    for (; given <= 3 && graph; given++) {
        device_copy_in(dev, on_device, &given, sizeof given);
        device_graph_run(dev, graph);
    }
    device_graph_close(dev, graph);
}

/* ---- sm_90: barriers in shared memory, bulk copies, products of warpgroups ------------------- */

enum { NO_WAIT_FOR_FULL = 1, NO_WAIT_FOR_EMPTY, NOT_GIVEN_BACK };

/* Warp 0 copies the numbers of staged_copy through two stages; warp 1 sums them. */
template <int BUG>
static __global__ void ring(int *out, const int *in, int chunks)
{
    DYNAMIC_SHARED(memory);
    int *stage = (int *)memory;
    uint64_t *full = (uint64_t *)(stage + 2 * 128), *empty = full + 2;
    const int lane = tid() % WARP, bytes = 128 * (int)sizeof(int);
    if (tid() == 0) {
        for (int k = 0; k < 2; k++) {
            barrier_open(&full[k], 1);
            barrier_open(&empty[k], 1);
        }
        barriers_visible();
    }
    __syncthreads();
    for (int k = 0; k < chunks && tid() == 0; k++) {
        if (BUG != NO_WAIT_FOR_EMPTY) barrier_wait(&empty[k % 2], (k / 2 + 1) % 2);
        barrier_expect(&full[k % 2], bytes);
        copy_bulk(stage + k % 2 * 128, in + k * 128, bytes, &full[k % 2]);
    }
    if (tid() < WARP) return;
    int sum = 0;
    for (int k = 0; k < chunks; k++) {
        if (BUG != NO_WAIT_FOR_FULL) barrier_wait(&full[k % 2], k / 2 % 2);
        for (int i = 0; i < 128; i += WARP) sum += stage[k % 2 * 128 + i + (lane + 5) % WARP];
        __syncwarp();
        if (lane == 0 && BUG != NOT_GIVEN_BACK) barrier_arrive(&empty[k % 2]);
    }
    out[lane] = sum;
}

enum { NO_WAIT_FOR_PRODUCT = 1, EARLY_USE };

/* d = a b^T of small whole numbers; thread t stores the first of its sums. */
template <int BUG>
static __global__ void warpgroup_product(float *out)
{
    DYNAMIC_SHARED(memory);
    bf16 *a = (bf16 *)memory, *b = a + SLAB;
    for (int i = tid(); i < SLAB; i += WARPGROUP) {
        const int row = i / SLAB_WIDE, k = i % SLAB_WIDE;
        a[slab_at(row, k)] = __float2bfloat16((float)((row * 5 + k * 3) % 11 - 5));
        b[slab_at(row, k)] = __float2bfloat16((float)((row * 7 + k) % 13 - 6));
    }
    __syncthreads();
    float d[16][4];
    product_begin();
    for (int k = 0; k < SLAB_WIDE; k += 16) product_128(d, a, 64, b, k, k == 0);
    product_commit();
    if (BUG == EARLY_USE) out[tid()] = d[0][0];
    if (BUG != NO_WAIT_FOR_PRODUCT) product_wait<0>();
    if (BUG != EARLY_USE) out[tid()] = d[0][0];
}

/* A part of a block waits for another, which never comes. */
static __global__ void part_alone(int *out)
{
    if (tid() < 64) part_sync(1, 128);
    out[tid()] = 1;
}

/* ---- By name --------------------------------------------------------------------------------- */

#define IS(text) (!strcmp(name, text))

static bool run_correct(Device *dev, const char *name, int *out, int *in, int count)
{
    if (IS("votes"))
        LAUNCH(dev, votes, 1, 128, 0, out);
    else if (IS("histogram"))
        LAUNCH(dev, histogram, 3, 96, 0, out, in, count);
    else if (IS("1024 threads"))
        LAUNCH(dev, histogram, 2, 1024, 0, out, in, count);
    else if (IS("last block"))
        LAUNCH(dev, last_block<true>, 9, 64, 0, out, out + 16, out + 1);
    else if (IS("warp buffer"))
        LAUNCH(dev, warp_buffer<0>, 1, 64, 0, out);
    else if (IS("sums"))
        LAUNCH(dev, sums<0>, 1, 128, 0, out);
    else if (IS("product"))
        LAUNCH(dev, product<false>, 1, 32, 0, (float *)out, (bf16 *)in, (bf16 *)in + 256);
    else if (IS("product of a transpose"))
        LAUNCH(dev, product<true>, 1, 32, 0, (float *)out, (bf16 *)in, (bf16 *)in + 256);
    else if (IS("halves"))
        LAUNCH(dev, halves, 1, 64, 0, (bf16 *)out);
    else if (IS("staged copy"))
        LAUNCH(dev, staged_copy<0>, 1, 32, 0, out, in, 4);
    else
        return false;
    return true;
}

static bool run_race(Device *dev, const char *name, int *out, int *in)
{
    if (IS("no fence"))
        LAUNCH(dev, last_block<false>, 9, 64, 0, out, out + 16, out + 1);
    else if (IS("no syncwarp after a write"))
        LAUNCH(dev, warp_buffer<NO_SYNC_AFTER_WRITE>, 1, 64, 0, out);
    else if (IS("no syncwarp after a read"))
        LAUNCH(dev, warp_buffer<NO_SYNC_AFTER_READ>, 1, 64, 0, out);
    else if (IS("no barrier after a write"))
        LAUNCH(dev, sums<NO_SYNC_AFTER_WRITE>, 1, 128, 0, out);
    else if (IS("no barrier after a read"))
        LAUNCH(dev, sums<NO_SYNC_AFTER_READ>, 1, 128, 0, out);
    else if (IS("copy not waited for"))
        LAUNCH(dev, staged_copy<NO_WAIT>, 1, 32, 0, out, in, 4);
    else if (IS("no barrier behind a copy"))
        LAUNCH(dev, staged_copy<NO_BARRIER_BEHIND_WAIT>, 1, 32, 0, out, in, 4);
    else if (IS("no barrier before a refill"))
        LAUNCH(dev, staged_copy<NO_BARRIER_BEFORE_REFILL>, 1, 32, 0, out, in, 4);
    else if (IS("two threads, one place"))
        LAUNCH(dev, same_place, 1, 64, 0, out);
    else if (IS("two threads, one value"))
        LAUNCH(dev, same_value, 1, 64, 0, out);
    else if (IS("blocks add without atomics"))
        LAUNCH(dev, blocks_add, 4, 32, 0, out);
    else
        return false;
    return true;
}

static bool run_memory(Device *dev, const char *name, int *out, int *in, int count)
{
    if (IS("past static shared memory"))
        LAUNCH(dev, past_static<8>, 1, 64, 0, out);
    else if (IS("past dynamic shared memory"))
        LAUNCH(dev, past_dynamic, 1, 64, 256, out, 64);
    else if (IS("past global memory"))
        LAUNCH(dev, past_global, 1, 32, 0, out, in, count);
    else if (IS("uninitialised shared memory"))
        LAUNCH(dev, junk_shared, 1, 64, 0, out);
    else if (IS("uninitialised global memory"))
        LAUNCH(dev, copy_one, 1, 64, 0, out, (int *)device_alloc_cuda(dev, 256));
    else if (IS("misaligned load"))
        LAUNCH(dev, misaligned, 1, 1, 0, out, (float *)in);
    else if (IS("freed memory"))
        device_free_cuda(dev, in), LAUNCH(dev, copy_one, 1, 64, 0, out, in);
    else if (IS("stack of the host")) {
        int local[64] = {};
        LAUNCH(dev, copy_one, 1, 64, 0, out, local);
    } else
        return false;
    return true;
}

static bool run_divergence(Device *dev, const char *name, int *out)
{
    if (IS("barrier in a branch"))
        LAUNCH(dev, barrier_in_branch, 1, 128, 0, out);
    else if (IS("two barriers"))
        LAUNCH(dev, two_barriers, 1, 128, 0, out);
    else if (IS("early return"))
        LAUNCH(dev, early_return, 1, 128, 0, out);
    else if (IS("shuffle by half a warp"))
        LAUNCH(dev, half_warp_shuffle, 1, 64, 0, out);
    else if (IS("shuffle from outside the mask"))
        LAUNCH(dev, lane_outside_mask, 1, 32, 0, out);
    else if (IS("shuffle by a lane outside the mask"))
        LAUNCH(dev, caller_outside_mask, 1, 32, 0, out);
    else if (IS("shuffles in an uneven loop"))
        LAUNCH(dev, uneven_loop, 1, 32, 0, out);
    else if (IS("an id out of range"))
        LAUNCH(dev, bad_id, 1, 32, 0, out, 31);
    else
        return false;
    return true;
}

static bool run_streams(Device *dev, const char *name, int *out)
{
    if (IS("feed"))
        feed_in_turn(dev, out, 0);
    else if (IS("no join"))
        feed_in_turn(dev, out, NO_JOIN);
    else if (IS("no follow"))
        feed_in_turn(dev, out, NO_FOLLOW);
    else if (IS("refilled before it was copied"))
        feed_in_turn(dev, out, EARLY_REFILL);
    else if (IS("graph"))
        add_by_graph(dev, out, 0);
    else if (IS("an argument changed after capture"))
        add_by_graph(dev, out, CHANGED_ARGUMENT);
    else if (IS("an allocation in a capture"))
        add_by_graph(dev, out, ALLOCATION);
    else if (IS("a wait in a capture"))
        add_by_graph(dev, out, WAIT);
    else if (IS("a graph whose scratch is gone"))
        add_by_graph(dev, out, SCRATCH_GONE);
    else
        return false;
    return true;
}

static bool run_sm90(Device *dev, const char *name, int *out, int *in)
{
    const size_t slabs = 2 * SLAB * sizeof(bf16), stages = 2 * 128 * sizeof(int) + 4 * 8;
    if (IS("ring"))
        LAUNCH(dev, ring<0>, 1, 64, stages, out, in, 4);
    else if (IS("no wait for a full stage"))
        LAUNCH(dev, ring<NO_WAIT_FOR_FULL>, 1, 64, stages, out, in, 4);
    else if (IS("no wait for an empty stage"))
        LAUNCH(dev, ring<NO_WAIT_FOR_EMPTY>, 1, 64, stages, out, in, 4);
    else if (IS("a stage not given back"))
        LAUNCH(dev, ring<NOT_GIVEN_BACK>, 1, 64, stages, out, in, 4);
    else if (IS("warpgroup"))
        LAUNCH(dev, warpgroup_product<0>, 1, WARPGROUP, slabs, (float *)out);
    else if (IS("warpgroup not waited for"))
        LAUNCH(dev, warpgroup_product<NO_WAIT_FOR_PRODUCT>, 1, WARPGROUP, slabs, (float *)out);
    else if (IS("warpgroup's sums used early"))
        LAUNCH(dev, warpgroup_product<EARLY_USE>, 1, WARPGROUP, slabs, (float *)out);
    else if (IS("a part of a block alone"))
        LAUNCH(dev, part_alone, 1, 128, 0, out);
    else
        return false;
    return true;
}

bool bug_run(Device *dev, const char *name, int *out, int *in, int count)
{
    return run_streams(dev, name, out) || run_correct(dev, name, out, in, count) ||
           run_race(dev, name, out, in) || run_memory(dev, name, out, in, count) ||
           run_divergence(dev, name, out) || run_sm90(dev, name, out, in);
}
