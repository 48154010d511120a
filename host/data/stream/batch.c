/* SPDX-License-Identifier: Apache-2.0 */
#include "data/stream/batch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/behaviour/columns.h"

enum { OWN_A_TOKEN = 32 };

int32_t batch_gap_bucket(int64_t gap_ms)
{
    const int64_t seconds = gap_ms > 0 ? gap_ms / 1000 : 0;
    const int32_t bucket = 1 + 63 - __builtin_clzll((unsigned long long)seconds + 1);
    return bucket < GAP_BUCKETS ? bucket : GAP_BUCKETS - 1;
}

int64_t batch_counted(const Behaviour *file, int counted, int64_t user)
{
    int64_t events = 0;
    for (int s = 0; s < counted && user >= 0; s++)
        events += file->split[s][user][1] - file->split[s][user][0];
    return events;
}

int64_t batch_own_capacity(const Behaviour *file, int counted, int64_t tokens)
{
    int64_t most = 0;
    if (counted == 0) return 0;
    for (int64_t u = 0; u < file->users; u++) {
        const int64_t events = batch_counted(file, counted, u);
        if (events > most) most = events;
    }
    return most > OWN_A_TOKEN * tokens ? most : OWN_A_TOKEN * tokens;
}

Status batch_open(Batch *b, const Behaviour *file, int64_t tokens, int counted, int64_t own)
{
    const size_t n = (size_t)tokens, numbers = (size_t)file->event_features.numbers;
    *b = (Batch){
        .file = file,
        .tokens = tokens,
        .counted = counted,
        .own_capacity = own,
        .numbers = file->event_features.numbers,
        .cu_seqlens = calloc(n + 1, sizeof *b->cu_seqlens),
        .user = calloc(n, sizeof *b->user),
        .first_event = calloc(n, sizeof *b->first_event),
        .item = calloc(n, sizeof *b->item),
        .action = calloc(n, sizeof *b->action),
        .time = calloc(n, sizeof *b->time),
        .gap = calloc(n, sizeof *b->gap),
        .position = calloc(n, sizeof *b->position),
        .state = calloc(n, sizeof *b->state),
        .target = calloc(n, sizeof *b->target),
        .target_action = calloc(n, sizeof *b->target_action),
        .taken = file->has_impressions ? calloc(n, sizeof *b->taken) : NULL,
        .reward = calloc(n, sizeof *b->reward),
        .end = calloc(n, sizeof *b->end),
        .propensity = file->has_propensity ? calloc(n, sizeof *b->propensity) : NULL,
        .feature = numbers ? calloc(n * numbers, sizeof *b->feature) : NULL,
        .own_offset = calloc(n + 1, sizeof *b->own_offset),
        .own = calloc((size_t)own + 1, sizeof *b->own),
    };
    if (b->cu_seqlens && b->user && b->first_event && b->item && b->action && b->time && b->gap &&
        b->position && b->state && b->target && b->target_action && b->reward && b->end &&
        b->own_offset && b->own && (!file->has_propensity || b->propensity) &&
        (!file->has_impressions || b->taken) && (!numbers || b->feature))
        return OK;
    batch_close(b);
    return FAIL(ERR_MEMORY, "no memory for a batch of %" PRId64 " tokens", tokens);
}

void batch_close(Batch *b)
{
    void *arrays[] = {b->cu_seqlens,    b->user,       b->first_event, b->item,  b->action,
                      b->time,          b->gap,        b->position,    b->state, b->target,
                      b->target_action, b->taken,      b->reward,      b->end,   b->propensity,
                      b->feature,       b->own_offset, b->own,         b->space};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    *b = (Batch){0};
}

/* ---- Filling --------------------------------------------------------------------------------- */

void batch_begin(Batch *b)
{
    b->used = b->windows = 0;
    b->cu_seqlens[0] = b->own_offset[0] = 0;
}

static void fill(float *to, float value, int64_t count)
{
    for (int64_t i = 0; i < count; i++) to[i] = value;
}

/* target .. propensity of tokens at .. at+count-1: the next event's, for tokens first_scored ..
 * count-2. */
static void add_targets(Batch *b, int64_t at, int64_t count, int64_t first_scored,
                        const uint8_t *action, const float *reward, const uint8_t *end,
                        const float *propensity)
{
    const size_t blank = (size_t)first_scored, scored = (size_t)(count - 1 - first_scored);
    memset(b->target + at, 0xff, blank * sizeof *b->target);
    memset(b->target_action + at, 0, blank * sizeof *b->target_action);
    memset(b->reward + at, 0, blank * sizeof *b->reward);
    memset(b->end + at, 0, blank);
    const int64_t from = at + first_scored, last = at + count - 1;
    memcpy(b->target + from, b->item + from + 1, scored * sizeof *b->target);
    int32_t *restrict target_action = b->target_action + from;
    for (size_t i = 0; i < scored; i++) target_action[i] = action[first_scored + 1 + (int64_t)i];
    memcpy(b->reward + from, reward + first_scored + 1, scored * sizeof *b->reward);
    memcpy(b->end + from, end + first_scored + 1, scored);
    if (b->propensity) {
        fill(b->propensity + at, 1.0f, first_scored);
        memcpy(b->propensity + from, propensity + first_scored + 1, scored * sizeof *propensity);
        b->propensity[last] = 1.0f;
    }
    b->target[last] = -1;
    b->target_action[last] = 0;
    b->reward[last] = 0.0f;
    b->end[last] = 0;
}

