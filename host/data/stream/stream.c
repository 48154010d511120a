/* SPDX-License-Identifier: Apache-2.0 */
/* One lock guards all state. Batches are planned while it is held, and decoded and filled while it
 * is not. Each thread, also the caller's, does the first of these that there is to do: plan a batch
 * into a free slot of the ring; fill a planned batch whose pools are decoded; decode a piece of the
 * lowest pool that is not decoded yet. The contents of a batch are decided when it is planned, so
 * that they are the same whichever thread fills it. */
#include "data/stream/stream.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "data/stream/pool.h"

typedef enum { SLOT_FREE, SLOT_PLANNED, SLOT_BUSY, SLOT_READY } SlotState;

typedef struct {
    SlotState state;
    Batch batch;
    WindowList list;
    int64_t lowest, highest;      /* serial numbers of the pools that its windows are in */
    const EventColumns **columns; /* [highest-lowest+1] of those pools */
    int64_t columns_capacity;
    Status status;
    char message[1024], place[128];
} Slot;

struct Stream {
    const Behaviour *file;
    Plan plan;
    pthread_mutex_t lock;
    pthread_cond_t change;
    int waiting; /* threads in `change` */
    bool stop;
    int threads;
    pthread_t *thread;

    int slots;
    Slot *slot; /* batch number n of this stream is in slot n % slots */
    /* A batch of another rank, which is planned but not read. Without memory where ranks is 1. */
    WindowList other;
    int64_t planned; /* batches planned so far */
    int64_t taken;   /* batches given to the caller, who still uses the last of them */

    int64_t pools, pools_capacity; /* pool[i] has serial number first_pool + i */
    int64_t first_pool;
    Pool **pool;
    int64_t drawing; /* serial number of the pool that batches are planned from */
    bool ahead;      /* plan one pool more than is needed, so that it is decoded early */
    bool reading;    /* false while batches are only counted or skipped */

    int64_t counted_epoch, counted; /* of stream_batches */
};

static Pool *pool_at(const Stream *s, int64_t serial) { return s->pool[serial - s->first_pool]; }

/* ---- Planning: all under the lock ------------------------------------------------------------ */

static Status plan_next_pool(Stream *s)
{
    PoolPlan plan;
    if (s->pools == s->pools_capacity) {
        const int64_t capacity = s->pools_capacity ? 2 * s->pools_capacity : 8;
        Pool **more = realloc(s->pool, (size_t)capacity * sizeof *more);
        if (!more) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " pools", capacity);
        s->pool = more;
        s->pools_capacity = capacity;
    }
    TRY(plan_pool(&s->plan, &plan));
    const Status st = pool_open(&s->pool[s->pools], s->file, &plan);
    if (st != OK) return plan_pool_close(&plan), st;
    if (s->reading) pool_prefetch(s->pool[s->pools], s->file);
    s->pools++;
    return OK;
}

/* Close the pools that no planned batch and no skipped window needs. */
static void retire_pools(Stream *s)
{
    int64_t lowest = plan_lowest_pool(&s->plan, s->drawing);
    for (int i = 0; i < s->slots; i++)
        if (s->slot[i].state == SLOT_PLANNED || s->slot[i].state == SLOT_BUSY)
            if (s->slot[i].lowest < lowest) lowest = s->slot[i].lowest;
    int64_t gone = 0;
    while (gone < s->pools && s->first_pool + gone < lowest &&
           s->pool[gone]->done == s->pool[gone]->handed)
        pool_close(s->pool[gone++]);
    if (gone == 0) return;
    s->pools -= gone;
    s->first_pool += gone;
    for (int64_t i = 0; i < s->pools; i++) s->pool[i] = s->pool[i + gone];
}

static Status list_open(WindowList *list, int64_t tokens)
{
    list->window = malloc((size_t)(tokens / 2) * sizeof *list->window);
    return list->window ? OK
                        : FAIL(ERR_MEMORY, "no memory for batches of %" PRId64 " tokens", tokens);
}

/* The next batch of the epoch, whichever rank reads it. When the pool is used up, the next pool
 * follows, be it of this epoch or of the next one. */
