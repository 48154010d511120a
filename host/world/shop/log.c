/* SPDX-License-Identifier: Apache-2.0 */
#include "world/shop/log.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "data/behaviour/columns.h"
#include "world/shop/event.h"

enum { BLOCK = 1 << 18 };

/* ---- Moments --------------------------------------------------------------------------------- */

void shop_log_count_look(ShopCounts *c, int kind)
{
    c->looks++;
    c->cart += kind >= SHOP_CART;
    c->purchase += kind >= SHOP_PURCHASE;
    c->review += kind >= SHOP_REVIEW;
}

static double share(int64_t part, int64_t all)
{
    return ((double)part + 1.0) / ((double)all + 2.0);
}

ShopMoments shop_log_moments(const ShopCounts *c, bool tells_skips)
{
    return (ShopMoments){
        .looks = (double)c->looks / (double)c->sessions,
        .skips = tells_skips ? ((double)c->skips + 1.0) / ((double)c->looks + 1.0) : -1.0,
        .cart = share(c->cart, c->looks),
        .purchase = share(c->purchase, c->cart),
        .review = share(c->review, c->purchase),
    };
}

/* ---- Reading --------------------------------------------------------------------------------- */

typedef struct {
    ShopLog *log;
    int kind[ACTIONS_MAX]; /* the kind of each action */
    ShopCounts counts;
    int64_t gaps;
    double gap_sum, gap_squares;
    /* The current session. */
    bool first;       /* whether the current look is its first one */
    int32_t item;     /* item of the current look; -1: the session has no look yet */
    int furthest;     /* kind of the current look */
    int64_t time;     /* when an item was shown last */
    bool interrupted; /* a skip came after the look, so the same item again is another look */
    /* Each step from one shelf to another: from << 33 | to << 1 | [a purchase came before]. */
    uint64_t *step;
    int64_t steps, capacity;
} LogReader;

static void name_kinds(LogReader *r, const Behaviour *b)
{
    for (int a = 0; a < b->actions; a++) {
        r->kind[a] = schema_is_taken(b, (uint8_t)a) ? SHOP_VIEW : SHOP_SKIP;
        for (int k = 0; k < SHOP_KINDS; k++)
            if (!strcmp(b->action_name[a], shop_event_name[k])) r->kind[a] = k;
    }
}

static Status add_step(LogReader *r, int32_t from, int32_t to, bool bought)
{
    if (from == to) return OK;
    if (r->steps == r->capacity) {
        r->capacity = r->capacity ? 2 * r->capacity : 1 << 16;
        uint64_t *more = realloc(r->step, (size_t)r->capacity * sizeof *more);
        if (!more) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " steps of a log", r->capacity);
        r->step = more;
    }
    r->step[r->steps++] = (uint64_t)from << 33 | (uint64_t)to << 1 | (bought ? 1 : 0);
    return OK;
}

static void end_look(LogReader *r)
{
    if (r->item < 0) return;
    r->log->looks[r->item]++;
    if (r->first)
        r->log->starts[r->log->shelf[r->item]]++;
    else
        shop_log_count_look(&r->counts, r->furthest);
}

static void end_session(LogReader *r)
{
    end_look(r);
    r->counts.sessions += r->item >= 0;
    r->item = -1;
    r->interrupted = false;
}

/* Adds the time since an item was shown last in the session. */
static void add_gap(LogReader *r, int64_t time)
{
    const int64_t ms = time - r->time;
    r->time = time;
    if (r->item < 0 || ms < 1) return;
    const double x = log((double)ms);
    r->gaps++;
    r->gap_sum += x;
    r->gap_squares += x * x;
}

static Status see(LogReader *r, int32_t item, int kind, int64_t time)
{
    const int32_t *shelf = r->log->shelf;
    if (kind == SHOP_LEAVE) return OK;
    if (kind == SHOP_SKIP) {
        r->counts.skips += r->item >= 0;
        add_gap(r, time);
        r->interrupted = true;
        return OK;
    }
    if (r->item == item && !r->interrupted) {
        if (kind > r->furthest) r->furthest = kind;
        return OK;
    }
    end_look(r);
    add_gap(r, time);
    if (r->item >= 0) TRY(add_step(r, shelf[r->item], shelf[item], r->furthest >= SHOP_PURCHASE));
    r->first = r->item < 0;
    r->item = item;
    r->furthest = kind;
    r->interrupted = false;
    return OK;
}

