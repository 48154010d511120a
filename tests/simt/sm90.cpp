/* SPDX-License-Identifier: Apache-2.0 */
/* The twins of the functions of kernels/base/cuda/ptx_sm90.cuh: barriers in shared memory, bulk
 * copies, barriers of a part of a block, products of a warpgroup. check.cpp does not know which
 * accesses these order, so the check build runs as an older GPU. In the other builds mistakes show
 * because copies and products run as late or as early as they may.
 */
#include "internal.h"

namespace simt
{

/* ---- Barriers in shared memory --------------------------------------------------------------- */

struct Bits { /* the 8 bytes of a barrier */
    uint16_t arrivals, missing;
    int32_t bytes : 31;
    uint32_t phase : 1;
};
static_assert(sizeof(Bits) == sizeof(uint64_t), "a barrier is 8 bytes");

struct Waiting {
    const uint64_t *barrier;
    Thread *thread;
};
static std::vector<Waiting> &waiting = *new std::vector<Waiting>;

static Bits load(const uint64_t *barrier)
{
    Bits b;
    memcpy(&b, barrier, sizeof b);
    return b;
}

/* End the phase when all threads have arrived and all bytes have been copied. */
static void store(uint64_t *barrier, Bits b)
{
    const bool ends = b.missing == 0 && b.bytes == 0;
    if (ends) {
        b.phase ^= 1u;
        b.missing = b.arrivals;
    }
    memcpy(barrier, &b, sizeof b);
    for (size_t i = waiting.size(); ends && i-- > 0;)
        if (waiting[i].barrier == barrier) {
            make_ready(waiting[i].thread);
            waiting.erase(waiting.begin() + (long)i);
        }
}

static void must_be_shared(const void *memory, size_t align, const char *what, Where where)
{
    if (SIMT_CHECK) fail("not checked", "%s at %s:%d", what, where.file, where.line);
    if ((uintptr_t)memory & (align - 1))
        fail("misaligned address", "%s of %p at %s:%d", what, memory, where.file, where.line);
    if (!is_dynamic(memory))
        fail("not in dynamic shared memory", "%s of %p at %s:%d", what, memory, where.file,
             where.line);
}

void barrier_open(uint64_t *barrier, int arrivals, Where where)
{
    must_be_shared(barrier, 8, "a barrier", where);
    const Bits b = {(uint16_t)arrivals, (uint16_t)arrivals, 0, 0};
    memcpy(barrier, &b, sizeof b);
}

void barrier_arrive(uint64_t *barrier, int bytes, Where where)
{
    must_be_shared(barrier, 8, "an arrival", where);
    Bits b = load(barrier);
    if (b.missing == 0)
        fail("more arrivals than a barrier was opened for", "at %s:%d", where.file, where.line);
    b.bytes += bytes;
    b.missing--;
    store(barrier, b);
}

void barrier_wait(uint64_t *barrier, uint32_t parity, Where where)
{
    must_be_shared(barrier, 8, "waiting", where);
    while (load(barrier).phase == parity) {
        waiting.push_back(Waiting{barrier, current});
        wait_here(WAITS_BLOCK, "barrier_wait", where);
    }
}

/* ---- Bulk copies ----------------------------------------------------------------------------- */

struct Bulk {
    char *to;
    const char *from;
    size_t bytes;
    uint64_t *barrier;
};
static std::vector<Bulk> &copies = *new std::vector<Bulk>;

static void perform(const Bulk &c)
{
    memcpy(c.to, c.from, c.bytes);
    Bits b = load(c.barrier);
    b.bytes -= (int32_t)c.bytes;
    store(c.barrier, b);
}

void copy_bulk(void *to, const void *from, int bytes, uint64_t *barrier, Where where)
{
    must_be_shared(to, 16, "a bulk copy", where);
    must_be_shared(barrier, 8, "a bulk copy's barrier", where);
    if (bytes <= 0 || (bytes | (int)(uintptr_t)from) & 15)
        fail("misaligned bulk copy", "%d bytes from %p at %s:%d", bytes, from, where.file,
             where.line);
    check_range(from, (size_t)bytes, "a bulk copy");
    if ((char *)to + bytes > dynamic_base + dynamic_bytes)
        fail("out of bounds", "a bulk copy behind shared memory at %s:%d", where.file, where.line);
    const Bulk c = {(char *)to, (const char *)from, (size_t)bytes, barrier};
    if (order() == RANDOM && (random_bits() & 1))
        perform(c);
    else
        copies.push_back(c);
}

/* Run one bulk copy, any of them. It is called when no thread can run: as late as allowed. */
bool async_progress()
{
    if (copies.empty()) return false;
    const size_t at = order() == ASCENDING    ? 0
                      : order() == DESCENDING ? copies.size() - 1
                                              : random_bits() % copies.size();
    const Bulk c = copies[at];
    copies.erase(copies.begin() + (long)at);
    perform(c);
    return true;
}

/* ---- Barriers of a part of a block ----------------------------------------------------------- */

struct Part {
    int threads, arrived;
    std::vector<Thread *> waiting;
};
static Part parts[16];

void part_barrier(int id, int threads, bool wait, Where where)
{
    if (id < 1 || id > 15 || threads % 32)
        fail("bad barrier of a part", "id %d, %d threads, at %s:%d", id, threads, where.file,
             where.line);
    Part &p = parts[id];
    if (p.arrived > 0 && p.threads != threads)
        fail("barrier divergence", "id %d of %d threads and of %d, at %s:%d", id, p.threads,
             threads, where.file, where.line);
    p.threads = threads;
    if (++p.arrived == threads) {
        p.arrived = 0;
        for (Thread *thread : p.waiting) make_ready(thread);
        p.waiting.clear();
        if (!wait) return;
        make_ready(current);
        fiber_yield(current->fiber);
        return;
    }
    if (!wait) return;
    p.waiting.push_back(current);
    wait_here(WAITS_BLOCK, "part_sync", where);
}

/* ---- Products of a warpgroup ----------------------------------------------------------------- */

static float value(const uint16_t *slab, int row, int column)
{
    const int at = row * 64 + ((column / 8) ^ (row % 8)) * 8 + column % 8; /* slab_at() */
    return __uint_as_float((uint32_t)slab[at] << 16);
}

static void perform(const Thread *t, const SlabProduct &p)
{
    const uint16_t *a = (const uint16_t *)p.a, *b = (const uint16_t *)p.b;
    for (int h = 0; h < 2; h++) {
        const int row = t->warp % 4 * 16 + t->lane / 4 + 8 * h;
        float left[16];
        for (int k = 0; k < 16; k++) left[k] = value(a, row, p.column + k);
        for (int n = 0; n < p.wide / 8; n++)
            for (int i = 0; i < 2; i++) {
                const int item = 8 * n + t->lane % 4 * 2 + i;
                float sum = 0.0f, &d = p.d[4 * n + 2 * h + i];
                for (int k = 0; k < 16; k++) sum += left[k] * value(b, item, p.column + k);
                d = p.first ? sum : d + sum;
            }
    }
}

void product_slabs(float *d, int wide, const void *a, const void *b, int column, bool first,
                   Where where)
{
    must_be_shared(a, 1024, "a product's left", where);
    must_be_shared(b, 1024, "a product's right", where);
    if (column % 16 || column < 0 || column > 48)
        fail("bad column of a product", "%d at %s:%d", column, where.file, where.line);
    current->products.push_back(SlabProduct{d, wide, a, b, column, first});
}

void product_commit() { current->product_groups.push_back(current->products.size()); }

/* Products run when they are waited for. In some orders all committed ones run, in others only
 * those that the call waits for. */
void product_wait(int pending)
{
    Thread *t = current;
    size_t groups = t->product_groups.size();
    if (!(order() == RANDOM && (random_bits() & 1)))
        groups = groups > (size_t)pending ? groups - (size_t)pending : 0;
    if (groups == 0) return;
    const size_t count = t->product_groups[groups - 1];
    for (size_t i = 0; i < count; i++) perform(t, t->products[i]);
    t->products.erase(t->products.begin(), t->products.begin() + (long)count);
    t->product_groups.erase(t->product_groups.begin(), t->product_groups.begin() + (long)groups);
    for (size_t &end : t->product_groups) end -= count;
}

/* ---- A block --------------------------------------------------------------------------------- */

void async_begin()
{
    waiting.clear();
    copies.clear();
    for (Part &p : parts) p = Part();
}

void async_end()
{
    if (!copies.empty())
        fail("bulk copy still pending at the block's end", "%zu copies", copies.size());
    for (int id = 1; id < 16; id++)
        if (parts[id].arrived)
            fail("barrier of a part left open", "id %d: %d of %d threads came", id,
                 parts[id].arrived, parts[id].threads);
}

} // namespace simt