/* taken of tokens at .. at+count-1, whose targets are there. */
static void add_taken(Batch *b, int64_t at, int64_t count)
{
    for (int64_t i = at; i < at + count && b->taken; i++)
        b->taken[i] = schema_is_taken(b->file, (uint8_t)b->target_action[i]) ? b->target[i] : -1;
}

/* state of the window's tokens at .. at+count-1. `before` is the last token before the events that
 * have the time of event i. */
static void add_states(int32_t *restrict state, int64_t at, int64_t count, const int64_t *time)
{
    int64_t before = -1;
    for (int64_t i = 0; i < count; i++) {
        if (i > 0 && time[i] != time[i - 1]) before = at + i - 1;
        const bool tied = i + 1 < count && time[i + 1] == time[i];
        state[i] = (int32_t)(tied ? before : at + i);
    }
}

/* Append a window of `count` events, without targets, features and own events. Returns its first
 * token. */
static int64_t add_window(Batch *b, int64_t user, int64_t first_event, int64_t count,
                          const int32_t *item, const uint8_t *action, const int64_t *time)
{
    const int64_t at = b->used;
    REQUIRE(count > 0 && at + count <= b->tokens,
            "window of %" PRId64 " events into a batch with %" PRId64 " of %" PRId64 " tokens used",
            count, at, b->tokens);
    memcpy(b->item + at, item, (size_t)count * sizeof *b->item);
    memcpy(b->time + at, time, (size_t)count * sizeof *b->time);
    add_states(b->state + at, at, count, time);
    int32_t *restrict actions = b->action + at, *restrict gap = b->gap + at;
    for (int64_t i = 0; i < count; i++) actions[i] = action[i];
    gap[0] = 0;
    for (int64_t i = 1; i < count; i++) gap[i] = batch_gap_bucket(time[i] - time[i - 1]);
    for (int64_t i = 0; i < count; i++) b->position[at + i] = (int32_t)i;
    b->user[b->windows] = user;
    b->first_event[b->windows] = first_event;
    b->used = at + count;
    b->cu_seqlens[++b->windows] = (int32_t)b->used;
    b->own_offset[b->windows] = b->own_offset[b->windows - 1];
    return at;
}

/* Append to the own events of the last window those of `count` events that were taken. */
static void add_own(Batch *b, const int32_t *item, const int64_t *time, const uint8_t *action,
                    int64_t count)
{
    int32_t *end = &b->own_offset[b->windows];
    REQUIRE(*end + count <= b->own_capacity,
            "%" PRId64 " own events into a batch with %" PRId32 " of %" PRId64 " used", count, *end,
            b->own_capacity);
    for (int64_t i = 0; i < count; i++)
        if (schema_is_taken(b->file, action[i]))
            b->own[(*end)++] = (PairEvent){item[i], pair_second(time[i])};
}

/* The rows of the window's user that are counted in split s. */
static Window counted_rows(const Batch *b, const Window *window, int s)
{
    const int64_t user = window->user, *rows = user < 0 ? NULL : b->file->split[s][user];
    return rows ? (Window){.user = user, .first = rows[0], .end = rows[1]} : (Window){.user = -1};
}

/* The rows of `window` in a column of `columns`. */
#define COLUMN(type, column)                                                                       \
    ((const type *)columns->data[column] + (window->first - columns->origin[column]))

static void add_columns(Batch *b, const Window *window, const EventColumns *columns)
{
    const int64_t count = window->end - window->first, numbers = b->numbers;
    const uint8_t *action = COLUMN(uint8_t, COLUMN_ACTION);
    const int64_t at =
        add_window(b, window->user, window->first, count, COLUMN(int32_t, COLUMN_ITEM), action,
                   COLUMN(int64_t, COLUMN_TIME));
    int64_t unscored = window->scored ? window->scored - window->first - 1 : 0;
    while (unscored < count - 1 && b->state[at + unscored] < 0) unscored++;
    add_targets(b, at, count, unscored, action, COLUMN(float, COLUMN_REWARD),
                COLUMN(uint8_t, COLUMN_END),
                b->propensity ? COLUMN(float, COLUMN_PROPENSITY) : NULL);
    add_taken(b, at, count);
    for (int64_t f = 0; f < numbers; f++) {
        const float *number = COLUMN(float, COLUMN_FEATURE + f);
        for (int64_t i = 0; i < count; i++) b->feature[(at + i) * numbers + f] = number[i];
    }
}

/* The own events in the rows of a window. */
static void add_own_columns(Batch *b, const Window *window, const EventColumns *columns)
{
    const int64_t count = window->end - window->first;
    if (count)
        add_own(b, COLUMN(int32_t, COLUMN_ITEM), COLUMN(int64_t, COLUMN_TIME),
                COLUMN(uint8_t, COLUMN_ACTION), count);
}

