/* The stream: histories -> packed batches (data/batch.h).
 *
 * A token is one event of a history. The batch's arrays are dense over `tokens` (the constant
 * budget); rows used .. tokens-1 are padding at the end (target -1): at most 2 % where windows are
 * short beside the budget, none where all windows have one length that divides it.
 *
 * Order. An epoch is a seeded two-level shuffle: the file is cut into blocks of consecutive users
 * (a sixteenth of the pool, at most 256 Ki events); blocks are drawn in a random order into a pool
 * of `pool_events` events; the windows of a pool are permuted together. When the events that the
 * stream needs fit in the pool this is one uniform permutation of all windows. The order depends on
 * (seed, epoch) alone, never on threads, nor on how the file is compressed.
 *
 * Windows, training (context 0). The events that a user gives to the split, at least two, are cut
 * into windows of at most `length` events, aligned to their end, each overlapping the next by one
 * event, so that every transition (state, next event) appears exactly once an epoch.
 *
 * Windows, evaluation (context c > 0). Every event of the split that has any event of its user
 * before it, in whatever split, is a target exactly once an epoch, in a window of at most `length`
 * events that ends in the split and shows at least min(c, all there are) events before the target.
 * c = length-1 gives every target the longest view, at a window a target; c = length/2 halves the
 * view in the worst case and costs two tokens a target. Tokens whose next event is not to be scored
 * have target -1, as the last one has. The target of token i of window w is row
 * first_event[w] + position[i] + 1 of /events.
 *
 * Packing. Windows are placed whole, in order, first fit into the open batch over a look-ahead of
 * 64 windows; never split, never padded between.
 *
 * Ranks. Several processes that train one model open the file each with its own rank, and take
 * turns: batch b of an epoch, numbered as one process alone would read it, belongs to rank
 * b % ranks, and is that rank's batch b / ranks. Together they read each window once an epoch. All
 * ranks have the same number of batches in an epoch, so that one cursor serves all of them: where
 * the last round has fewer than `ranks` batches, the ranks without one get a batch that has no
 * window and is padding only. Every rank plans the batches of all ranks, but reads the events of its
 * own; columns that have to be decoded are decoded by every rank.
 *
 * The cursor (epoch, batch) names the next batch; a stream opened at a cursor gives the same bytes
 * as one that got there by reading. What comes before the cursor is planned, not read.
 *
 * Memory: columns that have to be decoded are decoded a pool at a time, each block once; with
 * threads the next pool is decoded ahead: 2 x pool_events x (18 + 4 event numbers) bytes. Columns
 * that lie in the file as in memory are read in place.
 */
#ifndef SOUK_STREAM_H
#define SOUK_STREAM_H

#include "data/behaviour/behaviour.h"
#include "data/stream/batch.h"

typedef struct {
    int split;           /* SPLIT_TRAIN, SPLIT_VALID or SPLIT_TEST */
    int64_t tokens;      /* budget of a batch */
    int64_t length;      /* longest window, 2 .. tokens */
    int64_t context;     /* 0: training windows; 1 .. length-1: evaluation windows */
    int64_t pool_events; /* shuffle pool, events */
    uint64_t seed;
    int threads;  /* readers; 0: read in the calling thread */
    bool shuffle; /* false: file order */
    int rank;     /* 0 .. ranks-1 */
    int ranks;    /* that share the batches; 0 is 1 */
} StreamOptions;

typedef struct Stream Stream;
Status stream_open(Stream **s, const Behaviour *b, const StreamOptions *options, StreamCursor at);
/* The next batch, valid until the next call. Runs on into the next epoch; the last batch of an
 * epoch may be short. */
Status stream_next(Stream *s, const Batch **batch);
/* Batches in an epoch. */
Status stream_batches(Stream *s, int64_t epoch, int64_t *batches);
void stream_close(Stream *s); /* joins its threads; safe on NULL */

#endif
