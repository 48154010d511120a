/* SPDX-License-Identifier: Apache-2.0 */
/* Shared by tests of the counts: a log in memory, the table that counts it, and windows of it. The
 * counts are exact integers. */
#ifndef SOUK_TEST_COUNTS_CASE_H
#define SOUK_TEST_COUNTS_CASE_H

#include "op.h"

#include "counts/candidates.h"

/* User u has the events offset[u] .. offset[u + 1] - 1. */
typedef struct {
    int32_t users, items, *offset, *item;
    int64_t *time;
} Log;

/* Counts of all users but one, dense [items, items]; after is in units of 1/COUNT_UNITS. */
typedef struct {
    int32_t items;
    int64_t *next, *after, *popularity;
} Counts;

static inline void *new_array(int64_t count, Dtype dtype) { return NEW(dtype, count).data; }

/* The time to the next event: often none, mostly minutes, sometimes days or months. */
static inline int64_t wait_ms(Philox p)
{
    const int64_t most[] = {0,      500000, 500000,    500000,
                            500000, 500000, 100000000, INT64_C(30000000000)};
    return (int64_t)((double)most[p.word[2] % 8] * p.word[3] * 0x1p-32);
}

/* Users of very different lengths, the longest last; few items are frequent. Some of the times are
 * before 1970. */
static inline Log make_log(int32_t users, int32_t items, uint64_t seed)
{
    Log data = {users, items, new_array(users + 1, I32), NULL, NULL};
    for (int32_t u = 0; u < users; u++) data.offset[u + 1] = data.offset[u] + (u < 3 ? u : u * u);
    const int32_t events = data.offset[users];
    data.item = new_array(events, I32), data.time = new_array(events, I64);
    for (int32_t u = 0; u < users; u++) {
        int64_t time = u % 4 == 1 ? -70000 : 1600000000000 + u;
        for (int32_t e = data.offset[u]; e < data.offset[u + 1]; e++) {
            const Philox p = philox(seed, (uint64_t)u, (uint64_t)e);
            const double share = p.word[0] * 0x1p-32;
            data.item[e] = (int32_t)(items * share * share);
            if (p.word[1] % 4 == 0 && e > data.offset[u]) data.item[e] = data.item[e - 1];
            data.time[e] = time += wait_ms(p);
        }
    }
    return data;
}

/* What a pair weighs, in units of 1/COUNT_UNITS: by its definition (counts/pair.h). q keeps four
 * binary digits. */
static inline int64_t pair_of(int32_t gap, int64_t earlier_ms, int64_t later_ms)
{
    const double seconds = floor((double)later_ms / 1000) - floor((double)earlier_ms / 1000);
    const double n = fmin(seconds + 256, 0x1p24), digit = exp2(floor(log2(n)) - 3);
    const double q = seconds == 0 ? 65536 : floor(n / digit) * digit;
    return (int64_t)floor((double)COUNT_UNITS / gap * pow(256 / q, 0.125) + 0.5);
}

/* without: the user who is left out, -1: none. */
static inline Counts recount(const Log *data, int32_t without)
{
    const int64_t n = data->items;
    Counts c = {data->items, new_array(n * n, I64), new_array(n * n, I64), new_array(n, I64)};
    for (int32_t u = 0; u < data->users; u++) {
        if (u == without) continue;
        for (int32_t j = data->offset[u]; j < data->offset[u + 1]; j++) {
            c.popularity[data->item[j]]++;
            for (int32_t i = data->offset[u]; i < j; i++) {
                const int64_t at = data->item[i] * n + data->item[j];
                if (j - i == 1) c.next[at]++;
                if (j - i <= COUNT_GAP) c.after[at] += pair_of(j - i, data->time[i], data->time[j]);
            }
        }
    }
    return c;
}

/* F(x, y) + B(x, y) / 2 in half units. */
static inline int64_t both_of(const Counts *c, int32_t x, int32_t y)
{
    return 2 * c->after[x * (int64_t)c->items + y] + c->after[y * (int64_t)c->items + x];
}

/* Whether y is one of the `width` neighbours of x with the most weight; ties go to the lower. */
static inline bool keeps(const Counts *c, int32_t x, int32_t y, int64_t width)
{
    const int64_t weight = both_of(c, x, y);
    int64_t above = 0;
    for (int32_t other = 0; other < c->items; other++) {
        const int64_t w = both_of(c, x, other);
        above += w > weight || (w == weight && other < y);
    }
    return weight > 0 && above < width;
}