void batch_add(Batch *b, const Window *window, const EventColumns *columns)
{
    add_columns(b, window, columns);
    for (int s = 0; s < b->counted; s++) {
        const Window rows = counted_rows(b, window, s);
        add_own_columns(b, &rows, columns);
    }
}

/* Tokens without targets: at .. at+count-1. */
static void blank_targets(Batch *b, int64_t at, int64_t count)
{
    const size_t n = (size_t)count;
    memset(b->target + at, 0xff, n * sizeof *b->target);
    memset(b->target_action + at, 0, n * sizeof *b->target_action);
    memset(b->reward + at, 0, n * sizeof *b->reward);
    memset(b->end + at, 0, n * sizeof *b->end);
    if (b->propensity) fill(b->propensity + at, 1.0f, count);
    if (b->taken) memset(b->taken + at, 0xff, n * sizeof *b->taken);
}

void batch_add_events(Batch *b, const BatchEvents *e)
{
    const size_t numbers = (size_t)b->numbers, size = (size_t)e->count * numbers * sizeof(float);
    const int64_t at = add_window(b, e->user, -1, e->count, e->item, e->action, e->time);
    blank_targets(b, at, e->count);
    float *feature = numbers ? b->feature + (size_t)at * numbers : NULL;
    if (numbers && e->number) memcpy(feature, e->number, size);
    if (numbers && !e->number) memset(feature, 0, size);
    add_own(b, e->own, e->own_time, e->own_action, e->owns);
}

void batch_end(Batch *b)
{
    const size_t rest = (size_t)(b->tokens - b->used), numbers = (size_t)b->numbers;
    memset(b->item + b->used, 0, rest * sizeof *b->item);
    memset(b->action + b->used, 0, rest * sizeof *b->action);
    memset(b->time + b->used, 0, rest * sizeof *b->time);
    memset(b->gap + b->used, 0, rest * sizeof *b->gap);
    memset(b->position + b->used, 0, rest * sizeof *b->position);
    memset(b->state + b->used, 0xff, rest * sizeof *b->state);
    blank_targets(b, b->used, (int64_t)rest);
    if (numbers)
        memset(b->feature + (size_t)b->used * numbers, 0, rest * numbers * sizeof *b->feature);
}

/* ---- Windows of a file ----------------------------------------------------------------------- */

/* One window's rows of a column: in place, or read to `space`. */
static Status find_column(const Behaviour *file, Column column, const Window *window, void *space,
                          EventColumns *columns)
{
    columns->data[column] = columns_direct(file, column);
    columns->origin[column] = 0;
    if (columns->data[column]) return OK;
    columns->data[column] = space;
    columns->origin[column] = window->first;
    return columns_read(file, column, window->first, window->end - window->first, space);
}

static Status reserve_space(Batch *b, size_t bytes)
{
    if (bytes <= b->space_bytes) return OK;
    void *more = realloc(b->space, bytes);
    if (!more) return FAIL(ERR_MEMORY, "no memory for a window: %zu bytes", bytes);
    b->space = more;
    b->space_bytes = bytes;
    return OK;
}

/* The own events in rows of the file. Overwrites the space. */
static Status add_own_rows(Batch *b, const Behaviour *file, const Window *rows)
{
    const int64_t count = rows->end - rows->first;
    EventColumns at;
    if (count == 0) return OK;
    TRY(reserve_space(b, (size_t)count * (sizeof(int64_t) + sizeof(int32_t) + sizeof(uint8_t))));
    int64_t *const time = b->space;
    int32_t *const item = (int32_t *)(time + count);
    TRY(find_column(file, COLUMN_TIME, rows, time, &at));
    TRY(find_column(file, COLUMN_ITEM, rows, item, &at));
    TRY(find_column(file, COLUMN_ACTION, rows, item + count, &at));
    add_own_columns(b, rows, &at);
    return OK;
}

Status batch_add_rows(Batch *b, const Behaviour *file, const Window *window)
{
    const int columns = COLUMN_FEATURE + b->numbers;
    const size_t stride = (size_t)(window->end - window->first) * sizeof(int64_t);
    EventColumns at;
    TRY(reserve_space(b, stride * (size_t)columns));
    for (int c = 0; c < columns; c++)
        if (columns_has(file, (Column)c))
            TRY(find_column(file, (Column)c, window, (char *)b->space + stride * (size_t)c, &at));
    add_columns(b, window, &at);
    for (int s = 0; s < b->counted; s++) {
        const Window rows = counted_rows(b, window, s);
        TRY(add_own_rows(b, file, &rows));
    }
    return OK;
}

Status batch_fill(Batch *b, const Behaviour *file, const Window *windows, int64_t count)
{
    Status st = OK;
    batch_begin(b);
    for (int64_t w = 0; w < count; w++) TRY_OR_FAIL(st, batch_add_rows(b, file, &windows[w]));
fail:
    batch_end(b);
    return st;
}