static Status plan_window_list(Stream *s, WindowList *list)
{
    list->windows = list->used = list->own = 0;
    for (;;) {
        const int64_t wanted = s->drawing + (s->ahead ? 1 : 0);
        while (s->first_pool + s->pools <= wanted) TRY(plan_next_pool(s));
        PoolPlan *pool = &pool_at(s, s->drawing)->plan;
        const bool over = pool->drawn == pool->windows && s->plan.skips == 0;
        if (!(over && pool->last) && plan_batch(&s->plan, pool, list)) return OK;
        s->drawing++;
    }
}

/* A round is one batch for each rank; the slot receives the batch of this rank. An epoch may end
 * within a round: then the ranks after its last batch get a batch without windows. */
static Status plan_round(Stream *s, Slot *slot)
{
    const StreamCursor first = s->plan.cursor;
    const int64_t rank = s->plan.options.rank, ranks = s->plan.options.ranks;
    slot->batch.cursor = (StreamCursor){first.epoch, first.batch / ranks};
    slot->list.windows = slot->list.used = slot->list.own = 0;
    for (int64_t r = 0; r < ranks && s->plan.cursor.epoch == first.epoch; r++)
        TRY(plan_window_list(s, r == rank ? &slot->list : &s->other));
    return OK;
}

static Status plan_slot(Stream *s, Slot *slot)
{
    TRY(plan_round(s, slot));
    slot->lowest = INT64_MAX; /* above `highest`: without windows it needs no pool */
    slot->highest = 0;
    for (int64_t w = 0; w < slot->list.windows; w++) {
        const int64_t pool = slot->list.window[w].pool;
        if (pool < slot->lowest) slot->lowest = pool;
        if (pool > slot->highest) slot->highest = pool;
    }
    return OK;
}

/* Skip the batches before the cursor. */
static Status fast_forward(Stream *s, StreamCursor at)
{
    const int64_t ranks = s->plan.options.ranks;
    while (s->plan.cursor.batch / ranks < at.batch && s->plan.cursor.epoch == at.epoch) {
        TRY(plan_round(s, &s->slot[0]));
        retire_pools(s);
        if (s->plan.cursor.epoch != at.epoch && s->slot[0].batch.cursor.batch + 1 < at.batch)
            return FAIL(ERR_USAGE, "batch %" PRId64 " of epoch %" PRId64 ", which has %" PRId64,
                        at.batch, at.epoch, s->slot[0].batch.cursor.batch + 1);
    }
    return OK;
}

/* ---- Work ------------------------------------------------------------------------------------ */

static void wake(Stream *s)
{
    if (s->waiting) pthread_cond_broadcast(&s->change);
}

static void keep_failure(Status status, Status *kept, char message[1024], char place[128])
{
    if (*kept != OK) return;
    *kept = status;
    snprintf(message, 1024, "%s", status_message());
    snprintf(place, 128, "%s", status_place());
}

static void plan_into(Stream *s, Slot *slot)
{
    slot->status = OK;
    const Status st = plan_slot(s, slot);
    s->planned++;
    slot->state = SLOT_PLANNED;
    if (st == OK) return;
    keep_failure(st, &slot->status, slot->message, slot->place);
    status_clear();
    slot->state = SLOT_READY;
}

static bool is_decoded(const Stream *s, const Slot *slot)
{
    for (int64_t k = slot->lowest; k <= slot->highest; k++)
        if (pool_at(s, k)->done < pool_at(s, k)->tasks) return false;
    return true;
}

static const Pool *failed_pool(const Stream *s, const Slot *slot)
{
    for (int64_t k = slot->lowest; k <= slot->highest; k++)
        if (pool_at(s, k)->status != OK) return pool_at(s, k);
    return NULL;
}

/* The columns of the batch's pools: the list of pools may change while the batch is filled. */
static Status note_columns(Stream *s, Slot *slot)
{
    const int64_t count = slot->highest - slot->lowest + 1;
    if (count > slot->columns_capacity) {
        const EventColumns **more = realloc(slot->columns, (size_t)count * sizeof *more);
        if (!more) return FAIL(ERR_MEMORY, "no memory for a batch over %" PRId64 " pools", count);
        slot->columns = more;
        slot->columns_capacity = count;
    }
    for (int64_t k = 0; k < count; k++) slot->columns[k] = pool_at(s, slot->lowest + k)->columns;
    return OK;
}

