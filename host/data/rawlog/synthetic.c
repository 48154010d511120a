/* SPDX-License-Identifier: Apache-2.0 */
#include "data/rawlog/synthetic.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/parallel.h"
#include "base/progress.h"
#include "base/rng.h"

enum {
    CHUNK_SESSIONS = 4096,
    CLUSTER_ITEMS = 50,
    VIEWS_MAX = 60,
    BOT_EVERY = 50000,
    ROW_BYTES_MAX = 160,
    RADIX = 2048,
};
enum { VIEW, CART, PURCHASE, REVIEW };
#define START_S      INT64_C(1717200000) /* 2024-06-01 */
#define SESSION_MEAN 7.2                 /* events */
#define RATE(share)  ((uint32_t)((share)*4294967296.0))

typedef struct {
    int64_t time; /* s */
    int64_t user, item;
    uint32_t chance; /* random bits that decide what is wrong with the row */
    uint8_t action;
} Event;

typedef struct {
    Event *event;
    int64_t count, capacity;
    uint64_t *order[2];
    char *text;
    size_t length;
    int64_t rows;
    bool failed;
} Chunk;

typedef struct {
    const SyntheticOptions *o;
    int64_t users, items, clusters, sessions;
    float log_clusters, log_ranks;
} Shop;

/* A rank 0 .. n-1 by Zipf's law with exponent 1, by inversion; log_n is log(n + 1). */
static int64_t zipf(uint32_t word, float log_n, int64_t n)
{
    const int64_t rank = (int64_t)expf(philox_uniform(word) * log_n) - 1;
    return rank < n ? rank : n - 1;
}

static int64_t item_of(const Shop *shop, int64_t cluster, int64_t rank)
{
    const int64_t item = rank * shop->clusters + cluster;
    return item < shop->items ? item : cluster;
}

static int64_t favourite(const Shop *shop, int64_t user, int which)
{
    const Philox p = philox(shop->o->seed, 1, (uint64_t)user);
    return zipf(p.word[which], shop->log_clusters, shop->clusters);
}

static void add(Chunk *c, Event event)
{
    if (c->count == c->capacity) {
        c->capacity = c->capacity ? 2 * c->capacity : CHUNK_SESSIONS * 12;
        Event *fresh = realloc(c->event, (size_t)c->capacity * sizeof *fresh);
        c->failed |= !fresh;
        if (!fresh) return;
        c->event = fresh;
    }
    c->event[c->count++] = event;
}

/* The item viewed after `item`. */
static int64_t next_item(const Shop *shop, int64_t item, Philox p)
{
    static const int64_t step[] = {1, 3, 7, 12};
    const int64_t cluster = item % shop->clusters, rank = item / shop->clusters;
    if (p.word[0] < RATE(0.55)) {
        const uint32_t w = p.word[1];
        const int k = w < RATE(0.5) ? 0 : w < RATE(0.75) ? 1 : w < RATE(0.9) ? 2 : 3;
        return item_of(shop, cluster, (rank + step[k]) % CLUSTER_ITEMS);
    }
    const int64_t popular = zipf(p.word[1], shop->log_ranks, CLUSTER_ITEMS);
    if (p.word[0] < RATE(0.85)) return item_of(shop, cluster, popular);
    if (p.word[0] < RATE(0.95)) return item_of(shop, (cluster * 7 + 1) % shop->clusters, popular);
    return item_of(shop, zipf(p.word[2], shop->log_clusters, shop->clusters), popular);
}

static void add_bot(const Shop *shop, Chunk *c, int64_t session, int64_t time)
{
    const Philox size = philox(shop->o->seed, 8, (uint64_t)session);
    const int64_t events = 400 + size.word[0] % 1100;
    const int64_t user = shop->users + session / BOT_EVERY;
    for (int64_t i = 0; i < events; i++) {
        const Philox p = philox(shop->o->seed, 1024 + (uint64_t)i, (uint64_t)session);
        add(c, (Event){time + i / 5, user, p.word[0] % shop->items, p.word[1], VIEW});
    }
}

