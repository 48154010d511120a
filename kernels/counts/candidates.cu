/* SPDX-License-Identifier: Apache-2.0 */
/* Candidates on CUDA: a block of threads a row. Shared memory holds a hash of the neighbours with
 * their sums. Entries of one x_d at a time are added between barriers: its neighbours differ, so
 * that no two threads meet, and each sum has the order of d. What own has of an entry is added up
 * in integers, in any order. Bound by the latency of 20 rounds of reads and barriers.
 */
#include "counts/candidates.h"

#include "base/cuda/cuda.cuh"

enum { THREADS = 256, WARPS = THREADS / WARP, NEIGHBOURS_MAX = 128, FREE = -1 };

/* The word of a bucket: bits 0..6 votes, bit 7 listed from the history, and from bit 8 on the
 * number of own's events with the item. */
enum { VOTES = 0x7F, LISTED = 0x80, OWN_EVENT = 0x100 };

/* The sums over d; when they are complete, their roundings and the prior. */
typedef union {
    struct {
        double after, before;
    } sum;
    struct {
        float after, before, prior, popularity;
    } all;
} Sums;

typedef struct {
    const int32_t *item, *cu_seqlens, *own_offset, *token;
    const PairEvent *own;
    const int64_t *time;
    const int32_t *neighbour;
    const float *next, *after, *before, *popularity, *weight;
    int32_t *out_item;
    float *out_feature, *out_state;
    int64_t tokens, windows, items;
    int width, neighbours, buckets;
} CandidatesPass;

/* Shared memory of fixed size. */
typedef struct {
    unsigned long long own_after[NEIGHBOURS_MAX], own_before[NEIGHBOURS_MAX], own_weight;
    unsigned own_next[NEIGHBOURS_MAX];
    int32_t row[NEIGHBOURS_MAX]; /* the neighbours of x_d */
    float first_next[NEIGHBOURS_MAX], first_after[NEIGHBOURS_MAX], first_before[NEIGHBOURS_MAX];
    float weight[COUNT_HISTORY];
    unsigned long long best[COUNT_CANDIDATES_MAX];
    int32_t history[COUNT_REPEATS], is_first[COUNT_REPEATS], chosen[COUNT_CANDIDATES_MAX];
    unsigned taken;
} Fixed;

typedef struct {
    Fixed *fixed;
    int32_t *item;  /* [buckets] FREE or the bucket's item */
    unsigned *word; /* [buckets] */
    Sums *sums;     /* [buckets] */
    unsigned mask;
} Hash;

/* Of a row's history: how many items are listed, and how many events repeat an item. */
typedef struct {
    int items, repeats;
} Listed;

/* A row's window. */
typedef struct {
    int64_t token, length, owns;
    const PairEvent *own;
    int events, votes; /* of the history, for repeats and for sums */
} RowAt;

/* ---- The hash -------------------------------------------------------------------------------- */

static __device__ __forceinline__ unsigned hash_of(int32_t item)
{
    return (unsigned)item * 0x9E3779B1u >> 12;
}

/* The item's bucket, taken where it has none. */
static __device__ unsigned meet(const Hash &h, int32_t item)
{
    unsigned at = hash_of(item) & h.mask;
    for (;; at = (at + 1) & h.mask) {
        const int32_t old = atomicCAS(&h.item[at], (int)FREE, item);
        if (old == FREE || old == item) return at;
    }
}

/* After a barrier behind the last `meet`. -1: the item has no bucket. */
static __device__ int find(const Hash &h, int32_t item)
{
    unsigned at = hash_of(item) & h.mask;
    while (h.item[at] != item) {
        if (h.item[at] == FREE) return -1;
        at = (at + 1) & h.mask;
    }
    return (int)at;
}

/* ---- The history ----------------------------------------------------------------------------- */

static __device__ int64_t window_of(const CandidatesPass &p, int64_t token)
{
    int64_t low = 0, high = p.windows; /* cu_seqlens[low] <= token < cu_seqlens[high] */
    while (high - low > 1) {
        const int64_t middle = (low + high) / 2;
        if (p.cu_seqlens[middle] <= token)
            low = middle;
        else
            high = middle;
    }
    return low;
}