static void fill(Stream *s, Slot *slot)
{
    const Pool *failed = failed_pool(s, slot);
    if (failed) {
        slot->status = failed->status;
        snprintf(slot->message, sizeof slot->message, "%s", failed->message);
        snprintf(slot->place, sizeof slot->place, "%s", failed->place);
    } else if (note_columns(s, slot) != OK) {
        keep_failure(ERR_MEMORY, &slot->status, slot->message, slot->place);
        status_clear();
    } else {
        slot->state = SLOT_BUSY;
        pthread_mutex_unlock(&s->lock);
        batch_begin(&slot->batch);
        for (int64_t w = 0; w < slot->list.windows; w++) {
            const PlannedWindow *p = &slot->list.window[w];
            batch_add(&slot->batch, &p->window, &slot->columns[p->pool - slot->lowest][p->block]);
        }
        batch_end(&slot->batch);
        pthread_mutex_lock(&s->lock);
    }
    slot->state = SLOT_READY;
    retire_pools(s);
}

static void decode(Stream *s, Pool *pool)
{
    Status st = OK;
    if (pool->handed == 0) st = pool_allocate(pool, s->file);
    if (st != OK) { /* none of its tasks can run */
        keep_failure(st, &pool->status, pool->message, pool->place);
        status_clear();
        pool->handed = pool->done = pool->tasks;
        return;
    }
    const int64_t task = pool->handed++;
    pthread_mutex_unlock(&s->lock);
    st = pool_decode(pool, s->file, task);
    pthread_mutex_lock(&s->lock);
    pool->done++;
    if (st == OK) return;
    keep_failure(st, &pool->status, pool->message, pool->place);
    status_clear();
}

/* Do one piece of work, lock held; false when there is none. */
static bool work_once(Stream *s)
{
    /* The caller holds batch taken-1; its slot is free again at the next call. */
    const int64_t held = s->taken > 0 ? s->taken - 1 : 0;
    if (s->planned < held + s->slots) {
        plan_into(s, &s->slot[s->planned % s->slots]);
        return true;
    }
    for (int64_t n = s->taken; n < s->planned; n++) {
        Slot *slot = &s->slot[n % s->slots];
        if (slot->state == SLOT_PLANNED && is_decoded(s, slot)) {
            fill(s, slot);
            return true;
        }
    }
    for (int64_t i = 0; i < s->pools; i++)
        if (s->pool[i]->handed < s->pool[i]->tasks) {
            decode(s, s->pool[i]);
            return true;
        }
    return false;
}

static void wait_for_change(Stream *s)
{
    s->waiting++;
    pthread_cond_wait(&s->change, &s->lock);
    s->waiting--;
}

static void *reader(void *argument)
{
    Stream *s = argument;
    pthread_mutex_lock(&s->lock);
    while (!s->stop) {
        if (work_once(s))
            wake(s);
        else
            wait_for_change(s);
    }
    pthread_mutex_unlock(&s->lock);
    return NULL;
}

/* ---- Opening and reading --------------------------------------------------------------------- */

static void check_options(const StreamOptions *o, StreamCursor at)
{
    REQUIRE(o->split >= 0 && o->split < SPLITS, "split %d", o->split);
    REQUIRE(1 <= o->length && o->length < o->tokens && o->tokens <= INT32_MAX,
            "length %" PRId64 ", tokens %" PRId64, o->length, o->tokens);
    REQUIRE(0 <= o->counted && o->counted <= SPLITS, "%d counted splits", o->counted);
    REQUIRE(o->pool_events >= 1 && o->threads >= 0, "pool of %" PRId64 " events, %d threads",
            o->pool_events, o->threads);
    REQUIRE(0 <= o->rank && o->rank < o->ranks, "rank %d of %d ranks", o->rank, o->ranks);
    REQUIRE(at.epoch >= 0 && at.batch >= 0, "cursor %" PRId64 ", %" PRId64, at.epoch, at.batch);
}

static Status open_slots(Stream *s, const StreamOptions *o)
{
    s->slots = o->threads + 2;
    s->slot = calloc((size_t)s->slots, sizeof *s->slot);
    if (!s->slot) return FAIL(ERR_MEMORY, "no memory for the stream");
    for (int i = 0; i < s->slots; i++) {
        TRY(batch_open(&s->slot[i].batch, s->file, o->tokens, o->counted, s->plan.own_capacity));
        TRY(list_open(&s->slot[i].list, o->tokens));
    }
    return o->ranks > 1 ? list_open(&s->other, o->tokens) : OK;
}

