/* SPDX-License-Identifier: Apache-2.0 */
/* The columns of a file and the bytes of a batch, for the tests of the stream. */
#ifndef SOUK_STREAM_CASE_H
#define SOUK_STREAM_CASE_H

#include "data/behaviour/columns.h"
#include "data/stream/stream.h"
#include "test.h"

static inline uint64_t hash_bytes(uint64_t hash, const void *data, size_t bytes)
{
    const unsigned char *p = data;
    for (size_t i = 0; i < bytes; i++) hash = (hash ^ p[i]) * 0x100000001b3u;
    return hash;
}

static inline uint64_t hash_batch(const Batch *b)
{
    const size_t n = (size_t)b->tokens, w = (size_t)b->windows;
    uint64_t h = 0xcbf29ce484222325u;
    h = hash_bytes(h, &b->used, sizeof b->used);
    h = hash_bytes(h, &b->cursor, sizeof b->cursor);
    h = hash_bytes(h, b->cu_seqlens, (w + 1) * 4);
    h = hash_bytes(h, b->user, w * 8);
    h = hash_bytes(h, b->first_event, w * 8);
    const void *const words[] = {b->item,  b->action, b->gap,           b->position,
                                 b->state, b->target, b->target_action, b->reward};
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) h = hash_bytes(h, words[i], n * 4);
    h = hash_bytes(h, b->time, n * 8);
    h = hash_bytes(h, b->end, n);
    h = hash_bytes(h, b->own_offset, (w + 1) * 4);
    h = hash_bytes(h, b->own, (size_t)b->own_offset[w] * sizeof *b->own);
    if (b->propensity) h = hash_bytes(h, b->propensity, n * 4);
    if (b->taken) h = hash_bytes(h, b->taken, n * 4);
    return b->feature ? hash_bytes(h, b->feature, n * (size_t)b->numbers * 4) : h;
}

/* As if its cursor were `at`. */
static inline uint64_t hash_batch_at(const Batch *b, StreamCursor at)
{
    Batch moved = *b;
    moved.cursor = at;
    return hash_batch(&moved);
}

typedef struct {
    int32_t *item;
    uint8_t *action, *end;
    int64_t *time;
    float *reward, *propensity, *feature[2];
} Columns;

static inline Columns read_columns(const Behaviour *b)
{
    const size_t n = (size_t)b->events;
    Columns c = {malloc(n * 4),
                 malloc(n),
                 malloc(n),
                 malloc(n * 8),
                 malloc(n * 4),
                 malloc(n * 4),
                 {malloc(n * 4), malloc(n * 4)}};
    assert_ok(columns_read(b, COLUMN_ITEM, 0, b->events, c.item));
    assert_ok(columns_read(b, COLUMN_ACTION, 0, b->events, c.action));
    assert_ok(columns_read(b, COLUMN_END, 0, b->events, c.end));
    assert_ok(columns_read(b, COLUMN_TIME, 0, b->events, c.time));
    assert_ok(columns_read(b, COLUMN_REWARD, 0, b->events, c.reward));
    if (b->has_propensity)
        assert_ok(columns_read(b, COLUMN_PROPENSITY, 0, b->events, c.propensity));
    for (int f = 0; f < b->event_features.numbers; f++)
        assert_ok(columns_read(b, (Column)(COLUMN_FEATURE + f), 0, b->events, c.feature[f]));
    return c;
}

static inline void free_columns(Columns *c)
{
    void *all[] = {c->item,   c->action,     c->end,        c->time,
                   c->reward, c->propensity, c->feature[0], c->feature[1]};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) free(all[i]);
}

#endif