static __device__ RowAt row_at(const CandidatesPass &p, int64_t token)
{
    device_require(token < p.cu_seqlens[p.windows]);
    const int64_t w = window_of(p, token);
    RowAt row = {};
    row.token = token;
    row.length = token - p.cu_seqlens[w] + 1;
    row.own = p.own + p.own_offset[w];
    row.owns = p.own_offset[w + 1] - p.own_offset[w];
    row.events = row.length < COUNT_REPEATS ? (int)row.length : (int)COUNT_REPEATS;
    row.votes = row.length < COUNT_HISTORY ? (int)row.length : (int)COUNT_HISTORY;
    return row;
}

/* The number of events with an item, and d of the latest, -1: none. */
typedef struct {
    int latest, count;
} Events;

static __device__ __forceinline__ Events events_of(const Fixed *f, const RowAt &row, int32_t item)
{
    Events e = {-1, 0};
    for (int d = row.events - 1; d >= 0; d--)
        if (f->history[d] == item) e.latest = d, e.count++;
    return e;
}

/* Put the items of the history into the hash, and the latest of them into the list. */
static __device__ Listed list_history(const CandidatesPass &p, const Hash &h, const RowAt &row)
{
    Fixed *f = h.fixed;
    const int d = (int)threadIdx.x;
    const int32_t item = d < row.events ? p.item[row.token - d] : -1;
    device_require(item < p.items);
    if (d < row.events) f->history[d] = item;
    __syncthreads();
    const bool is_first = item >= 0 && events_of(f, row, item).latest == d;
    const unsigned bucket = is_first ? meet(h, item) : 0;
    if (d < row.events) f->is_first[d] = is_first;
    __syncthreads();
    int before = 0, distinct = 0, with_item = 0;
    for (int e = 0; e < row.events; e++) {
        if (e < d) before += f->is_first[e];
        distinct += f->is_first[e];
        with_item += f->history[e] >= 0;
    }
    const int most = p.width / 4;
    if (is_first && before < most) {
        f->chosen[before] = item;
        h.word[bucket] |= LISTED;
    }
    return {distinct < most ? distinct : most, with_item - distinct};
}

/* ---- Votes ----------------------------------------------------------------------------------- */

/* The place of y among the neighbours of x_d, -1: none. */
static __device__ int place_of(const int32_t *row, int neighbours, int32_t y)
{
    int low = 0, high = neighbours; /* unused places, -1, are above all items as unsigned numbers */
    while (low < high) {
        const int middle = (low + high) / 2;
        if ((unsigned)row[middle] < (unsigned)y)
            low = middle + 1;
        else
            high = middle;
    }
    return low < neighbours && row[low] == y ? low : -1;
}

/* Add the pairs of own that begin or end with x: a warp an event, a lane a gap. */
static __device__ void add_own(Fixed *f, const CandidatesPass &p, const RowAt &row, int32_t x)
{
    const int lane = (int)threadIdx.x % WARP, gap = lane + 1;
    for (int64_t base = threadIdx.x - lane; base < row.owns; base += THREADS) {
        const bool here = base + lane < row.owns && row.own[base + lane].item == x;
        unsigned found = __ballot_sync(ALL_LANES, here);
        for (; found; found &= found - 1) {
            const int64_t i = base + __ffs((int)found) - 1;
            if (gap > COUNT_GAP) continue;
            const int32_t second = row.own[i].second;
            if (i + gap < row.owns) {
                const PairEvent next = row.own[i + gap];
                const unsigned long long units = pair_units(gap, pair_step(second, next.second));
                atomicAdd(&f->own_weight, 2 * units);
                const int k = place_of(f->row, p.neighbours, next.item);
                if (k >= 0) atomicAdd(&f->own_after[k], units);
                if (k >= 0 && gap == 1) atomicAdd(&f->own_next[k], 1u);
            }
            if (i - gap >= 0) {
                const PairEvent last = row.own[i - gap];
                const unsigned long long units = pair_units(gap, pair_step(last.second, second));
                atomicAdd(&f->own_weight, units);
                const int k = place_of(f->row, p.neighbours, last.item);
                if (k >= 0) atomicAdd(&f->own_before[k], units);
            }
        }
    }
}