typedef struct {
    int32_t item[BLOCK];
    uint8_t action[BLOCK], end[BLOCK];
    int64_t time[BLOCK];
} EventBlock;

static Status read_events(LogReader *r, const Behaviour *b, EventBlock *block)
{
    int64_t user = 0;
    for (int64_t first = 0; first < b->events; first += BLOCK) {
        const int64_t count = b->events - first < BLOCK ? b->events - first : BLOCK;
        TRY(columns_read(b, COLUMN_ITEM, first, count, block->item));
        TRY(columns_read(b, COLUMN_ACTION, first, count, block->action));
        TRY(columns_read(b, COLUMN_END, first, count, block->end));
        TRY(columns_read(b, COLUMN_TIME, first, count, block->time));
        for (int64_t i = 0; i < count; i++) {
            const int64_t event = first + i;
            while (event >= b->offset[user + 1]) user++;
            if (event == b->offset[user]) end_session(r);
            const int64_t *train = b->split[SPLIT_TRAIN][user];
            if (event < train[0] || event >= train[1]) continue;
            TRY(see(r, block->item[i], r->kind[block->action[i]], block->time[i]));
            if (block->end[i] != END_GOES_ON) end_session(r);
        }
    }
    end_session(r);
    return OK;
}

/* ---- Shelves --------------------------------------------------------------------------------- */

static Status find_category(const Behaviour *b, const char *name, int *kind, int32_t *first_row)
{
    const FeatureSet *f = &b->item_features;
    char known[512] = "";
    *first_row = 0;
    for (*kind = 0; *kind < f->kinds; *first_row += f->kind_rows[(*kind)++]) {
        if (!*name || !strcmp(name, f->kind_name[*kind])) return OK;
        const size_t used = strlen(known);
        snprintf(known + used, sizeof known - used, "%s%s", used ? ", " : "", f->kind_name[*kind]);
    }
    if (f->kinds == 0)
        return FAIL(ERR_USAGE, "%s: its items have no category, want one to make shelves of",
                    b->path);
    return FAIL(ERR_USAGE, "%s: its items have no category \"%s\", want one of %s", b->path, name,
                known);
}

/* The categories that have items become shelves, in their order. */
static Status make_shelves(ShopLog *log, const Behaviour *b, const char *category)
{
    int kind;
    int32_t first_row;
    TRY(find_category(b, category, &kind, &first_row));
    const FeatureSet *f = &b->item_features;
    const int32_t rows = f->kind_rows[kind];
    int32_t *shelf_of = malloc((size_t)rows * sizeof *shelf_of);
    if (!shelf_of) return FAIL(ERR_MEMORY, "no memory for %" PRId32 " categories", rows);
    for (int32_t row = 0; row < rows; row++) shelf_of[row] = -1;
    for (int64_t i = 0; i < log->items; i++)
        shelf_of[log->shelf[i] = f->category[i * f->kinds + kind] - first_row] = 0;
    for (int32_t row = 0; row < rows; row++)
        if (shelf_of[row] == 0) shelf_of[row] = log->shelves++;
    for (int64_t i = 0; i < log->items; i++) log->shelf[i] = shelf_of[log->shelf[i]];
    free(shelf_of);
    return OK;
}

typedef struct {
    int64_t starts;
    int32_t shelf;
} Popular;

static int by_starts(const void *a, const void *b)
{
    const Popular *x = a, *y = b;
    if (x->starts != y->starts) return x->starts < y->starts ? 1 : -1;
    return (x->shelf > y->shelf) - (x->shelf < y->shelf);
}