static int64_t session_start(const Shop *shop, int64_t session, uint32_t word)
{
    const double place = ((double)session + philox_uniform(word)) / (double)shop->sessions;
    const double day = place * shop->o->days, whole = floor(day), share = day - whole;
    /* Density 1 - 0.75 cos: fewest at midnight, most at noon, in UTC. */
    const double warped =
        share - 0.75 / 6.283185307179586 * sinf((float)(6.283185307179586 * share));
    return START_S + (int64_t)((whole + 2 * share - warped) * 86400.0);
}

static void add_session(const Shop *shop, Chunk *c, int64_t session)
{
    const uint64_t seed = shop->o->seed;
    const Philox s = philox(seed, 2, (uint64_t)session), t = philox(seed, 3, (uint64_t)session);
    const float active = philox_uniform(s.word[0]);
    const int64_t user = (int64_t)(active * active * (float)shop->users);
    int64_t time = session_start(shop, session, s.word[1]), carted[VIEWS_MAX];
    if (session % BOT_EVERY == BOT_EVERY / 50) add_bot(shop, c, session, time);

    const uint32_t w = s.word[2];
    int64_t cluster = favourite(shop, user, w < RATE(0.6) ? 0 : w < RATE(0.85) ? 1 : 2);
    if (w > RATE(0.95)) cluster = zipf(t.word[0], shop->log_clusters, shop->clusters);
    int64_t item = item_of(shop, cluster, zipf(s.word[3], shop->log_ranks, CLUSTER_ITEMS));
    const int views = 1 + (int)(-5.2f * logf(1.0f - philox_uniform(t.word[1])));
    const float to_cart = 0.06f + 0.12f * philox_uniform((uint32_t)(user * 2654435761u));
    int carts = 0;
    if (t.word[2] < RATE(0.03)) add(c, (Event){time - 40, user, item, t.word[3], REVIEW});
    for (int v = 0; v < views && v < VIEWS_MAX; v++) {
        const Philox p = philox(seed, 16 + 2 * (uint64_t)v, (uint64_t)session);
        const Philox q = philox(seed, 17 + 2 * (uint64_t)v, (uint64_t)session);
        if (v) item = next_item(shop, item, p);
        add(c, (Event){time, user, item, q.word[0], VIEW});
        time += 4 + (int64_t)expf(5.5f * philox_uniform(p.word[3]));
        if (philox_uniform(q.word[1]) >= to_cart) continue;
        add(c, (Event){time - 2, user, item, q.word[2], CART});
        if (q.word[3] < RATE(0.45)) carted[carts++] = item;
    }
    for (int i = 0; i < carts; i++)
        add(c, (Event){time + 20, user, carted[i], s.word[0] * 31u + (uint32_t)i, PURCHASE});
}