static __device__ float left_of(float all, unsigned long long own, double unit, double least)
{
    const double left = (double)all - (double)own / unit;
    return left < least ? 0.0f : (float)left;
}

static __device__ void add_votes_of(const CandidatesPass &p, const Hash &h, const RowAt &row, int d)
{
    Fixed *f = h.fixed;
    const int32_t x = f->history[d];
    const double unit = COUNT_UNITS, share = 1.0f / (float)(1 + d);
    const int64_t first = (int64_t)x * p.neighbours;
    for (int k = (int)threadIdx.x; k < p.neighbours; k += THREADS) {
        f->row[k] = p.neighbour[first + k];
        f->own_after[k] = f->own_before[k] = 0;
        f->own_next[k] = 0;
    }
    if (threadIdx.x == 0) f->own_weight = 0;
    __syncthreads();
    if (row.owns > 0) {
        add_own(f, p, row, x);
        __syncthreads();
    }
    for (int k = (int)threadIdx.x; k < p.neighbours; k += THREADS) {
        float after = 0.0f, before = 0.0f;
        if (f->row[k] >= 0) {
            after = left_of(p.after[first + k], f->own_after[k], unit, PAIR_NONE);
            before = left_of(p.before[first + k], f->own_before[k], unit, PAIR_NONE);
        }
        const bool absent = !(after > 0.0f || before > 0.0f);
        if (d == 0) {
            f->first_next[k] = absent ? 0.0f : p.next[first + k] - (float)f->own_next[k];
            f->first_after[k] = after;
            f->first_before[k] = before;
        }
        if (absent) continue;
        const unsigned at = meet(h, f->row[k]);
        h.word[at]++;
        h.sums[at].sum.after += (double)after * share;
        h.sums[at].sum.before += (double)before * share;
    }
    if (threadIdx.x == 0)
        f->weight[d] = left_of(p.weight[x], f->own_weight, 2.0 * unit, PAIR_NONE_OF_ITEM);
    __syncthreads();
}

/* The sums become roundings and priors. */
static __device__ void finish_sums(const CandidatesPass &p, const Hash &h, const RowAt &row)
{
    for (int64_t i = threadIdx.x; i < row.owns; i += THREADS) {
        const int at = find(h, row.own[i].item);
        if (at >= 0) atomicAdd(&h.word[at], (unsigned)OWN_EVENT);
    }
    __syncthreads();
    for (unsigned at = threadIdx.x; at <= h.mask; at += THREADS) {
        if (h.item[at] == FREE) continue;
        const float popularity = p.popularity[h.item[at]] - (float)(h.word[at] / OWN_EVENT);
        device_require(popularity >= 0.0f);
        const double after = h.sums[at].sum.after, before = h.sums[at].sum.before;
        const float scale = 1.0f / sqrtf(1.0f + popularity);
        h.sums[at].all = {(float)after, (float)before, (float)(after + 0.5 * before) * scale,
                          popularity};
    }
    __syncthreads();
}

/* ---- The choice ------------------------------------------------------------------------------ */

/* 0 where the bucket's item cannot be chosen; else it rises with the prior, and falls with the item
 * among equal ones. */
static __device__ __forceinline__ unsigned long long key_of(const Hash &h, unsigned at)
{
    const unsigned word = h.word[at];
    if ((word & VOTES) == 0 || (word & LISTED) != 0) return 0;
    const unsigned bits = __float_as_uint(h.sums[at].all.prior);
    return (unsigned long long)bits << 32 | (unsigned)~h.item[at];
}

static __device__ int count_from(const Hash &h, unsigned long long least)
{
    int count = 0;
    for (unsigned at = threadIdx.x; at <= h.mask; at += THREADS) count += key_of(h, at) >= least;
    return block_sum<THREADS>(count);
}

