/* SPDX-License-Identifier: Apache-2.0 */
/* A packed batch, and how it is filled from windows of histories. The stream (stream.h) fills
 * batches in its own order; a user of a model asks for the windows that it needs. */
#ifndef SOUK_BATCH_H
#define SOUK_BATCH_H

#include <stddef.h>

#include "counts/pair.h"
#include "data/behaviour/behaviour.h"

/* Consecutive events of one user: rows first .. end-1 of /events. Those of rows scored .. end-1 are
 * targets that have an event of an earlier time before them in the window. scored 0: of any row. */
typedef struct {
    int64_t user, first, end, scored;
} Window;

typedef struct {
    int64_t epoch, batch;
} StreamCursor;

/* Token i of a window [cu_seqlens[w], cu_seqlens[w+1]) is the state after its event; the action
 * taken in that state is the NEXT event of the window (target, target_action, reward, end,
 * propensity describe that next event). A window's last token has target -1: it only serves as the
 * state s' of the transition before it. Rows used .. tokens-1 are padding: zeros, target and state
 * -1, propensity 1.
 *
 * Own events. A model may have tables that count the events of the file: what was taken in its
 * first `counted` splits. The counted events of a window's user are listed with the window, so that
 * a reader of the tables can leave this user out of them. */
typedef struct {
    const Behaviour *file;
    int64_t tokens, used, windows;
    int counted;            /* 0: no events are counted; 1: those of /splits/train; 2: those of
                               /splits/valid too; 3: all */
    int32_t *cu_seqlens;    /* [windows+1], cu_seqlens[windows] == used */
    int64_t *user;          /* [windows] */
    int64_t *first_event;   /* [windows] row of the window's first event in /events;
                               -1: the events are in no file */
    int32_t *item;          /* [tokens] */
    int32_t *action;        /* [tokens] */
    int64_t *time;          /* [tokens] ms, of the token's event */
    int32_t *gap;           /* [tokens] time-gap bucket, see batch_gap_bucket */
    int32_t *position;      /* [tokens] 0-based in the window */
    int32_t *state;         /* [tokens] the token after whose event the next event was chosen: i,
                               unless event i+1 has the same time as event i; then the last token
                               before all events of this time, -1 where the window has none. A
                               window's last token: i */
    int32_t *target;        /* [tokens] item of the next event; -1: none */
    int32_t *target_action; /* [tokens] its action; 0 where target is -1 */
    int32_t *taken;         /* [tokens] target where the next event was taken, -1 where it was only
                               shown (schema_is_taken); NULL where the file has no impressions */
    float *reward;          /* [tokens] its reward; 0 where target is -1 */
    uint8_t *end;           /* [tokens] its end flag; 0 where target is -1 */
    float *propensity;      /* [tokens] the probability with which it was chosen; 1 where target is
                               -1; NULL where the file has no propensities */
    float *feature;         /* [tokens, event numbers] of the token's own event; NULL where the file
                               has none */
    int numbers;            /* event numbers */
    int32_t *own_offset;    /* [windows+1] the own events of window w are own[own_offset[w] ..
                               own_offset[w+1]-1] */
    PairEvent *own;         /* [own_capacity] their items and seconds, in the order of the file */
    int64_t own_capacity;
    void *space; /* [space_bytes] columns of a window are decoded to it */
    size_t space_bytes;
    StreamCursor cursor; /* of this batch, where a stream made it */
} Batch;

enum { GAP_BUCKETS = 32 };
/* 0 for the first event of a window; else 1 + floor(log2(1 + seconds)), at most GAP_BUCKETS-1. */
int32_t batch_gap_bucket(int64_t gap_ms);

/* Columns of events in memory: row r of column c is data[c][r - origin[c]], in the column's dtype.
 * Only columns that a batch needs are set. */
typedef struct {
    const void *data[COLUMN_FEATURE + FEATURES_MAX];
    int64_t origin[COLUMN_FEATURE + FEATURES_MAX];
} EventColumns;

/* A window of events that are in no file: none of them is a target, and first_event is -1. */
typedef struct {
    int64_t user;  /* row of /users; -1: a user without a profile */
    int64_t count; /* >= 1 events, oldest first */
    const int32_t *item;
    const uint8_t *action;
    const int64_t *time; /* ms */
    const float
        *number; /* [count, event numbers], normalised as in the file; NULL: all at their mean */
    const int32_t *own; /* [owns] items of the user's events that may be counted, oldest first, */
    const int64_t *own_time;   /* [owns] their times, ms, */
    const uint8_t *own_action; /* [owns] and their actions: those that were taken are counted */
    int64_t owns;
} BatchEvents;

/* How many counted events a user has at most, if none is an impression; 0 for user -1. */
int64_t batch_counted(const Behaviour *file, int counted, int64_t user);
/* The own events for which a batch of `tokens` tokens should have space: 32 a token, and all of any
 * one user. 0 where nothing is counted. */
int64_t batch_own_capacity(const Behaviour *file, int counted, int64_t tokens);

/* Capacity for `tokens` tokens, as many windows, and `own` own events. `file` must outlive the
 * batch. */
Status batch_open(Batch *b, const Behaviour *file, int64_t tokens, int counted, int64_t own);
void batch_close(Batch *b); /* safe on {0} */
/* Replace the contents by `count` windows, which together have at most b->tokens events and
 * b->own_capacity own events. */
Status batch_fill(Batch *b, const Behaviour *file, const Window *windows, int64_t count);

/* Filling step by step: empty the batch, add windows, fill the rest with padding. A window comes
 * from columns in memory, which have the user's counted splits too, from the rows of a
 * file, or from events that are in no file. After the first window of a length nothing is
 * allocated. */
void batch_begin(Batch *b);
void batch_add(Batch *b, const Window *window, const EventColumns *columns);
Status batch_add_rows(Batch *b, const Behaviour *file, const Window *window);
void batch_add_events(Batch *b, const BatchEvents *events);
void batch_end(Batch *b);

#endif
