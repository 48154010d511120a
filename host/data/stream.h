/* The stream: histories -> packed batches.
 *
 * A token is one event of a history. The batch's arrays are dense over `tokens` (the constant
 * budget); rows used .. tokens-1 are zero-length padding at the end (target -1), at most 2 %.
 *
 * Order. An epoch is a seeded two-level shuffle: the file is cut into blocks of consecutive users
 * (about 64 Ki events); blocks are drawn in a random order into a pool; the users of a pool are
 * permuted together. With at most `pool_events` events in the split this is one uniform permutation
 * of all users. The order depends on (seed, epoch) alone, never on threads.
 *
 * Windows. A history longer than `length` is cut into windows of at most `length` events, aligned
 * to its end, each overlapping the next by one event, so that every transition (state, next event)
 * appears exactly once an epoch.
 *
 * Packing. Windows are placed whole, first fit into the open batch over a bounded look-ahead; never
 * split, never padded between.
 *
 * The cursor (epoch, batch) names the next batch; a stream opened at a cursor gives the same bytes
 * as one that got there by reading.
 */
#ifndef SOUK_STREAM_H
#define SOUK_STREAM_H

#include "data/behaviour.h"

typedef struct {
    int split;           /* SPLIT_TRAIN: events of that split only, as inputs and targets */
    int64_t tokens;      /* budget of a batch */
    int64_t length;      /* longest window, <= tokens */
    int64_t pool_events; /* shuffle pool, events */
    uint64_t seed;
    int threads;  /* readers; 0: read in the calling thread */
    bool shuffle; /* false: file order */
} StreamOptions;

typedef struct {
    int64_t epoch, batch;
} StreamCursor;

/* One packed batch. Token i of a window [cu_seqlens[w], cu_seqlens[w+1]) is the state after its
 * event; the action taken in that state is the NEXT event of the history (target, target_action,
 * reward, end describe that next event). A window's last token has target -1: it only serves as the
 * state s' of the transition before it. */
typedef struct {
    int64_t tokens, used, windows;
    int32_t *cu_seqlens;    /* [windows+1], cu_seqlens[windows] == used */
    int64_t *user;          /* [windows] */
    int64_t *first_event;   /* [windows] row of the window's first event in /events */
    int32_t *item;          /* [tokens] */
    int32_t *action;        /* [tokens] */
    int32_t *gap;           /* [tokens] time-gap bucket, see stream_gap_bucket */
    int32_t *position;      /* [tokens] 0-based in the window */
    int32_t *target;        /* [tokens] item of the next event; -1: none */
    int32_t *target_action; /* [tokens] its action; 0 where target is -1 */
    float *reward;          /* [tokens] its reward; 0 where target is -1 */
    uint8_t *end;           /* [tokens] its end flag; 0 where target is -1 */
    float *feature;         /* [tokens, event numbers] of the token's own event; NULL without */
    StreamCursor cursor;    /* of this batch */
} Batch;

enum { GAP_BUCKETS = 32 };
/* 0 for the first event of a window; else 1 + floor(log2(1 + seconds)), at most GAP_BUCKETS-1. */
int32_t stream_gap_bucket(int64_t gap_ms);

typedef struct Stream Stream;
Status stream_open(Stream **s, const Behaviour *b, const StreamOptions *options, StreamCursor at);
/* The next batch, valid until the next call. Runs on into the next epoch; the last batch of an
 * epoch may be short. */
Status stream_next(Stream *s, const Batch **batch);
/* Batches in the epoch that the cursor `at` stands in. */
Status stream_batches(Stream *s, int64_t epoch, int64_t *batches);
void stream_close(Stream *s); /* joins its threads; safe on NULL */

#endif