/* Append the best neighbours to the `count` listed items; returns how many items there are then.
 * The least key of the chosen is found bit by bit. Keys differ. */
static __device__ int choose(const CandidatesPass &p, const Hash &h, int count)
{
    Fixed *f = h.fixed;
    const int all = count_from(h, 1), room = p.width - count, most = all < room ? all : room;
    unsigned long long least = 0;
    for (int bit = 62, from = all; from > most && most > 0; bit--) {
        const unsigned long long higher = least | 1ull << bit;
        const int above = count_from(h, higher);
        if (above >= most) least = higher, from = above;
    }
    if (most == 0) return count;
    for (unsigned at = threadIdx.x; at <= h.mask; at += THREADS) {
        const unsigned long long key = key_of(h, at);
        if (key != 0 && key >= least) f->best[atomicAdd(&f->taken, 1u)] = key;
    }
    __syncthreads();
    for (int i = (int)threadIdx.x; i < most; i += THREADS) {
        int above = 0;
        for (int j = 0; j < most; j++) above += f->best[j] > f->best[i];
        f->chosen[count + above] = (int32_t) ~(unsigned)f->best[i];
    }
    __syncthreads();
    return count + most;
}

/* ---- Features -------------------------------------------------------------------------------- */

static __device__ float seconds(const CandidatesPass &p, int64_t from, int64_t to)
{
    return (float)((double)(p.time[to] - p.time[from]) / 1000.0);
}

static __device__ void write_candidate(const CandidatesPass &p, const Hash &h, const RowAt &row,
                                       int32_t item, float *to)
{
    const Fixed *f = h.fixed;
    const int at = find(h, item);
    const Sums sums = h.sums[at];
    const int k = f->history[0] < 0 ? -1
                                    : place_of(p.neighbour + (int64_t)f->history[0] * p.neighbours,
                                               p.neighbours, item);
    const float next = k < 0 ? 0.0f : f->first_next[k], weight = f->weight[0];
    const float both = k < 0 ? 0.0f : f->first_after[k] + 0.5f * f->first_before[k];
    to[0] = logf(1.0f + 10.0f * next);
    to[1] = logf(1.0f + 10.0f * sums.all.after);
    to[2] = logf(1.0f + 10.0f * sums.all.before);
    to[3] = logf(1.0f + 10.0f * both);
    to[4] = logf(1.0f + (float)(h.word[at] & VOTES));
    to[5] = logf(1.0f + sums.all.popularity);
    to[6] = logf(1e-3f + sums.all.prior);
    to[7] = weight > 0.0f ? logf(1.0f + 20.0f * both / weight) : 0.0f;
    const Events e = events_of(f, row, item);
    const bool seen = e.count > 0;
    to[8] = seen;
    to[9] = seen ? logf(1.0f + (float)e.latest) : 0.0f;
    to[10] = seen ? logf((float)e.count) : 0.0f;
    to[11] = item == f->history[0];
    to[12] = seen ? 0.2f * logf(1.0f + seconds(p, row.token - e.latest, row.token)) : 0.0f;
}

static __device__ void write_state(const CandidatesPass &p, const Hash &h, const RowAt &row,
                                   float repeats, int count, float *to)
{
    const Fixed *f = h.fixed;
    const int at = f->history[0] < 0 ? -1 : find(h, f->history[0]);
    const bool two = row.length > 1;
    float weight = 0.0f;
    for (int d = 0; d < row.votes; d++) weight += f->weight[d] / (float)(1 + d);
    to[0] = logf(1.0f + (float)row.length);
    to[1] = logf(1.0f + f->weight[0]);
    to[2] = at < 0 || !(h.sums[at].all.popularity > 0.0f);
    to[3] = logf(1.0f + weight);
    to[4] = repeats / (float)row.events;
    to[5] = logf(1.0f + (float)count) / 2.0f;
    to[6] = two && at >= 0 && f->history[1] == f->history[0];
    to[7] = two ? logf(1.0f + seconds(p, row.token - 1, row.token)) / 5.0f : 0.0f;
}

/* ---- Rows ------------------------------------------------------------------------------------ */

