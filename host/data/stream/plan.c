/* SPDX-License-Identifier: Apache-2.0 */
#include "data/stream/plan.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/rng.h"

enum { BLOCK_EVENTS_MAX = 1 << 18, BLOCKS_A_POOL = 16 };
enum { DRAW_BLOCKS = 0, DRAW_WINDOWS = 1 };

/* ---- Randomness ------------------------------------------------------------------------------ */

/* Uniform in [0, count), but for a bias of at most count / 2^64. */
static int64_t draw_below(const Plan *p, int64_t epoch, uint64_t stage, int64_t index,
                          int64_t count)
{
    const uint64_t key = p->options.seed ^ 0x73747265616D0000u;
    const uint64_t word = philox_u64(key, (uint64_t)epoch, stage << 56 ^ (uint64_t)index);
    return (int64_t)((unsigned __int128)word * (uint64_t)count >> 64);
}

static void order_blocks(Plan *p)
{
    for (int64_t i = 0; i < p->blocks; i++) p->order[i] = i;
    if (!p->options.shuffle) return;
    for (int64_t i = p->blocks - 1; i > 0; i--) {
        const int64_t j = draw_below(p, p->epoch, DRAW_BLOCKS, i, i + 1), other = p->order[j];
        p->order[j] = p->order[i];
        p->order[i] = other;
    }
}

/* ---- Windows --------------------------------------------------------------------------------- */

/* The rows *start .. *end-1 that a user gives to the split, and the first target, which has an
 * event of an earlier time before it. False where the user has no target. */
static bool user_rows(const Plan *p, int64_t user, int64_t *start, int64_t *end, int64_t *target)
{
    *start = p->file->split[p->options.split][user][0];
    *end = p->file->split[p->options.split][user][1];
    *target = *start < *end ? schema_next_time(p->file->tie, *start, *end) : *end;
    return *target < *end;
}

/* The first target of the window of length+1 events that begins at `low`, which is not the first
 * event of the history, and ends with the target end-1. */
static int64_t first_target(const Plan *p, int64_t low, int64_t end)
{
    const int64_t length = p->options.length, half = (length + 1) / 2;
    int64_t target = end - 1, known = schema_first_of_time(p->file->tie, target);
    for (;;) {
        const int64_t before = target - 1;
        if (before < known) known = schema_first_of_time(p->file->tie, before);
        /* No window has `half` events before the time of an event that comes late in its time. */
        const int64_t want = before - known <= length - half ? half : 1;
        if (known - low < want) return target;
        target = before;
    }
}

/* The windows of a user into `out`, from the last to the first; returns how many. NULL: they are
 * only counted. */
static int64_t cut(const Plan *p, int64_t user, PlannedWindow *out)
{
    const int64_t length = p->options.length;
    int64_t start, end, first, windows = 0;
    if (!user_rows(p, user, &start, &end, &first)) return 0;
    while (end > first) {
        const int64_t known = schema_first_of_time(p->file->tie, end - 1);
        if (end - 1 - known >= length) { /* no window that it ends has an event of another time */
            end = known + length;
            continue;
        }
        const bool all = end - start <= length + 1;
        const int64_t low = all ? start : end - (length + 1);
        const int64_t scored = all ? first : first_target(p, low, end);
        if (out) out[windows].window = (Window){user, low, end, scored};
        windows++;
        end = scored;
    }
    return windows;
}

/* ---- Pools ----------------------------------------------------------------------------------- */

static Status add_block(Plan *p, int64_t *capacity, const Block *block)
{
    if (p->blocks == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 64;
        Block *more = realloc(p->block, (size_t)*capacity * sizeof *more);
        if (!more) return FAIL(ERR_MEMORY, "no memory to plan %" PRId64 " blocks", *capacity);
        p->block = more;
    }
    p->block[p->blocks++] = *block;
    return OK;
}

/* Widen a block by a user's rows, first .. end-1 and the counted ones. The block is empty, or it
 * has users before this one. */
static void add_user(const Plan *p, Block *block, int64_t user, int64_t first, int64_t end)
{
    if (!block->end_user) *block = (Block){.first_user = user, .first = first};
    for (int s = 0; s < p->options.counted; s++) {
        const int64_t *rows = p->file->split[s][user];
        if (rows[0] == rows[1]) continue;
        if (rows[0] < block->first) block->first = rows[0];
        if (rows[1] > end) end = rows[1];
    }
    block->end_user = user + 1;
    block->end = end;
}

/* Users belong to the block that has their first event. */
static Status cut_blocks(Plan *p)
{
    const Behaviour *b = p->file;
    int64_t size = p->options.pool_events / BLOCKS_A_POOL, capacity = 0;
    size = size < 1 ? 1 : size > BLOCK_EVENTS_MAX ? BLOCK_EVENTS_MAX : size;
    Block block = {0};
    for (int64_t user = 0; user < b->users; user++) {
        int64_t first, end, target;
        if (block.end && b->offset[user] / size != b->offset[block.first_user] / size) {
            TRY(add_block(p, &capacity, &block));
            block = (Block){0};
        }
        if (!user_rows(p, user, &first, &end, &target)) continue;
        add_user(p, &block, user, first, end);
    }
    return block.end ? add_block(p, &capacity, &block) : OK;
}

