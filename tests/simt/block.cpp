/* SPDX-License-Identifier: Apache-2.0 */
/* Launches: blocks run one after another, and the threads of a block take turns on fibers.
 *
 * The next thread to run is the one that became ready last; with some seeds it is sometimes any
 * other ready thread. Both orders are needed. The first lets one warp run far ahead, which shows
 * that a barrier is missing after a read; the second mixes warps, which shows that a barrier is
 * missing after a write.
 */
#include "internal.h"

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <numeric>

uint3 threadIdx, blockIdx;
dim3 blockDim, gridDim;

namespace simt
{

Thread *current;
bool in_kernel;
Block block = {0, 0, *new std::vector<Thread>};

/* ---- Seed ------------------------------------------------------------------------------------ */

static int seed = -1;
static uint64_t random_state;

static void read_seed()
{
    const char *text = getenv("SIMT_SEED");
    seed = text ? (int)strtol(text, nullptr, 10) : 0;
    random_state = 0x9E3779B97F4A7C15ull * ((unsigned)seed + 1u);
}

/* xorshift (Marsaglia 2003) */
uint32_t random_bits()
{
    random_state ^= random_state << 13;
    random_state ^= random_state >> 7;
    random_state ^= random_state << 17;
    return (uint32_t)(random_state >> 16);
}

Order order()
{
    if (seed < 0) read_seed();
    return seed == 0 ? ASCENDING : seed == 1 ? DESCENDING : RANDOM;
}

/* ---- Reports --------------------------------------------------------------------------------- */

static Launch launched;

void fail(const char *kind, const char *format, ...)
{
    fflush(stdout);
    fprintf(stderr, "\n==SIMT== ERROR: %s\n", kind);
    if (in_kernel) {
        fprintf(stderr, "  kernel %s  grid (%u,%u,%u) block (%u,%u,%u)  blockIdx (%u,%u,%u)",
                function_name(launched.kernel).c_str(), gridDim.x, gridDim.y, gridDim.z, blockDim.x,
                blockDim.y, blockDim.z, blockIdx.x, blockIdx.y, blockIdx.z);
        if (current)
            fprintf(stderr, " threadIdx (%u,%u,%u) warp %d lane %d", current->index.x,
                    current->index.y, current->index.z, current->warp, current->lane);
        fprintf(stderr, "  SIMT_SEED=%d\n", seed);
    }
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "  ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    abort();
}

void trap(Where where) { fail("trap", "at %s:%d", where.file, where.line); }

/* ---- Threads of a block ---------------------------------------------------------------------- */

static std::vector<Thread *> ready;
static uint32_t jump; /* for the running block: in how many of 256 turns any ready thread may run */
static void (*call_kernel)(const void *);
static const void *call_arguments;

void make_ready(Thread *thread)
{
    thread->state = READY;
    ready.push_back(thread);
}

void wait_here(State state, const char *what, Where where)
{
    current->state = state;
    current->what = what;
    current->where = where;
    fiber_yield(current->fiber);
}

/* The i-th thread to become ready at a block's start. The last one runs first. */
static Thread *in_turn(int i)
{
    return &block.thread[(size_t)(order() == ASCENDING ? block.threads - 1 - i : i)];
}

static Thread *pick()
{
    if (order() == RANDOM && (random_bits() & 255) < jump)
        std::swap(ready[random_bits() % ready.size()], ready.back());
    Thread *thread = ready.back();
    ready.pop_back();
    return thread;
}

static struct {
    int arrived, result;
    Barrier kind;
    const Thread *first;
} waiting;

static void thread_body()
{
    call_kernel(call_arguments);
    Thread *thread = current;
    if (!thread->copies.empty())
        fail("cp.async still pending at the thread's end", "%zu copies were never waited for",
             thread->copies.size());
    if (!thread->products.empty())
        fail("products still pending at the thread's end", "%zu products were never waited for",
             thread->products.size());
    thread->state = DONE;
    block.live--;
    warp_exit(thread);
    if (waiting.arrived)
        fail("barrier divergence", "this thread returned while thread %d waits at %s:%d",
             waiting.first->linear, waiting.first->where.file, waiting.first->where.line);
    fiber_yield(thread->fiber);
}

static void resume(Thread *thread)
{
    if (!thread->fiber) thread->fiber = fiber_take(thread_body);
    current = thread;
    threadIdx = thread->index;
    fiber_resume(thread->fiber);
    current = nullptr;
    if (thread->state == DONE) {
        fiber_give_back(thread->fiber);
        thread->fiber = nullptr;
    }
}

int barrier(Barrier kind, int predicate, Where where)
{
    Thread *thread = current;
    if (block.live != block.threads)
        fail("barrier divergence", "__syncthreads at %s:%d, but %d of %d threads have returned",
             where.file, where.line, block.threads - block.live, block.threads);
    if (waiting.arrived == 0) {
        waiting = {0, kind == BARRIER_AND, kind, thread};
    } else {
        const Where first = waiting.first->where;
        if (kind != waiting.kind || where.line != first.line || where.file != first.file)
            fail("barrier divergence", "thread %d waits at %s:%d, this thread came to %s:%d",
                 waiting.first->linear, first.file, first.line, where.file, where.line);
    }
    if (kind == BARRIER_COUNT) waiting.result += predicate != 0;
    if (kind == BARRIER_AND) waiting.result &= predicate != 0;
    if (kind == BARRIER_OR) waiting.result |= predicate != 0;
    thread->state = WAITS_BLOCK;
    thread->where = where;
    if (++waiting.arrived == block.threads) {
        if (SIMT_CHECK) check_barrier();
        waiting.arrived = 0;
        for (int i = 0; i < block.threads; i++) {
            in_turn(i)->result = waiting.result;
            make_ready(in_turn(i));
        }
    }
    thread->what = "__syncthreads";
    fiber_yield(thread->fiber);
    return thread->result;
}

/* No thread can run, and not all have returned: report what each of them waits for. */
[[noreturn]] static void deadlock()
{
    std::map<std::string, std::string> groups;
    for (int i = 0; i < block.threads; i++) {
        const Thread &t = block.thread[(size_t)i];
        char text[400];
        if (t.state == DONE)
            snprintf(text, sizeof text, "warp %d, returned", t.warp);
        else
            snprintf(text, sizeof text, "warp %d, %s at %s:%d mask %08x", t.warp, t.what,
                     t.where.file, t.where.line, t.state == WAITS_WARP ? warp_mask(&t) : ~0u);
        groups[text] += " " + std::to_string(t.lane);
    }
    std::string text;
    for (const auto &group : groups) text += "\n    " + group.first + ": lanes" + group.second;
    fail("deadlock (warp or barrier divergence)", "no thread can run:%s", text.c_str());
}

static void run_block()
{
    static const uint32_t jumps[] = {256, 128, 16, 4};
    fill_shared();
    dynamic_begin(dynamic_bytes);
    if (SIMT_CHECK) check_block();
    warps_reset();
    async_begin();
    ready.clear();
    waiting.arrived = 0;
    block.live = block.threads;
    jump = jumps[random_bits() & 3];
    for (int i = 0; i < block.threads; i++) {
        Thread *thread = in_turn(i);
        thread->fiber = nullptr;
        thread->clock = 1;
        memset(thread->known, 0, sizeof thread->known);
        make_ready(thread);
    }
    do {
        while (!ready.empty()) resume(pick());
    } while (block.live && async_progress());
    if (block.live) deadlock();
    async_end();
}

/* ---- Launch ---------------------------------------------------------------------------------- */

static std::map<const void *, int> shared_limit;
static cudaError_t last_error;

alignas(64) static char parameters[PARAMETERS_MAX]; /* the parameters of the running kernel */

static bool fits(const Launch &l)
{
    const size_t threads = (size_t)l.block.x * l.block.y * l.block.z;
    const auto raised = shared_limit.find(l.kernel);
    const size_t limit = raised == shared_limit.end() ? 48 << 10 : (size_t)raised->second;
    const bool grid = l.grid.x && l.grid.y && l.grid.z && l.grid.x <= 0x7fffffffu &&
                      l.grid.y <= 65535 && l.grid.z <= 65535;
    return threads > 0 && threads <= 1024 && l.block.z <= 64 && grid && l.shared <= limit;
}

static void lay_out_threads(dim3 shape)
{
    block.threads = (int)(shape.x * shape.y * shape.z);
    if (block.thread.size() < (size_t)block.threads) block.thread.resize((size_t)block.threads);
    for (unsigned i = 0; i < (unsigned)block.threads; i++) {
        Thread &t = block.thread[i];
        t.index = uint3{i % shape.x, i / shape.x % shape.y, i / shape.x / shape.y};
        t.linear = (int)i;
        t.lane = (int)i & 31;
        t.warp = (int)i >> 5;
    }
    warps_begin(block.threads);
}

static std::vector<size_t> block_order(size_t blocks)
{
    std::vector<size_t> turn(blocks);
    std::iota(turn.begin(), turn.end(), 0);
    if (order() == DESCENDING) std::reverse(turn.begin(), turn.end());
    for (size_t i = blocks; order() == RANDOM && i > 1; i--)
        std::swap(turn[i - 1], turn[random_bits() % i]);
    return turn;
}

static void run(const Launch &launch, void (*call)(const void *), const std::string &arguments)
{
    memory_open();
    memcpy(parameters, arguments.data(), arguments.size());
    launched = launch;
    gridDim = launch.grid;
    blockDim = launch.block;
    dynamic_bytes = launch.shared;
    call_kernel = call;
    call_arguments = parameters;
    lay_out_threads(launch.block);
    memory_unlock(true);
    in_kernel = true;
    if (SIMT_CHECK) check_launch();
    for (size_t i : block_order((size_t)gridDim.x * gridDim.y * gridDim.z)) {
        blockIdx = uint3{(unsigned)(i % gridDim.x), (unsigned)(i / gridDim.x % gridDim.y),
                         (unsigned)(i / gridDim.x / gridDim.y)};
        run_block();
    }
    in_kernel = false;
    memory_unlock(false);
}

cudaError_t launch(cudaStream_t stream, const Launch &launch, void (*call)(const void *),
                   const void *arguments, size_t bytes)
{
    if (!fits(launch)) return last_error = cudaErrorInvalidConfiguration;
    const std::string copy((const char *)arguments, bytes);
    enqueue(stream, [=] { run(launch, call, copy); });
    return cudaSuccess;
}

} // namespace simt

extern "C" cudaError_t cudaFuncSetAttribute(const void *kernel, cudaFuncAttribute attribute,
                                            int value)
{
    if (attribute != cudaFuncAttributeMaxDynamicSharedMemorySize || value > (int)simt::DYNAMIC_MAX)
        return simt::last_error = cudaErrorInvalidValue;
    simt::shared_limit[kernel] = value;
    return cudaSuccess;
}
extern "C" cudaError_t cudaGetLastError(void)
{
    const cudaError_t error = simt::last_error;
    simt::last_error = cudaSuccess;
    return error;
}
extern "C" cudaError_t cudaPeekAtLastError(void) { return simt::last_error; }