static __global__ void __launch_bounds__(THREADS, 4) candidates_kernel(CandidatesPass p)
{
    DYNAMIC_SHARED(memory);
    const int64_t r = blockIdx.x;
    int32_t *out_item = p.out_item + r * p.width;
    float *out_feature = p.out_feature + r * p.width * COUNT_FEATURES;
    float *out_state = p.out_state + r * COUNT_STATE_FEATURES;
    int count = 0;
    Hash h = {};
    RowAt row = {};
    if (p.token[r] >= 0) {
        h.sums = (Sums *)memory;
        h.fixed = (Fixed *)(h.sums + p.buckets);
        h.item = (int32_t *)(h.fixed + 1);
        h.word = (unsigned *)(h.item + p.buckets);
        h.mask = (unsigned)p.buckets - 1;
        for (int at = (int)threadIdx.x; at < p.buckets; at += THREADS) {
            h.item[at] = FREE;
            h.word[at] = 0;
            h.sums[at].sum = {0.0, 0.0};
        }
        if (threadIdx.x == 0) h.fixed->taken = 0;
        row = row_at(p, p.token[r]);
        const Listed listed = list_history(p, h, row);
        __syncthreads();
        for (int d = 0; d < row.votes; d++)
            if (h.fixed->history[d] >= 0)
                add_votes_of(p, h, row, d);
            else if (threadIdx.x == 0)
                h.fixed->weight[d] = 0.0f;
        finish_sums(p, h, row);
        count = choose(p, h, listed.items);
        if (threadIdx.x == 0) write_state(p, h, row, (float)listed.repeats, count, out_state);
    } else if (threadIdx.x < COUNT_STATE_FEATURES) {
        out_state[threadIdx.x] = 0.0f;
    }
    for (int j = (int)threadIdx.x; j < p.width; j += THREADS) {
        out_item[j] = j < count ? h.fixed->chosen[j] : -1;
        if (j < count)
            write_candidate(p, h, row, h.fixed->chosen[j], out_feature + j * COUNT_FEATURES);
        else
            for (int f = 0; f < COUNT_FEATURES; f++) out_feature[j * COUNT_FEATURES + f] = 0.0f;
    }
}

void candidates_cuda(Device *dev, CandidatesOutput out, CandidatesInput in, const CountTable *table)
{
    CandidatesPass p = {};
    p.item = i32(in.item), p.cu_seqlens = i32(in.cu_seqlens);
    p.own_offset = i32(in.own_offset), p.token = i32(in.token);
    p.own = (const PairEvent *)in.own.data;
    p.time = (const int64_t *)in.time.data;
    p.neighbour = i32(table->item), p.next = f32(table->next);
    p.after = f32(table->after), p.before = f32(table->before);
    p.popularity = f32(table->popularity), p.weight = f32(table->weight);
    p.out_item = i32(out.item), p.out_feature = f32(out.feature), p.out_state = f32(out.state);
    p.windows = in.cu_seqlens.dim[0] - 1, p.items = table->item.dim[0];
    p.width = (int)out.item.dim[1], p.neighbours = (int)table->item.dim[1];
    /* At most two thirds of the buckets are ever taken. */
    p.buckets = 64;
    while (2 * p.buckets < 3 * (COUNT_HISTORY * p.neighbours + COUNT_REPEATS)) p.buckets *= 2;
    const size_t of_bucket = sizeof(Sums) + sizeof(int32_t) + sizeof(unsigned);
    const size_t shared = sizeof(Fixed) + (size_t)p.buckets * of_bucket;
    if (p.neighbours > NEIGHBOURS_MAX || shared > (size_t)dev->cuda->shared) {
        device_fail(dev, FAIL(ERR_DEVICE,
                              "counts with %d neighbours an item, of which a GPU takes at most %d, "
                              "with %zu bytes of shared memory, of which this one has %d",
                              p.neighbours, (int)NEIGHBOURS_MAX, shared, dev->cuda->shared));
        return;
    }
    LAUNCH(dev, candidates_kernel, (unsigned)in.token.dim[0], THREADS, shared, p);
}
