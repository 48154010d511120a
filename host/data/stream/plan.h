/* SPDX-License-Identifier: Apache-2.0 */
/* The order of a stream: which windows are in which batch (stream.h says how). It is planned one
 * pool at a time and depends only on the options and on the file's offsets and splits; no event is
 * read. */
#ifndef SOUK_PLAN_H
#define SOUK_PLAN_H

#include "data/behaviour/schema.h"
#include "data/stream/batch.h"
#include "data/stream/options.h"

/* Consecutive users of the file. */
typedef struct {
    int64_t first_user, end_user;
    int64_t first, end; /* rows of /events that their windows need */
} Block;

/* A window, and the block that has its events. */
typedef struct {
    Window window;
    int64_t pool;  /* serial number of the pool */
    int32_t block; /* of the pool */
} PlannedWindow;

typedef struct {
    int64_t serial; /* number of the pool: 0, 1, … since the plan was opened */
    bool last;      /* of its epoch */
    int32_t blocks;
    Block *block; /* [blocks] */
    int64_t windows, drawn;
    PlannedWindow *window; /* [windows] in the epoch's order */
} PoolPlan;

void plan_pool_close(PoolPlan *p); /* safe on {0} */

/* The windows of a planned batch, their events, and their own events (batch.h). */
typedef struct {
    int64_t windows, used, own;
    PlannedWindow *window; /* [tokens/2] */
} WindowList;

enum { LOOK_AHEAD = 64 };

typedef struct {
    const Behaviour *file;
    StreamOptions options;
    int64_t own_capacity; /* of a batch */
    int64_t blocks;
    Block *block;            /* [blocks] that have windows, in file order */
    int64_t *order;          /* [blocks] the order of the blocks in `epoch` */
    int64_t epoch, position; /* of the next pool: its epoch, and the index in `order` of its first
                              * block */
    int64_t pools;           /* planned so far: the serial number of the next one */
    int skips;
    PlannedWindow skipped[LOOK_AHEAD]; /* windows that had no space in an open batch */
    StreamCursor cursor;               /* of the next batch */
} Plan;

Status plan_open(Plan *p, const Behaviour *file, const StreamOptions *options, int64_t epoch);
void plan_close(Plan *p); /* safe on {0} */

/* The next pool. Only where p->blocks > 0. */
Status plan_pool(Plan *p, PoolPlan *pool);

/* Draw windows of `pool` into the open batch. Returns true when the batch is complete; then
 * p->cursor names the next batch. Returns false when the pool is used up before; the caller
 * continues the batch with the next pool. A new batch, without windows, takes skipped windows
 * first. */
bool plan_batch(Plan *p, PoolPlan *pool, WindowList *batch);

/* The lowest serial number among `otherwise` and the pools of skipped windows. */
int64_t plan_lowest_pool(const Plan *p, int64_t otherwise);

#endif
