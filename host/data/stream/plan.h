/* The order of a stream: which windows go into which batch (data/stream.h says how). Planned from
 * offsets and splits alone, a pool at a time; no event is read. A pure function of the options and
 * the file's offsets and splits.
 */
#ifndef SOUK_PLAN_H
#define SOUK_PLAN_H

#include "data/stream/stream.h"

/* Consecutive users of the file. */
typedef struct {
    int64_t first_user, end_user;
    int64_t first, end; /* rows of /events that their windows need */
} Block;

/* A window, and where its events are to be found. */
typedef struct {
    Window window;
    int64_t pool;  /* serial number of the pool */
    int32_t block; /* of the pool */
} PlannedWindow;

typedef struct {
    int64_t serial; /* 0, 1, … from where the plan began */
    bool last;      /* of its epoch */
    int32_t blocks;
    Block *block; /* [blocks] */
    int64_t windows, drawn;
    PlannedWindow *window; /* [windows] in the epoch's order */
} PoolPlan;

void plan_pool_close(PoolPlan *p); /* safe on {0} */

enum { LOOK_AHEAD = 64 };

typedef struct {
    const Behaviour *file;
    StreamOptions options;
    int64_t blocks;
    Block *block;            /* [blocks] with anything to read, in file order */
    int64_t *order;          /* [blocks] of the epoch that pools are planned of */
    int64_t epoch, position; /* the next pool: epoch, and first block in `order` */
    int64_t pools;           /* planned so far: the next one's serial number */
    int skips;
    PlannedWindow skipped[LOOK_AHEAD]; /* drawn, and too long for the batch then open */
    StreamCursor cursor;               /* of the next batch */
} Plan;

Status plan_open(Plan *p, const Behaviour *file, const StreamOptions *options, int64_t epoch);
void plan_close(Plan *p); /* safe on {0} */

/* The next pool. Only where p->blocks > 0. */
Status plan_pool(Plan *p, PoolPlan *pool);

/* Draw windows of `pool` into the open batch of *used tokens, which is `windows` long so far; `batch`
 * holds tokens/2 windows. True when the batch is complete, false when the pool is used up first: go
 * on with the next. A batch that begins takes skipped windows first (pass *windows 0). After a
 * complete batch p->cursor names the next one. */
bool plan_batch(Plan *p, PoolPlan *pool, PlannedWindow *batch, int64_t *windows, int64_t *used);

/* Lowest serial number among pools of skipped windows, or `otherwise`. */
int64_t plan_lowest_pool(const Plan *p, int64_t otherwise);

#endif
