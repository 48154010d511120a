/* SPDX-License-Identifier: Apache-2.0 */
/* What the lanes of a warp do together (shuffles, votes, matrix products, matrix loads), and the
 * asynchronous copies of each thread.
 *
 * One function, collective(), serves all that lanes do together: a lane puts its operands into its
 * slot and waits; the last lane of the mask to arrive computes the results of all lanes.
 */
#include "internal.h"

namespace simt
{

typedef void Work(void *const *payload, uint32_t mask, Thread *const *lane);

struct Slot {
    uint32_t mask;
    Work *work;
    void *payload;
    const char *what;
    Where where;
};
struct Warp {
    uint32_t exist, pending, returned;
    Slot slot[32];
    Thread *lane[32];
};
static std::vector<Warp> warps;

void warps_begin(int threads)
{
    warps.assign((size_t)(threads + 31) / 32, Warp());
    for (int i = 0; i < threads; i++) {
        warps[(size_t)i / 32].exist |= 1u << (i & 31);
        warps[(size_t)i / 32].lane[i & 31] = &block.thread[(size_t)i];
    }
}

void warps_reset()
{
    for (Warp &w : warps) w.pending = w.returned = 0;
}

void warp_exit(const Thread *thread) { warps[(size_t)thread->warp].returned |= 1u << thread->lane; }

uint32_t warp_mask(const Thread *thread)
{
    return warps[(size_t)thread->warp].slot[thread->lane].mask;
}

static void check_mask(const Warp &w, uint32_t mask, const char *what, Where where)
{
    if (!(mask >> current->lane & 1))
        fail("warp divergence", "%s at %s:%d: the calling lane is not in mask %08x", what,
             where.file, where.line, mask);
    if (mask & ~w.exist)
        fail("warp divergence", "%s at %s:%d: mask %08x names lanes the block does not have", what,
             where.file, where.line, mask);
    if (mask & w.returned)
        fail("warp divergence", "%s at %s:%d: mask %08x names lanes that have returned (%08x)",
             what, where.file, where.line, mask, w.returned & mask);
}

/* Whether all lanes of the mask have arrived, which must all be at the same place in the source.
 * While some are missing, it is enough to compare with one of the others. */
static bool all_here(const Warp &w, const Slot &mine)
{
    bool all = (mine.mask & w.pending) == mine.mask;
    for (uint32_t rest = mine.mask & w.pending & ~(1u << current->lane); rest; rest &= rest - 1) {
        const int lane = __builtin_ctz(rest);
        const Slot &other = w.slot[lane];
        if (other.mask != mine.mask) {
            all = false;
            continue;
        }
        if (other.what != mine.what || other.where.line != mine.where.line ||
            other.where.file != mine.where.file)
            fail("warp divergence",
                 "lane %d is in %s at %s:%d, this lane in %s at %s:%d, mask %08x", lane, other.what,
                 other.where.file, other.where.line, mine.what, mine.where.file, mine.where.line,
                 mine.mask);
        if (!all) break;
    }
    return all;
}

static void collective(uint32_t mask, Work *work, void *payload, const char *what, Where where)
{
    Warp &w = warps[(size_t)current->warp];
    check_mask(w, mask, what, where);
    w.slot[current->lane] = Slot{mask, work, payload, what, where};
    w.pending |= 1u << current->lane;
    if (!all_here(w, w.slot[current->lane])) {
        wait_here(WAITS_WARP, what, where);
        return;
    }
    void *payloads[32] = {};
    for (int l = 0; l < 32; l++)
        if (mask >> l & 1) payloads[l] = w.slot[l].payload;
    work(payloads, mask, w.lane);
    w.pending &= ~mask;
    for (int i = 0; i < 32; i++) {
        const int l = order() == ASCENDING ? 31 - i : i;
        if (mask >> l & 1) make_ready(w.lane[l]);
    }
    fiber_yield(current->fiber);
}

/* ---- Shuffles and votes ---------------------------------------------------------------------- */

struct Shuffled {
    uint64_t in, out;
    Shuffle kind;
    int argument, width;
    Where where;
};

static int source_lane(const Shuffled &s, int lane)
{
    const int first = lane & ~(s.width - 1);
    int from = lane;
    switch (s.kind) {
    case SHUFFLE_INDEX: return first | (s.argument & (s.width - 1));
    case SHUFFLE_UP: from = lane - s.argument; return from < first ? lane : from;
    case SHUFFLE_DOWN: from = lane + s.argument; break;
    case SHUFFLE_XOR: from = lane ^ s.argument; break;
    }
    return from >= first + s.width ? lane : from;
}

static void do_shuffle(void *const *payload, uint32_t mask, Thread *const *)
{
    for (int l = 0; l < 32; l++) {
        if (!(mask >> l & 1)) continue;
        Shuffled &mine = *(Shuffled *)payload[l];
        const int from = source_lane(mine, l);
        if (!(mask >> from & 1))
            fail("warp divergence",
                 "shuffle at %s:%d: lane %d reads lane %d, which is not in mask %08x",
                 mine.where.file, mine.where.line, l, from, mask);
        mine.out = ((Shuffled *)payload[from])->in;
    }
}

uint64_t shuffle(unsigned mask, uint64_t value, Shuffle kind, int argument, int width, Where where)
{
    static const char *const names[] = {"__shfl_sync", "__shfl_up_sync", "__shfl_down_sync",
                                        "__shfl_xor_sync"};
    if (width < 1 || width > 32 || (width & (width - 1)))
        fail("bad shuffle width", "%d at %s:%d", width, where.file, where.line);
    Shuffled s = {value, 0, kind, argument, width, where};
    collective(mask, do_shuffle, &s, names[kind], where);
    return s.out;
}

struct Voted {
    uint64_t value;
    unsigned result;
    Vote kind;
};

static unsigned reduced(Vote kind, unsigned a, unsigned b)
{
    switch (kind) {
    case VOTE_ADD: return a + b;
    case VOTE_MIN: return a < b ? a : b;
    case VOTE_MAX: return a > b ? a : b;
    case VOTE_SIGNED_MIN: return (int)a < (int)b ? a : b;
    default: return (int)a > (int)b ? a : b;
    }
}

static unsigned matching(void *const *payload, uint64_t value)
{
    unsigned lanes = 0;
    for (int l = 0; l < 32; l++)
        if (payload[l] && ((Voted *)payload[l])->value == value) lanes |= 1u << l;
    return lanes;
}

static void do_vote(void *const *payload, uint32_t mask, Thread *const *lane)
{
    const int first = __builtin_ctz(mask);
    const Vote kind = ((Voted *)payload[first])->kind;
    if (kind == VOTE_SYNC && SIMT_CHECK) check_syncwarp(lane, mask);
    unsigned ballot = 0, all = (unsigned)((Voted *)payload[first])->value;
    for (int l = first; l < 32; l++) {
        if (!payload[l]) continue;
        const uint64_t value = ((Voted *)payload[l])->value;
        if (value) ballot |= 1u << l;
        if (l > first && kind >= VOTE_ADD) all = reduced(kind, all, (unsigned)value);
    }
    for (int l = first; l < 32; l++) {
        if (!payload[l]) continue;
        Voted &mine = *(Voted *)payload[l];
        switch (kind) {
        case VOTE_SYNC: break;
        case VOTE_BALLOT: mine.result = ballot; break;
        case VOTE_ANY: mine.result = ballot != 0; break;
        case VOTE_ALL: mine.result = ballot == mask; break;
        case VOTE_MATCH: mine.result = matching(payload, mine.value); break;
        default: mine.result = all;
        }
    }
}

unsigned vote(unsigned mask, Vote kind, uint64_t value, Where where)
{
    static const char *const names[VOTES] = {
        "__syncwarp",        "__ballot_sync",     "__any_sync",        "__all_sync",
        "__match_any_sync",  "__reduce_add_sync", "__reduce_min_sync", "__reduce_max_sync",
        "__reduce_min_sync", "__reduce_max_sync"};
    Voted v = {value, 0, kind};
    collective(mask, do_vote, &v, names[kind], where);
    return v.result;
}

/* ---- Tensor cores: mma.m16n8k16 on bfloat16, ldmatrix ---------------------------------------- */

struct Product {
    float *d;
    const uint32_t *a, *b;
    const float *c;
};

static float low_half(uint32_t pair) { return __uint_as_float(pair << 16); }
static float high_half(uint32_t pair) { return __uint_as_float(pair & 0xffff0000u); }

/* Lane l, g = l/4, t = l%4. Register i of A: row g + 8(i&1), columns 2t + 8(i>>1) and the next; of
 * B: rows 2t + 8i and the next, column g; of C and D: row g + 8(i>>1), column 2t + (i&1). */
static void do_product(void *const *payload, uint32_t, Thread *const *)
{
    float a[16][16], b[16][8];
    for (int l = 0; l < 32; l++) {
        const Product &p = *(Product *)payload[l];
        const int g = l >> 2, t = l & 3;
        for (int i = 0; i < 4; i++) {
            float *to = &a[g + 8 * (i & 1)][2 * t + 8 * (i >> 1)];
            to[0] = low_half(p.a[i]);
            to[1] = high_half(p.a[i]);
        }
        for (int i = 0; i < 2; i++) {
            b[2 * t + 8 * i][g] = low_half(p.b[i]);
            b[2 * t + 8 * i + 1][g] = high_half(p.b[i]);
        }
    }
    for (int l = 0; l < 32; l++) {
        const Product &p = *(Product *)payload[l];
        for (int i = 0; i < 4; i++) {
            const int row = (l >> 2) + 8 * (i >> 1), column = 2 * (l & 3) + (i & 1);
            float sum = 0.0f;
            for (int k = 0; k < 16; k++) sum += a[row][k] * b[k][column];
            p.d[i] = p.c[i] + sum;
        }
    }
}

void mma_m16n8k16(float *d, const uint32_t *a, const uint32_t *b, const float *c, Where where)
{
    Product p = {d, a, b, c};
    collective(~0u, do_product, &p, "mma.sync", where);
}

/* With AddressSanitizer, static shared memory cannot be distinguished from the program's other
 * memory. */
static bool is_shared(const void *memory)
{
    return is_dynamic(memory) || shared_variable(memory) || (SIMT_ASAN && !is_device(memory));
}

struct MatrixLoad {
    uint32_t *r;
    int count;
    bool transposed;
    const char *row;
    Where where;
};

/* Lane 8m + r names row r of matrix m; lane l receives of each matrix row l/4, columns 2(l%4) and
 * the next, or the transpose's. */
static void do_matrix_load(void *const *payload, uint32_t, Thread *const *lane)
{
    const MatrixLoad &first = *(MatrixLoad *)payload[0];
    for (int m = 0; m < first.count; m++) {
        uint16_t x[8][8];
        for (int r = 0; r < 8; r++) {
            const MatrixLoad &q = *(MatrixLoad *)payload[8 * m + r];
            if ((uintptr_t)q.row & 15)
                fail("misaligned ldmatrix", "lane %d, row at %p, at %s:%d", 8 * m + r,
                     (const void *)q.row, q.where.file, q.where.line);
            if (!is_shared(q.row))
                fail("ldmatrix outside shared memory", "lane %d, row at %p, at %s:%d", 8 * m + r,
                     (const void *)q.row, q.where.file, q.where.line);
            if (SIMT_CHECK)
                check_access(lane[8 * m + r], q.row, 16, false, false, q.where, nullptr);
            memcpy(x[r], q.row, 16);
        }
        for (int l = 0; l < 32; l++) {
            const int r = l >> 2, c = 2 * (l & 3);
            const uint32_t low = first.transposed ? x[c][r] : x[r][c];
            const uint32_t high = first.transposed ? x[c + 1][r] : x[r][c + 1];
            ((MatrixLoad *)payload[l])->r[m] = low | high << 16;
        }
    }
}

void ldmatrix(uint32_t *r, int count, bool transposed, const void *row, Where where)
{
    MatrixLoad load = {r, count, transposed, (const char *)row, where};
    collective(~0u, do_matrix_load, &load, transposed ? "ldmatrix.trans" : "ldmatrix", where);
}

/* ---- Fences and atomics, for the checker ----------------------------------------------------- */

void fence()
{
    if (SIMT_CHECK) check_fence();
}

void note_atomic(const void *memory, size_t bytes, Where where)
{
    if ((uintptr_t)memory & (bytes - 1))
        fail("misaligned atomic", "%zu bytes at %p, at %s:%d", bytes, memory, where.file,
             where.line);
    if (SIMT_CHECK) check_access(current, memory, bytes, true, true, where, nullptr);
}

/* ---- Asynchronous copies --------------------------------------------------------------------- */

/* Copies run as late as allowed, so that code without a wait reads old bytes. In some orders half
 * of them run as early as allowed, so that they overwrite a stage that is still being read. */
static void perform(Thread *thread, Copy &c)
{
    if (c.done) return;
    c.done = true;
    if (SIMT_CHECK) {
        check_pending(c.to, (size_t)c.bytes, false);
        if (c.from_bytes)
            check_access(thread, c.from, (size_t)c.from_bytes, false, false, c.where, nullptr);
        check_access(thread, c.to, (size_t)c.bytes, true, false, c.where, nullptr);
    }
    memcpy(c.to, c.from, (size_t)c.from_bytes);
    memset(c.to + c.from_bytes, 0, (size_t)(c.bytes - c.from_bytes));
}

void cp_async(void *to, const void *from, int bytes, int from_bytes, Where where)
{
    Thread *t = current;
    if (((uintptr_t)to | (uintptr_t)from) & (unsigned)(bytes - 1))
        fail("misaligned cp.async", "%d bytes from %p to %p at %s:%d", bytes, from, to, where.file,
             where.line);
    if (!is_shared(to))
        fail("cp.async outside shared memory", "to %p at %s:%d", to, where.file, where.line);
    t->copies.push_back(Copy{(char *)to, (const char *)from, bytes, from_bytes, where, false});
    if (SIMT_CHECK) {
        check_access(t, to, (size_t)bytes, true, false, where, nullptr);
        check_pending(to, (size_t)bytes, true);
    } else if (order() == RANDOM && (random_bits() & 1)) {
        perform(t, t->copies.back());
    }
}

void cp_async_commit() { current->groups.push_back(current->copies.size()); }

void cp_async_wait(int pending)
{
    Thread *t = current;
    const size_t keep = (size_t)pending;
    if (t->groups.size() <= keep) return;
    const size_t groups = t->groups.size() - keep, copies = t->groups[groups - 1];
    for (size_t i = 0; i < copies; i++) perform(t, t->copies[i]);
    t->copies.erase(t->copies.begin(), t->copies.begin() + (long)copies);
    t->groups.erase(t->groups.begin(), t->groups.begin() + (long)groups);
    for (size_t &end : t->groups) end -= copies;
}

} // namespace simt