/* Numbers the shelves by falling popularity. */
static Status order_shelves(LogReader *r)
{
    ShopLog *log = r->log;
    Status st = OK;
    Popular *popular = calloc((size_t)log->shelves, sizeof *popular);
    int32_t *to = calloc((size_t)log->shelves, sizeof *to);
    if (!popular || !to)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for %" PRId32 " shelves", log->shelves));
    for (int32_t c = 0; c < log->shelves; c++) popular[c] = (Popular){log->starts[c], c};
    qsort(popular, (size_t)log->shelves, sizeof *popular, by_starts);
    for (int32_t c = 0; c < log->shelves; c++) {
        to[popular[c].shelf] = c;
        log->starts[c] = popular[c].starts;
    }
    for (int64_t i = 0; i < log->items; i++) log->shelf[i] = to[log->shelf[i]];
    for (int64_t i = 0; i < r->steps; i++) {
        const uint64_t step = r->step[i];
        r->step[i] =
            (uint64_t)to[step >> 33] << 33 | (uint64_t)to[step >> 1 & 0xffffffff] << 1 | (step & 1);
    }
fail:
    free(popular);
    free(to);
    return st;
}

static int by_value(const void *a, const void *b)
{
    const uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

/* Sorts the steps and counts them by pair of shelves. */
static Status make_pairs(LogReader *r)
{
    ShopLog *log = r->log;
    if (r->steps) qsort(r->step, (size_t)r->steps, sizeof *r->step, by_value);
    for (int64_t i = 0; i < r->steps; i++)
        log->pairs += i == 0 || r->step[i] >> 1 != r->step[i - 1] >> 1;
    log->pair = calloc((size_t)log->pairs + 1, sizeof *log->pair);
    if (!log->pair)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " pairs of shelves", log->pairs);
    ShelfPair *p = log->pair - 1;
    for (int64_t i = 0; i < r->steps; i++) {
        if (i == 0 || r->step[i] >> 1 != r->step[i - 1] >> 1) {
            p++;
            p->from = (int32_t)(r->step[i] >> 33);
            p->to = (int32_t)(r->step[i] >> 1 & 0xffffffff);
        }
        p->count++;
        p->bought += (int64_t)(r->step[i] & 1);
    }
    return OK;
}

/* ---- The whole log --------------------------------------------------------------------------- */

static Status read_log(LogReader *r, const Behaviour *b, const char *category)
{
    ShopLog *log = r->log;
    log->items = b->items;
    log->shelf = calloc((size_t)b->items, sizeof *log->shelf);
    log->looks = calloc((size_t)b->items, sizeof *log->looks);
    if (!log->shelf || !log->looks)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " items", b->items);
    TRY(make_shelves(log, b, category));
    log->starts = calloc((size_t)log->shelves, sizeof *log->starts);
    if (!log->starts) return FAIL(ERR_MEMORY, "no memory for %" PRId32 " shelves", log->shelves);
    EventBlock *block = malloc(sizeof *block);
    if (!block) return FAIL(ERR_MEMORY, "no memory to read events");
    name_kinds(r, b);
    const Status st = read_events(r, b, block);
    free(block);
    TRY(st);
    if (r->counts.looks == 0 || r->gaps == 0)
        return FAIL(ERR_USAGE, "%s: no session of the train split has two looks, want at least one",
                    b->path);
    log->sessions = r->counts.sessions;
    log->moments = shop_log_moments(&r->counts, r->counts.skips > 0);
    log->gap_mean = r->gap_sum / (double)r->gaps;
    log->gap_std =
        sqrt(fmax(0.0, r->gap_squares / (double)r->gaps - log->gap_mean * log->gap_mean));
    TRY(order_shelves(r));
    return make_pairs(r);
}

Status shop_log_read(ShopLog *log, const char *path, const char *category)
{
    Behaviour b;
    LogReader r = {.log = log, .item = -1};
    *log = (ShopLog){0};
    TRY(behaviour_open(&b, path));
    const Status st = read_log(&r, &b, category);
    free(r.step);
    behaviour_close(&b);
    if (st != OK) shop_log_close(log);
    return st;
}

void shop_log_close(ShopLog *log)
{
    free(log->shelf);
    free(log->looks);
    free(log->starts);
    free(log->pair);
    *log = (ShopLog){0};
}
