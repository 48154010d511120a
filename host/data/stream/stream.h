/* SPDX-License-Identifier: Apache-2.0 */
/* The stream: histories -> packed batches (batch.h).
 *
 * A token is one event of a history. The batch's arrays have `tokens` rows, the same number in
 * every batch; rows used .. tokens-1 are padding (target -1): at most 2 % where windows are much
 * shorter than a batch, none where all windows have one length that divides `tokens`.
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
 * before it, in whatever split, is a target exactly once an epoch. Its window has at most `length`
 * events, ends in the split, and has at least c events before the target, or all where there are
 * fewer. With c = length-1 a target has as much context as possible, but needs a window of its own.
 * With c = length/2 it has at worst half of that, and costs two tokens. Tokens whose next event is
 * not scored have target -1, as the last one has. The target of token i of window w is row
 * first_event[w] + position[i] + 1 of /events.
 *
 * Packing. Windows are never split, and there is no padding between them. They are taken in order;
 * one that is too long for the rest of the open batch is skipped, at most 64 of them, and is the
 * first to be considered for the next batch.
 *
 * Ranks. Several processes that train one model open the file each with its own rank, and take
 * turns: batch b of an epoch, numbered as one process alone would read it, belongs to rank
 * b % ranks, and is that rank's batch b / ranks. Together they read each window once an epoch. All
 * ranks have the same number of batches in an epoch, so that one cursor serves all of them: where
 * the last round has fewer than `ranks` batches, the ranks without one get a batch that has no
 * window and is padding only. Every rank plans the batches of all ranks, but reads only the events
 * of its own batches; columns that have to be decoded are decoded by every rank.
 *
 * The cursor (epoch, batch) names the next batch; a stream opened at a cursor gives the same bytes
 * as one that arrived there by reading. Batches before the cursor are planned, but not read.
 *
 * Memory: columns that have to be decoded are decoded a pool at a time, each block once; with
 * threads the next pool is decoded ahead: 2 x pool_events x (18 + 4 event numbers) bytes. Columns
 * that the file stores as they are in memory are read in place.
 */
#ifndef SOUK_STREAM_H
#define SOUK_STREAM_H

#include "data/behaviour/behaviour.h"
#include "data/stream/batch.h"
#include "data/stream/options.h"

typedef struct Stream Stream;
Status stream_open(Stream **s, const Behaviour *b, const StreamOptions *options, StreamCursor at);
/* The next batch, valid until the next call. After the last batch of an epoch, which may be short,
 * comes the first one of the next epoch. */
Status stream_next(Stream *s, const Batch **batch);
/* Batches in an epoch. */
Status stream_batches(Stream *s, int64_t epoch, int64_t *batches);
void stream_close(Stream *s); /* joins its threads; safe on NULL */

#endif