static inline float units(int64_t count) { return (float)((double)count / COUNT_UNITS); }

static inline CountTable table_of(const Counts *c, int64_t width)
{
    const int64_t n = c->items;
    const CountTable t = {.item = NEW(I32, n, width),
                          .next = NEW(F32, n, width),
                          .after = NEW(F32, n, width),
                          .before = NEW(F32, n, width),
                          .popularity = NEW(F32, n),
                          .weight = NEW(F32, n)};
    for (int32_t x = 0; x < n; x++) {
        int64_t at = x * width, weight = 0;
        for (int32_t y = 0; y < n; y++) {
            weight += both_of(c, x, y);
            if (!keeps(c, x, y, width)) continue;
            i32(t.item)[at] = y;
            f32(t.next)[at] = (float)c->next[x * n + y];
            f32(t.after)[at] = units(c->after[x * n + y]);
            f32(t.before)[at++] = units(c->after[y * n + x]);
        }
        for (; at < (x + 1) * width; at++) i32(t.item)[at] = -1;
        f32(t.popularity)[x] = (float)c->popularity[x];
        f32(t.weight)[x] = (float)((double)weight / (2.0 * COUNT_UNITS));
    }
    return t;
}

/* All events of user u, as own events. */
static inline void add_own(const Log *data, int32_t u, int32_t *own)
{
    for (int32_t e = data->offset[u]; e < data->offset[u + 1]; e++) {
        *own++ = data->item[e];
        *own++ = (int32_t)floor((double)data->time[e] / 1000);
    }
}

/* Windows of at most `length` events over the histories of all users, one after another, every
 * token a row; own is the user's whole history, or nothing. Rows without a token stand between. */
static inline CandidatesInput windows_of(const Log *data, int32_t length, bool own, int32_t *user)
{
    const int32_t events = data->offset[data->users];
    int64_t windows = 0, owns = 0, rows = 0;
    for (int32_t u = 0; u < data->users; u++) {
        const int32_t count = data->offset[u + 1] - data->offset[u];
        windows += (count + length - 1) / length;
        owns += (own ? count : 0) * (int64_t)((count + length - 1) / length);
    }
    CandidatesInput in = {.item = NEW(I32, events),
                          .cu_seqlens = NEW(I32, windows + 2),
                          .time = NEW(I64, events),
                          .own_offset = NEW(I32, windows + 2),
                          .own = NEW(I32, owns, 2),
                          .token = NEW(I32, events + windows + 1)};
    memcpy(in.item.data, data->item, tensor_bytes(in.item));
    memcpy(in.time.data, data->time, tensor_bytes(in.time));
    int64_t w = 0;
    for (int32_t u = 0; u < data->users; u++)
        for (int32_t first = data->offset[u]; first < data->offset[u + 1]; first += length, w++) {
            const int32_t end =
                first + length < data->offset[u + 1] ? first + length : data->offset[u + 1];
            const int32_t count = own ? data->offset[u + 1] - data->offset[u] : 0;
            i32(in.token)[rows++] = -1;
            for (int32_t t = first; t < end; t++) i32(in.token)[rows++] = t;
            i32(in.cu_seqlens)[w + 1] = end;
            if (own) add_own(data, u, i32(in.own) + 2 * i32(in.own_offset)[w]);
            i32(in.own_offset)[w + 1] = i32(in.own_offset)[w] + count;
            user[w] = u;
        }
    i32(in.token)[rows] = -1;
    i32(in.cu_seqlens)[windows + 1] = events; /* an empty window */
    i32(in.own_offset)[windows + 1] = i32(in.own_offset)[windows];
    return in;
}

static inline CandidatesOutput new_output(int64_t rows, int64_t width)
{
    const CandidatesOutput out = {.item = NEW(I32, rows, width),
                                  .feature = NEW(F32, rows, width, COUNT_FEATURES),
                                  .state = NEW(F32, rows, COUNT_STATE_FEATURES)};
    memset(out.item.data, 77, tensor_bytes(out.item));
    memset(out.feature.data, 77, tensor_bytes(out.feature));
    memset(out.state.data, 77, tensor_bytes(out.state));
    return out;
}

#endif
