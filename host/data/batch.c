#include "data/batch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

int32_t gap_bucket(int64_t gap_ms)
{
    const int64_t seconds = gap_ms > 0 ? gap_ms / 1000 : 0;
    const int32_t bucket = 1 + 63 - __builtin_clzll((unsigned long long)seconds + 1);
    return bucket < GAP_BUCKETS ? bucket : GAP_BUCKETS - 1;
}

Status batch_open(Batch *b, const Behaviour *file, int64_t tokens)
{
    const size_t n = (size_t)tokens, numbers = (size_t)file->event_features.numbers;
    *b = (Batch){
        .tokens = tokens,
        .cu_seqlens = calloc(n + 1, sizeof *b->cu_seqlens),
        .user = calloc(n, sizeof *b->user),
        .first_event = calloc(n, sizeof *b->first_event),
        .item = calloc(n, sizeof *b->item),
        .action = calloc(n, sizeof *b->action),
        .gap = calloc(n, sizeof *b->gap),
        .position = calloc(n, sizeof *b->position),
        .target = calloc(n, sizeof *b->target),
        .target_action = calloc(n, sizeof *b->target_action),
        .reward = calloc(n, sizeof *b->reward),
        .end = calloc(n, sizeof *b->end),
        .feature = numbers ? calloc(n * numbers, sizeof *b->feature) : NULL,
    };
    if (b->cu_seqlens && b->user && b->first_event && b->item && b->action && b->gap &&
        b->position && b->target && b->target_action && b->reward && b->end &&
        (!numbers || b->feature))
        return OK;
    batch_close(b);
    return FAIL(ERR_MEMORY, "no memory for a batch of %" PRId64 " tokens", tokens);
}

void batch_close(Batch *b)
{
    void *arrays[] = {b->cu_seqlens, b->user,   b->first_event,   b->item,   b->action, b->gap,
                      b->position,   b->target, b->target_action, b->reward, b->end,    b->feature};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
    *b = (Batch){0};
}

/* ---- Filling ----------------------------------------------------------------------------------------- */

/* Columns of one window, as stored. */
typedef struct {
    uint8_t *action, *end;
    int64_t *time;
    float *reward, *number;
} Rows;

static void fill_window(Batch *b, int64_t at, int64_t count, int64_t scored, const Rows *r)
{
    for (int64_t i = 0; i < count; i++) {
        b->action[at + i] = r->action[i];
        b->gap[at + i] = i ? gap_bucket(r->time[i] - r->time[i - 1]) : 0;
        b->position[at + i] = (int32_t)i;
        const bool next = i + 1 < count && i + 1 >= scored;
        b->target[at + i] = next ? b->item[at + i + 1] : -1;
        b->target_action[at + i] = next ? r->action[i + 1] : 0;
        b->reward[at + i] = next ? r->reward[i + 1] : 0.0f;
        b->end[at + i] = next ? r->end[i + 1] : 0;
    }
}

static Status read_window(Batch *b, const Behaviour *file, const Window *w, int64_t at, Rows *r)
{
    const int64_t count = w->end - w->first, numbers = file->event_features.numbers;
    TRY(behaviour_read(file, COLUMN_ITEM, w->first, count, b->item + at));
    TRY(behaviour_read(file, COLUMN_ACTION, w->first, count, r->action));
    TRY(behaviour_read(file, COLUMN_TIME, w->first, count, r->time));
    TRY(behaviour_read(file, COLUMN_REWARD, w->first, count, r->reward));
    TRY(behaviour_read(file, COLUMN_END, w->first, count, r->end));
    for (int64_t f = 0; f < numbers; f++) {
        TRY(behaviour_read(file, (Column)(COLUMN_FEATURE + f), w->first, count, r->number));
        for (int64_t i = 0; i < count; i++) b->feature[(at + i) * numbers + f] = r->number[i];
    }
    fill_window(b, at, count, w->scored ? w->scored - w->first : 0, r);
    return OK;
}

static Status rows_open(Rows *r, int64_t count)
{
    const size_t n = (size_t)count;
    *r = (Rows){malloc(n), malloc(n), malloc(n * sizeof(int64_t)), malloc(n * sizeof(float)),
                malloc(n * sizeof(float))};
    if (r->action && r->end && r->time && r->reward && r->number) return OK;
    return FAIL(ERR_MEMORY, "no memory for a window of %" PRId64 " events", count);
}

static void rows_close(Rows *r)
{
    void *arrays[] = {r->action, r->end, r->time, r->reward, r->number};
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++) free(arrays[i]);
}

static void pad(Batch *b, int64_t numbers)
{
    const size_t rest = (size_t)(b->tokens - b->used);
    memset(b->item + b->used, 0, rest * sizeof *b->item);
    memset(b->action + b->used, 0, rest * sizeof *b->action);
    memset(b->gap + b->used, 0, rest * sizeof *b->gap);
    memset(b->position + b->used, 0, rest * sizeof *b->position);
    memset(b->target + b->used, 0xff, rest * sizeof *b->target);
    memset(b->target_action + b->used, 0, rest * sizeof *b->target_action);
    memset(b->reward + b->used, 0, rest * sizeof *b->reward);
    memset(b->end + b->used, 0, rest * sizeof *b->end);
    if (numbers)
        memset(b->feature + b->used * numbers, 0, rest * (size_t)numbers * sizeof *b->feature);
}

Status batch_fill(Batch *b, const Behaviour *file, const Window *windows, int64_t count)
{
    int64_t longest = 1, used = 0;
    for (int64_t w = 0; w < count; w++) {
        const int64_t events = windows[w].end - windows[w].first;
        REQUIRE(events > 0, "window %" PRId64 " has %" PRId64 " events", w, events);
        b->cu_seqlens[w] = (int32_t)used;
        b->user[w] = windows[w].user;
        b->first_event[w] = windows[w].first;
        used += events;
        if (events > longest) longest = events;
    }
    REQUIRE(used <= b->tokens, "%" PRId64 " events, room for %" PRId64, used, b->tokens);
    b->cu_seqlens[count] = (int32_t)used;
    b->windows = count;
    b->used = used;
    pad(b, file->event_features.numbers);

    Rows rows;
    Status st = rows_open(&rows, longest);
    for (int64_t w = 0; w < count && st == OK; w++)
        st = read_window(b, file, &windows[w], b->cu_seqlens[w], &rows);
    rows_close(&rows);
    return st;
}
