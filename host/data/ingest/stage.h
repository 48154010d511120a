/* What the rooms of ingest share while one log passes through. Not for callers of ingest. */
#ifndef SOUK_INGEST_STAGE_H
#define SOUK_INGEST_STAGE_H

#include "data/ingest/ingest.h"
#include "data/ingest/sort.h"

typedef struct {
    int64_t count;       /* known values of the train split */
    double mean, square; /* Welford: running mean, sum of squared distances to it */
    int64_t missing;     /* entities without a value, all splits */
    float fill;          /* median of the known train values, before the logarithm */
} NumberStats;

/* The best known value of one feature of an item. */
typedef struct {
    int64_t time;
    CellValue value;
    uint32_t rank; /* 0 nothing, 1 seen outside the train split, 2 in it */
} KnownValue;

typedef struct {
    const IngestOptions *options;
    Mapping *m;
    IngestReport *report;
    int64_t memory;
    int threads;
    char directory[4096];
    size_t size; /* of a record */
    Keys users, items, category[CELLS_MAX];
    Table *table; /* the events that stay: by user, then time, then input */

    int32_t *item_row;      /* [items.count] row in the catalogue, -1 dropped */
    int64_t rows_of_items;  /* catalogue's size */
    KnownValue *item_value; /* [rows_of_items, item features] */
    KnownValue *user_value; /* [users kept, user features] */
    int item_features, user_features, event_features;
    int feature_at[CELLS_MAX]; /* index of feature f among its owner's */
    NumberStats stats[CELLS_MAX];
} Stage;

/* One pass over the records. Batches of whole users are read one after the other, prepared side by
 * side and taken one at a time in their order: what `take` makes of them is the same for any number
 * of threads. A failure is that of the first batch that fails. */
enum { PASS_WORKERS = 8 }; /* at most: what is not side by side leaves no work for more */
typedef struct {
    Sorter *sorter; /* read from where it is; NULL: the table, from its first record */
    void *context;
    /* A worker, 0 .. PASS_WORKERS - 1, takes the batch that it prepared before it reads another.
     * prepare (may be NULL) may change a sorter's records; a table's are read only. */
    Status (*prepare)(void *context, int worker, RecordBatch *batch);
    Status (*take)(void *context, int worker, const RecordBatch *batch);
} Pass;
Status pass_run(Stage *stage, const Pass *pass);
/* A worker's array with room for `count` elements or more, `old` or a new one in its place; NULL on
 * failure. What it held is lost. */
void *pass_capacity(void *old, int64_t *room, int64_t count, size_t size);

/* Clean: order by time, drop duplicates and bots, then users and items with too few events.
 * Consumes `sorter`; fills stage->table. */
Status clean_log(Stage *stage, Sorter *sorter);

/* Events of each user and item, 0 dropped, and the span of their times. */
typedef struct {
    uint32_t *user, *item;
    int64_t first_ms, last_ms;
} Core;
Status core_open(Core *core, const Stage *stage);
void core_add(Core *core, const Record *records, int64_t count, size_t size);
/* Drop what is below the core from stage->table; catalogue rows for the items that stay. */
Status core_find(Stage *stage, Core *core);
void core_close(Core *core); /* safe on {0} */

/* Split: t0 and t1 of the time rule, split_rule. */
Status split_plan(Stage *stage);
/* Ranges [first, end) of one user's records for each split. */
Status split_user(const Stage *stage, const Record *records, int64_t count,
                  int64_t range[SPLITS][2]);

/* How an event's episode goes on; one without `next` is the user's last. */
uint8_t split_event_end(const Stage *stage, const Record *r, const Record *next);

/* Features: catalogue rows, known values, constants of the train split. */
Status features_measure(Stage *stage);
/* (t(x) - mean) / std of feature f, t the identity or the signed logarithm; NaN means missing and
 * becomes the train median. */
float features_normal(const Stage *stage, int feature, float x);
double features_mean(const Stage *stage, int feature);
double features_std(const Stage *stage, int feature); /* 1 where the values do not vary */
/* The catalogue's (or the users') feature table; free with features_free. */
Status features_table(const Stage *stage, Owner owner, FeatureSet *set);
void features_free(FeatureSet *set);

/* Write: rewards, pseudonyms, the behaviour file. */
Status write_behaviour(Stage *stage);

/* Report. */
Status report_text(Stage *stage);

#endif