Status plan_open(Plan *p, const Behaviour *file, const StreamOptions *options, int64_t epoch)
{
    *p = (Plan){.file = file,
                .options = *options,
                .own_capacity = batch_own_capacity(file, options->counted, options->tokens),
                .epoch = epoch,
                .cursor = {epoch, 0}};
    Status st;
    TRY_OR_FAIL(st, cut_blocks(p));
    p->order = malloc((size_t)p->blocks * sizeof *p->order + 1);
    if (!p->order)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory to plan %" PRId64 " blocks", p->blocks));
    order_blocks(p);
    return OK;
fail:
    plan_close(p);
    return st;
}

void plan_close(Plan *p)
{
    free(p->block);
    free(p->order);
    *p = (Plan){0};
}

/* As many blocks as fit in the pool, at least one. */
static Status take_blocks(Plan *p, PoolPlan *pool)
{
    int64_t count = 0, events = 0;
    while (p->position + count < p->blocks) {
        const Block *block = &p->block[p->order[p->position + count]];
        events += block->end - block->first;
        if (count && events > p->options.pool_events) break;
        count++;
    }
    pool->block = malloc((size_t)count * sizeof *pool->block);
    if (!pool->block) return FAIL(ERR_MEMORY, "no memory to plan a pool");
    for (int64_t i = 0; i < count; i++) pool->block[i] = p->block[p->order[p->position + i]];
    pool->blocks = (int32_t)count;
    p->position += count;
    return OK;
}

static Status cut_windows(Plan *p, PoolPlan *pool)
{
    for (int32_t k = 0; k < pool->blocks; k++)
        for (int64_t u = pool->block[k].first_user; u < pool->block[k].end_user; u++)
            pool->windows += cut(p, u, NULL);
    pool->window = malloc((size_t)pool->windows * sizeof *pool->window);
    if (!pool->window)
        return FAIL(ERR_MEMORY, "no memory to plan %" PRId64 " windows", pool->windows);
    PlannedWindow *at = pool->window;
    for (int32_t k = 0; k < pool->blocks; k++)
        for (int64_t u = pool->block[k].first_user; u < pool->block[k].end_user; u++)
            for (int64_t left = cut(p, u, at); left > 0; left--, at++) {
                at->pool = pool->serial;
                at->block = k;
            }
    return OK;
}

static void shuffle_windows(const Plan *p, PoolPlan *pool, int64_t epoch, int64_t first_block)
{
    for (int64_t i = pool->windows - 1; i > 0; i--) {
        /* A pool has fewer than 2^24 blocks and fewer than 2^32 windows. */
        const int64_t j = draw_below(p, epoch, DRAW_WINDOWS, first_block << 32 ^ i, i + 1);
        const PlannedWindow other = pool->window[j];
        pool->window[j] = pool->window[i];
        pool->window[i] = other;
    }
}

Status plan_pool(Plan *p, PoolPlan *pool)
{
    REQUIRE(p->blocks > 0, "a plan without windows, want at least one");
    const int64_t epoch = p->epoch, first_block = p->position;
    Status st;
    *pool = (PoolPlan){.serial = p->pools++};
    TRY_OR_FAIL(st, take_blocks(p, pool));
    TRY_OR_FAIL(st, cut_windows(p, pool));
    if (p->options.shuffle) shuffle_windows(p, pool, epoch, first_block);
    pool->last = p->position == p->blocks;
    if (pool->last) {
        p->epoch++;
        p->position = 0;
        order_blocks(p);
    }
    return OK;
fail:
    plan_pool_close(pool);
    return st;
}

void plan_pool_close(PoolPlan *p)
{
    free(p->block);
    free(p->window);
    *p = (PoolPlan){0};
}

/* ---- Packing --------------------------------------------------------------------------------- */

static bool place(const Plan *p, WindowList *batch, const PlannedWindow *w)
{
    const int64_t events = w->window.end - w->window.first;
    const int64_t own = batch_counted(p->file, p->options.counted, w->window.user);
    if (batch->used + events > p->options.tokens || batch->own + own > p->own_capacity)
        return false;
    batch->used += events;
    batch->own += own;
    batch->window[batch->windows++] = *w;
    return true;
}

static void place_skipped(Plan *p, WindowList *batch)
{
    int kept = 0;
    for (int i = 0; i < p->skips; i++)
        if (!place(p, batch, &p->skipped[i])) p->skipped[kept++] = p->skipped[i];
    p->skips = kept;
}

/* A window has at least two events. */
static bool is_open(const Plan *p, const WindowList *batch)
{
    return batch->used + 2 <= p->options.tokens && p->skips < LOOK_AHEAD;
}

bool plan_batch(Plan *p, PoolPlan *pool, WindowList *batch)
{
    if (batch->windows == 0) place_skipped(p, batch);
    while (pool->drawn < pool->windows && is_open(p, batch)) {
        const PlannedWindow *w = &pool->window[pool->drawn++];
        if (!place(p, batch, w)) p->skipped[p->skips++] = *w;
    }
    const bool drained = pool->drawn == pool->windows;
    if (drained && !pool->last && is_open(p, batch)) return false;
    p->cursor.batch++;
    if (drained && pool->last && p->skips == 0) p->cursor = (StreamCursor){p->cursor.epoch + 1, 0};
    return true;
}

int64_t plan_lowest_pool(const Plan *p, int64_t otherwise)
{
    for (int i = 0; i < p->skips; i++)
        if (p->skipped[i].pool < otherwise) otherwise = p->skipped[i].pool;
    return otherwise;
}