/* Stable, by time; the events of a chunk span less than 2^33 seconds. */
static const uint64_t *sort_by_time(Chunk *c)
{
    int64_t first = INT64_MAX;
    for (int64_t i = 0; i < c->count; i++)
        if (c->event[i].time < first) first = c->event[i].time;
    uint64_t *from = c->order[0], *to = c->order[1], largest = 0;
    for (int64_t i = 0; i < c->count; i++) {
        from[i] = (uint64_t)(c->event[i].time - first) << 24 | (uint64_t)i;
        if (from[i] > largest) largest = from[i];
    }
    for (int shift = 24; shift < 64 && largest >> shift; shift += 11) {
        int64_t start[RADIX + 1] = {0};
        for (int64_t i = 0; i < c->count; i++) start[(from[i] >> shift & (RADIX - 1)) + 1]++;
        for (int d = 0; d < RADIX; d++) start[d + 1] += start[d];
        for (int64_t i = 0; i < c->count; i++)
            to[start[from[i] >> shift & (RADIX - 1)]++] = from[i];
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    return from;
}

static char *put_number(char *out, uint64_t value)
{
    char digits[24];
    int n = 0;
    do digits[n++] = (char)('0' + value % 10);
    while (value /= 10);
    while (n) *out++ = digits[--n];
    return out;
}

static char *put_text(char *out, const char *text)
{
    const size_t length = strlen(text);
    memcpy(out, text, length);
    return out + length;
}

static char *put_price(char *out, const Event *e)
{
    static const uint64_t scale[] = {1, 2, 3, 5, 8, 13, 25, 60};
    const uint64_t h = (uint64_t)e->item * UINT64_C(0x9E3779B97F4A7C15) >> 20;
    const uint64_t week = (uint64_t)(e->time / 604800);
    const uint64_t drift = 95 + ((h ^ week * 0x9E3779B9u) >> 7) % 11;
    const uint64_t cents = (100 + h % 900) * scale[h >> 12 & 7] * drift / 100;
    out = put_number(out, cents / 100);
    *out++ = '.';
    *out++ = (char)('0' + cents / 10 % 10);
    *out++ = (char)('0' + cents % 10);
    return out;
}

static char *put_row(char *out, const Shop *shop, const Event *e)
{
    static const char *const name[] = {"view", "cart", "purchase", "review"};
    out = put_number(out, 500000000u + (uint64_t)e->user);
    *out++ = ',';
    out = put_number(out, 1000000u + (uint64_t)e->item);
    *out++ = ',';
    if (e->chance % 1000 >= 5) {
        out = put_text(out, "shelf-");
        out = put_number(out, (uint64_t)(e->item % shop->clusters / 4));
    }
    *out++ = ',';
    out = put_text(out, name[e->action]);
    *out++ = ',';
    out = put_number(out, (uint64_t)e->time);
    *out++ = ',';
    if (e->chance / 1000 % 1000 >= 10) out = put_price(out, e);
    *out++ = '\n';
    return out;
}

static char *put_malformed(char *out, const Event *e)
{
    switch (e->chance % 5) {
    case 0: return put_text(out, "500000001,1000001,view\n");
    case 1: return put_text(out, "500000001,1000001,shelf-0,view,n/a,1.00\n");
    case 2: return put_text(out, "500000001,1000001,shelf-0,clikc,1717200000,1.00\n");
    case 3: return put_text(out, ",1000001,shelf-0,view,1717200000,1.00\n");
    default: return put_text(out, "500000001,1000001,shelf-0,view,1717200000,1.00.0\n");
    }
}

static void make_chunk(const Shop *shop, Chunk *c, int64_t number)
{
    c->count = c->rows = 0;
    c->length = 0;
    for (int64_t s = 0; s < CHUNK_SESSIONS; s++) add_session(shop, c, number * CHUNK_SESSIONS + s);
    for (int i = 0; i < 2; i++) {
        free(c->order[i]);
        c->order[i] = malloc((size_t)c->count * sizeof *c->order[i]);
        c->failed |= !c->order[i];
    }
    free(c->text);
    c->text = malloc((size_t)c->count * ROW_BYTES_MAX);
    c->failed |= !c->text;
    if (c->failed) return;
    const uint64_t *order = sort_by_time(c);
    char *out = c->text;
    for (int64_t i = 0; i < c->count; i++) {
        const Event *e = &c->event[order[i] & 0xffffff];
        const uint32_t dirt = e->chance / 1000000;
        out = put_row(out, shop, e);
        c->rows++;
        if (dirt % 1000 == 7) out = put_row(out, shop, e), c->rows++;
        if (shop->o->noise && (e->chance >> 3) % 10000 == 13)
            out = put_malformed(out, e), c->rows++;
    }
    c->length = (size_t)(out - c->text);
}

/* Bytes of the first `rows` rows. */
static size_t bytes_of_rows(const Chunk *c, int64_t rows)
{
    const char *at = c->text;
    while (rows-- > 0) at = (const char *)memchr(at, '\n', c->length) + 1;
    return (size_t)(at - c->text);
}

static Status write_rounds(const Shop *shop, Chunk *chunk, int chunks, FILE *out, const char *path)
{
    Progress progress;
    int64_t rows = 0;
    progress_begin(&progress, "generating", shop->o->events, shop->o->listener);
    for (int64_t first = 0; rows < shop->o->events; first += chunks) {
#pragma omp parallel for schedule(dynamic) num_threads(parallel_threads(shop->o->threads))
        for (int i = 0; i < chunks; i++) make_chunk(shop, &chunk[i], first + i);
        for (int i = 0; i < chunks && rows < shop->o->events; i++) {
            if (chunk[i].failed) return FAIL(ERR_MEMORY, "no memory to generate");
            const int64_t left = shop->o->events - rows;
            const size_t bytes =
                chunk[i].rows <= left ? chunk[i].length : bytes_of_rows(&chunk[i], left);
            if (fwrite(chunk[i].text, 1, bytes, out) != bytes)
                return FAIL(ERR_IO, "%s: cannot write: %s", path, strerror(errno));
            rows += chunk[i].rows <= left ? chunk[i].rows : left;
        }
        TRY(progress_update(&progress, rows, NULL));
    }
    progress_end(&progress, NULL);
    return OK;
}

static Status write_log(const Shop *shop, FILE *out, const char *path)
{
    const int chunks = 4 * parallel_threads(shop->o->threads);
    Chunk *chunk = calloc((size_t)chunks, sizeof *chunk);
    if (!chunk) return FAIL(ERR_MEMORY, "no memory to generate");
    fputs("user_id,item_id,category,action,timestamp,price\n", out);
    Status st;
    TRY_OR_FAIL(st, write_rounds(shop, chunk, chunks, out, path));
    if (fflush(out) != 0 || ferror(out))
        st = FAIL(ERR_IO, "%s: cannot write: %s", path, strerror(errno));
fail:
    for (int i = 0; i < chunks; i++) {
        free(chunk[i].event);
        free(chunk[i].order[0]);
        free(chunk[i].order[1]);
        free(chunk[i].text);
    }
    free(chunk);
    return st;
}

static Status plan_shop(const SyntheticOptions *o, Shop *shop)
{
    *shop = (Shop){.o = o, .users = o->users, .items = o->items};
    if (o->events < 1 || o->days < 1 || o->days > 3650)
        return FAIL(ERR_USAGE,
                    "%" PRId64 " events over %d days, want at least 1 event over 1 to 3650 days",
                    o->events, o->days);
    if (shop->users == 0) shop->users = o->events / 50 > 10 ? o->events / 50 : 10;
    if (shop->items == 0) shop->items = shop->users / 5 > 50 ? shop->users / 5 : 50;
    if (o->items == 0 && shop->items > 1000000) shop->items = 1000000;
    if (shop->users < 1 || shop->items < 1 || shop->users > 1000000000 || shop->items > 1000000000)
        return FAIL(ERR_USAGE,
                    "%" PRId64 " users and %" PRId64 " items, want 1 to 1,000,000,000 of each",
                    shop->users, shop->items);
    shop->clusters = (shop->items + CLUSTER_ITEMS - 1) / CLUSTER_ITEMS;
    shop->log_clusters = logf((float)shop->clusters + 1.0f);
    shop->log_ranks = logf((float)CLUSTER_ITEMS + 1.0f);
    shop->sessions = (int64_t)((double)o->events / SESSION_MEAN) + 1;
    return OK;
}

Status synthetic_write(const SyntheticOptions *options, const char *path)
{
    Shop shop;
    char temporary[4096];
    TRY(plan_shop(options, &shop));
    if (strcmp(path, "-") == 0) return write_log(&shop, stdout, path);
    snprintf(temporary, sizeof temporary, "%s.tmp", path);
    FILE *out = fopen(temporary, "we");
    if (!out) return FAIL(ERR_IO, "%s: cannot create: %s", temporary, strerror(errno));
    const Status st = write_log(&shop, out, path);
    fclose(out); /* nothing is left in its buffer */
    /* Not flushed to the disk, as files_atomic_write does: the log can be generated again. */
    if (st == OK && rename(temporary, path) == 0) return OK;
    const Status failed =
        st == OK ? FAIL(ERR_IO, "%s: cannot rename into place: %s", path, strerror(errno)) : st;
    unlink(temporary);
    return failed;
}
