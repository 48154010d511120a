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
 * Windows. The events that a user gives to the split are one window where they are at most
 * length+1. A longer history is cut into windows of length+1 events, from its end on, which overlap
 * by half. The targets of a window are the events that have at least length/2 events before them in
 * it; in the first window of a history all events but the first. The window's last event is only a
 * target, and the state s' after that target. So contexts of every size up to `length` are trained,
 * and every transition (state, next event) appears exactly once an epoch.
 *
 * Ties. The state before an event is the one before all events of its time. Events of the first
 * time of a history have no state, and are no targets. An event that has more than length/2 events
 * of its own time before it in the file gets the longest context that length+1 events leave; one
 * that has `length` of them is no target.
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
