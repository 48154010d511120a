/* SPDX-License-Identifier: Apache-2.0 */
/* The checking build. Kernels are compiled with -fsanitize=thread, which puts a call before every
 * access to memory. The functions here are linked in the place of that sanitizer's library. They
 * know the rules of CUDA: which memory exists, which bytes were written, what orders two accesses.
 *
 * Time is a counter that grows with every launch, block and completed barrier. Blocks run one after
 * another, so "in this launch", "in this block" and "since the last barrier" are comparisons of
 * times. Two accesses by different threads, of which one is a write and not both are atomic, must
 * be ordered: by the end of a launch; in one block by a barrier; in one warp by a __syncwarp
 * (shuffles and votes order nothing); between blocks by an atomic that follows a __threadfence. For
 * each byte the checker keeps the last write and a summary of the reads after it. So the checker
 * misses some races, but it never reports one that is not there.
 */
#include "internal.h"

#include <map>
#include <set>
#include <sys/mman.h>

extern "C" char __executable_start[], _end[];

namespace simt
{

/* What the checker knows about one byte of shared memory, or about two bytes of device memory,
 * which masks distinguish. */
struct Cell {
    struct {
        uint32_t time, clock, place;
        uint16_t thread;
        uint8_t mask;
        bool atomic;
    } write;
    struct {
        uint32_t time, other_block, clock, place, lanes;
        uint16_t thread;
        uint8_t mask;
        bool many; /* threads of several warps have read */
    } read;
    uint8_t allocated, initialised;
    bool pending; /* an asynchronous copy into it has not been waited for */
};

enum : size_t { GRAIN = 2 };
static Cell *device_cells, *dynamic_cells, *static_cells;
static char *static_begin;
static uint32_t now = 1, launch_start, block_start;

/* The times at which the blocks of this launch began, in their order; for each address, the blocks
 * whose writes an atomic at this address has released; the blocks whose writes the running block
 * has acquired by an atomic. */
static std::vector<uint32_t> &blocks = *new std::vector<uint32_t>;
static std::map<const void *, std::set<size_t>> &released =
    *new std::map<const void *, std::set<size_t>>;
static std::set<size_t> &acquired = *new std::set<size_t>;
static bool fenced;

/* ---- Places in the source -------------------------------------------------------------------- */

struct Place {
    const void *code; /* where NULL, `where` is the place */
    Where where;
};
static std::vector<Place> &places = *new std::vector<Place>(1);

static uint32_t place_id(const void *code, Where where)
{
    static std::map<std::pair<const void *, int>, uint32_t> &ids =
        *new std::map<std::pair<const void *, int>, uint32_t>;
    static struct {
        const void *key;
        int line;
        uint32_t id;
    } cache[1024];
    const void *key = code ? code : where.file;
    const int line = code ? 0 : where.line;
    auto &entry = cache[((uintptr_t)key / 4 + (unsigned)line) % 1024];
    if (entry.key == key && entry.line == line) return entry.id;
    uint32_t &id = ids[{key, line}];
    if (id == 0) {
        id = (uint32_t)places.size();
        places.push_back({code, where});
    }
    entry = {key, line, id};
    return id;
}

static std::string place_text(uint32_t id)
{
    const Place &p = places[id];
    if (p.code) return place_of(p.code);
    return std::string(p.where.file) + ":" + std::to_string(p.where.line);
}

static std::string memory_text(const char *p)
{
    if (is_dynamic(p)) return "dynamic shared +" + std::to_string(p - dynamic_base);
    if (const Variable *v = shared_variable(p))
        return "shared " + v->name + " +" + std::to_string(p - v->begin) + " of " +
               std::to_string(v->bytes) + " bytes";
    char text[40];
    snprintf(text, sizeof text, "global %p", (const void *)p);
    return text;
}

/* ---- Cells ----------------------------------------------------------------------------------- */

static Cell *reserve_cells(size_t count)
{
    void *memory = mmap(nullptr, count * sizeof(Cell), PROT_READ | PROT_WRITE,
                        MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) fail("no memory", "for the checker's notes");
    return (Cell *)memory;
}

static Cell *device_cell(const void *memory)
{
    if (!device_cells) device_cells = reserve_cells(ARENA_BYTES / GRAIN);
    return device_cells + ((const char *)memory - arena) / (ptrdiff_t)GRAIN;
}

/* Calls f(cell, mask, address) for each cell of a range of device memory. */
template <class F>
static void each_cell(const void *memory, size_t bytes, F f)
{
    for (const char *p = (const char *)memory, *end = p + bytes; p < end;) {
        const size_t offset = (uintptr_t)p % GRAIN, left = (size_t)(end - p);
        const size_t size = GRAIN - offset < left ? GRAIN - offset : left;
        f(device_cell(p), (uint8_t)(((1u << size) - 1) << offset), p);
        p += size;
    }
}

void check_allocated(const void *memory, size_t bytes)
{
    each_cell(memory, bytes, [](Cell *c, uint8_t mask, const char *) {
        c->allocated |= mask;
        c->initialised &= (uint8_t)~mask;
    });
}

void check_freed(const void *memory, size_t bytes)
{
    each_cell(memory, bytes,
              [](Cell *c, uint8_t mask, const char *) { c->allocated &= (uint8_t)~mask; });
}

void check_written(const void *memory, size_t bytes)
{
    each_cell(memory, bytes, [](Cell *c, uint8_t mask, const char *) { c->initialised |= mask; });
}

bool check_initialised(const void *memory, size_t bytes)
{
    bool all = true;
    each_cell(memory, bytes, [&all](Cell *c, uint8_t mask, const char *) {
        all = all && (c->initialised & mask) == mask;
    });
    return all;
}

static Cell *shared_cell(const char *p)
{
    if (is_dynamic(p)) return dynamic_cells + (p - dynamic_base);
    if (in_shared_segment(p)) return static_cells + (p - static_begin);
    return nullptr;
}

/* ---- Time ------------------------------------------------------------------------------------ */

void check_launch()
{
    if (!dynamic_cells) {
        dynamic_cells = reserve_cells(DYNAMIC_SPACE);
        static_cells = reserve_cells(1 << 20);
        for (const Variable &v : shared_variables())
            if (!static_begin || v.begin < static_begin) static_begin = v.begin;
    }
    launch_start = ++now;
    blocks.clear();
    released.clear();
}

void check_block()
{
    block_start = ++now;
    blocks.push_back(now);
    acquired.clear();
    fenced = false;
}

void check_barrier() { now++; }
void check_fence() { fenced = true; }

void check_syncwarp(Thread *const *lane, uint32_t mask)
{
    uint32_t joined[32] = {};
    for (int l = 0; l < 32; l++)
        for (int k = 0; k < 32 && (mask >> l & 1); k++)
            if (lane[l]->known[k] > joined[k]) joined[k] = lane[l]->known[k];
    for (int l = 0; l < 32; l++)
        if (mask >> l & 1) joined[l] = lane[l]->clock;
    for (int l = 0; l < 32; l++) {
        if (!(mask >> l & 1)) continue;
        memcpy(lane[l]->known, joined, sizeof joined);
        lane[l]->clock++;
    }
}

static size_t block_at(uint32_t time)
{
    size_t found = 0;
    for (size_t i = 0; i < blocks.size() && blocks[i] <= time; i++) found = i;
    return found;
}

/* ---- Races ----------------------------------------------------------------------------------- */

struct Access {
    Thread *thread;
    bool write, atomic;
    uint32_t place;
    const char *memory;
};

static const char *verb(const Access &a)
{
    return a.atomic ? "atomic" : a.write ? "write" : "read";
}

[[noreturn]] static void race(const Access &a, const char *other, uint32_t time, uint32_t thread,
                              uint32_t place)
{
    const bool here = time >= block_start;
    fail("data race", "%s: %s at %s\n  conflicts with %s by thread %u of %s at %s",
         memory_text(a.memory).c_str(), verb(a), place_text(a.place).c_str(), other, thread,
         here ? "this block" : "another block", place_text(place).c_str());
}

static bool same_warp_knows(const Access &a, uint32_t thread, uint32_t clock)
{
    return (int)(thread >> 5) == a.thread->warp && a.thread->known[thread & 31] >= clock;
}

static void against_write(const Cell *c, const Access &a, uint32_t since)
{
    const auto &w = c->write;
    if (w.time < since || (a.atomic && w.atomic)) return;
    if (w.time < block_start) {
        if (!acquired.count(block_at(w.time))) race(a, "write", w.time, w.thread, w.place);
    } else if (w.time == now && w.thread != a.thread->linear &&
               !same_warp_knows(a, w.thread, w.clock)) {
        race(a, "write", w.time, w.thread, w.place);
    }
}

static bool readers_unordered(const Cell *c, const Access &a)
{
    if (c->read.many || c->read.thread >> 5 != a.thread->warp) return true;
    for (uint32_t rest = c->read.lanes & ~(1u << a.thread->lane); rest; rest &= rest - 1)
        if (a.thread->known[__builtin_ctz(rest)] < c->read.clock) return true;
    return false;
}

static void against_reads(const Cell *c, const Access &a, uint32_t since)
{
    const auto &r = c->read;
    const uint32_t elsewhere[] = {r.other_block, r.time};
    for (uint32_t time : elsewhere)
        if (time >= since && time < block_start && !acquired.count(block_at(time)))
            race(a, "read", time, r.thread, r.place);
    if (r.time == now && readers_unordered(c, a)) race(a, "read", r.time, r.thread, r.place);
}

/* Whether the warp's reads so far are ordered before this read, which can then represent them
 * all. */
static bool knows_readers(const Cell *c, const Access &a)
{
    return a.thread->clock > c->read.clock && !readers_unordered(c, a);
}

static void note_read(Cell *c, uint8_t mask, const Access &a, uint32_t since)
{
    auto &r = c->read;
    if (r.time == now) {
        if (knows_readers(c, a)) {
            r.lanes = 0;
            r.clock = a.thread->clock;
        }
        r.many |= r.thread >> 5 != a.thread->warp;
        r.lanes |= 1u << a.thread->lane;
    } else {
        if (r.time >= since && r.time < block_start) r.other_block = r.time;
        if (r.other_block < since) r.other_block = 0;
        if (!r.other_block) r.mask = 0;
        r.time = now;
        r.lanes = 1u << a.thread->lane;
        r.clock = a.thread->clock;
        r.many = false;
    }
    r.thread = (uint16_t)a.thread->linear;
    r.mask |= mask;
    r.place = a.place;
}

/* Check an access; those before `since` are ordered before it. */
static void check_cell(Cell *c, uint8_t mask, const Access &a, uint32_t since)
{
    if (c->pending && c->write.time >= since)
        fail("cp.async not waited for", "%s: %s at %s, the copy issued at %s is in flight",
             memory_text(a.memory).c_str(), verb(a), place_text(a.place).c_str(),
             place_text(c->write.place).c_str());
    if (c->write.mask & mask) against_write(c, a, since);
    if (!a.write) {
        note_read(c, mask, a, since);
        return;
    }
    if (c->read.mask & mask) against_reads(c, a, since);
    c->read = {};
    c->write = {now, a.thread->clock, a.place, (uint16_t)a.thread->linear, mask, a.atomic};
}

void check_pending(const void *memory, size_t bytes, bool pending)
{
    Cell *c = shared_cell((const char *)memory);
    for (size_t i = 0; c && i < bytes; i++) c[i].pending = pending;
}

/* ---- An access, by the kind of memory -------------------------------------------------------- */

static void access_shared(Cell *c, size_t bytes, const Access &a)
{
    const char *p = a.memory;
    if (is_dynamic(p)) {
        if (p + bytes > dynamic_base + dynamic_bytes)
            fail("out of bounds", "%s of %zu bytes at dynamic shared offset %td of %zu, at %s",
                 verb(a), bytes, p - dynamic_base, dynamic_bytes, place_text(a.place).c_str());
    } else {
        const Variable *v = shared_variable(p);
        if (!v || p + bytes > v->begin + v->bytes)
            fail("out of bounds", "%s of %zu bytes past a static shared variable, at %s", verb(a),
                 bytes, place_text(a.place).c_str());
    }
    for (size_t i = 0; i < bytes; i++) {
        Access byte = a;
        byte.memory = p + i;
        if (!a.write && c[i].write.time < block_start)
            fail("uninitialised shared memory", "%zu-byte read of %s at %s", bytes,
                 memory_text(p).c_str(), place_text(a.place).c_str());
        check_cell(c + i, 1, byte, block_start);
    }
}

static void access_device(size_t bytes, const Access &a)
{
    if (a.atomic) {
        std::set<size_t> &seen = released[a.memory];
        acquired.insert(seen.begin(), seen.end());
        if (fenced) seen.insert(blocks.size() - 1);
    }
    each_cell(a.memory, bytes, [&](Cell *c, uint8_t mask, const char *p) {
        Access part = a;
        part.memory = p;
        if ((c->allocated & mask) != mask)
            fail("out of bounds", "%s of global memory %p, which is not allocated, at %s", verb(a),
                 (const void *)p, place_text(a.place).c_str());
        if ((!a.write || a.atomic) && (c->initialised & mask) != mask)
            fail("uninitialised global memory", "%s of %p at %s", verb(a), (const void *)p,
                 place_text(a.place).c_str());
        check_cell(c, mask, part, launch_start);
        if (a.write) c->initialised |= mask;
    });
}

void check_access(Thread *thread, const void *memory, size_t bytes, bool write, bool atomic,
                  Where where, const void *code)
{
    const char *p = (const char *)memory;
    if (p >= thread->fiber->low && p < thread->fiber->low + thread->fiber->size) return;
    const Access a = {thread, write, atomic, place_id(code, where), p};
    if (Cell *c = shared_cell(p))
        access_shared(c, bytes, a);
    else if (is_device(p))
        access_device(bytes, a);
    else if (p < __executable_start || p >= _end) /* else: parameters, __constant__, __device__ */
        fail("kernel touches host memory", "%s of %p at %s", verb(a), memory,
             place_text(a.place).c_str());
}

/* The functions that the compiler calls. */
static inline void touch(const void *memory, size_t bytes, bool write, size_t align,
                         const void *code)
{
    if (!in_kernel || !current) return;
    if ((uintptr_t)memory & (align - 1))
        fail("misaligned access", "%s of %zu bytes at %p, at %s", write ? "write" : "read", bytes,
             memory, place_of(code).c_str());
    check_access(current, memory, bytes, write, false, Where{}, code);
}

} // namespace simt