static Status start_threads(Stream *s, int threads)
{
    s->thread = calloc((size_t)threads + 1, sizeof *s->thread);
    if (!s->thread) return FAIL(ERR_MEMORY, "no memory for the stream");
    for (; s->threads < threads; s->threads++)
        if (pthread_create(&s->thread[s->threads], NULL, reader, s) != 0)
            return FAIL(ERR_MEMORY, "cannot start reader %d of %d", s->threads + 1, threads);
    return OK;
}

Status stream_open(Stream **stream, const Behaviour *b, const StreamOptions *asked, StreamCursor at)
{
    StreamOptions options = *asked;
    if (options.ranks == 0) options.ranks = 1;
    check_options(&options, at);
    Stream *s = calloc(1, sizeof *s);
    *stream = s;
    if (!s) return FAIL(ERR_MEMORY, "no memory for the stream");
    s->file = b;
    s->counted_epoch = -1;
    pthread_mutex_init(&s->lock, NULL);
    pthread_cond_init(&s->change, NULL);
    Status st;
    TRY_OR_FAIL(st, plan_open(&s->plan, b, &options, at.epoch));
    TRY_OR_FAIL(st, open_slots(s, &options));
    if (s->plan.blocks == 0) return OK;
    TRY_OR_FAIL(st, fast_forward(s, at));
    s->reading = true;
    s->ahead = options.threads > 0;
    TRY_OR_FAIL(st, start_threads(s, options.threads));
    return OK;
fail:
    stream_close(s);
    *stream = NULL;
    return st;
}

void stream_close(Stream *s)
{
    if (!s) return;
    pthread_mutex_lock(&s->lock);
    s->stop = true;
    pthread_cond_broadcast(&s->change);
    pthread_mutex_unlock(&s->lock);
    for (int i = 0; i < s->threads; i++) pthread_join(s->thread[i], NULL);
    for (int i = 0; i < s->slots && s->slot; i++) {
        batch_close(&s->slot[i].batch);
        free(s->slot[i].list.window);
        free(s->slot[i].columns);
    }
    free(s->other.window);
    for (int64_t i = 0; i < s->pools; i++) pool_close(s->pool[i]);
    free(s->pool);
    plan_close(&s->plan);
    pthread_cond_destroy(&s->change);
    pthread_mutex_destroy(&s->lock);
    free(s->slot);
    free(s->thread);
    free(s);
}

Status stream_next(Stream *s, const Batch **batch)
{
    if (s->plan.blocks == 0)
        return FAIL(ERR_FORMAT, "%s: %s has no event with one of an earlier time before it",
                    s->file->path, schema_split_path[s->plan.options.split]);
    pthread_mutex_lock(&s->lock);
    if (s->taken > 0) s->slot[(s->taken - 1) % s->slots].state = SLOT_FREE;
    Slot *slot = &s->slot[s->taken % s->slots];
    while (s->planned <= s->taken || slot->state != SLOT_READY) {
        if (work_once(s))
            wake(s);
        else
            wait_for_change(s);
    }
    const Status st = slot->status;
    if (st == OK) s->taken++;
    wake(s);
    pthread_mutex_unlock(&s->lock);
    if (st != OK) return status_adopt(slot->message, slot->place), st;
    *batch = &slot->batch;
    return OK;
}

Status stream_batches(Stream *s, int64_t epoch, int64_t *batches)
{
    const StreamOptions *o = &s->plan.options;
    Status st;
    *batches = epoch == s->counted_epoch ? s->counted : 0;
    if (s->plan.blocks == 0 || epoch == s->counted_epoch) return OK;
    Slot slot = {0};
    Stream count = {.file = s->file, .slots = 1, .slot = &slot};
    TRY_OR_FAIL(st, list_open(&slot.list, o->tokens));
    if (o->ranks > 1) TRY_OR_FAIL(st, list_open(&count.other, o->tokens));
    TRY_OR_FAIL(st, plan_open(&count.plan, s->file, o, epoch));
    while (count.plan.cursor.epoch == epoch) {
        TRY_OR_FAIL(st, plan_round(&count, &slot));
        retire_pools(&count);
        ++*batches;
    }
    s->counted_epoch = epoch;
    s->counted = *batches;
fail:
    for (int64_t i = 0; i < count.pools; i++) pool_close(count.pool[i]);
    free(count.pool);
    plan_close(&count.plan);
    free(count.other.window);
    free(slot.list.window);
    return st;
}