#define CODE __builtin_return_address(0)
#define ENTRY(name, bytes, write, align)                                                           \
    extern "C" void __tsan_##name##bytes(void *p) { simt::touch(p, bytes, write, align, CODE); }
#define ENTRIES(bytes)                                                                             \
    ENTRY(read, bytes, false, bytes)                                                               \
    ENTRY(write, bytes, true, bytes)                                                               \
    ENTRY(volatile_read, bytes, false, bytes)                                                      \
    ENTRY(volatile_write, bytes, true, bytes)                                                      \
    ENTRY(unaligned_read, bytes, false, 1)                                                         \
    ENTRY(unaligned_write, bytes, true, 1)
ENTRIES(1)
ENTRIES(2)
ENTRIES(4)
ENTRIES(8)
ENTRIES(16)

extern "C" {
void __tsan_read_range(void *p, size_t bytes) { simt::touch(p, bytes, false, 1, CODE); }
void __tsan_write_range(void *p, size_t bytes) { simt::touch(p, bytes, true, 1, CODE); }
void __tsan_init() {}
void __tsan_func_entry(void *) {}
void __tsan_func_exit() {}
void *__tsan_memcpy(void *to, const void *from, size_t bytes)
{
    simt::touch(from, bytes, false, 1, CODE);
    simt::touch(to, bytes, true, 1, CODE);
    return memcpy(to, from, bytes);
}
void *__tsan_memset(void *to, int value, size_t bytes)
{
    simt::touch(to, bytes, true, 1, CODE);
    return memset(to, value, bytes);
}
}
