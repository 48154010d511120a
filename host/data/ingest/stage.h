/* SPDX-License-Identifier: Apache-2.0 */
/* What the stages of ingest share while one log passes through. Not for callers of ingest. */
#ifndef SOUK_INGEST_STAGE_H
#define SOUK_INGEST_STAGE_H

#include "data/ingest/options.h"
#include "data/ingest/pseudonym.h"
#include "data/ingest/report.h"
#include "data/ingest/sort.h"

#define STAGE_MINUTE_MS INT64_C(60000)
#define STAGE_DAY_MS    INT64_C(86400000)

typedef struct {
    int64_t count;       /* known values of the train split */
    double mean, square; /* Welford: running mean, sum of squared distances to it */
    int64_t missing;     /* entities without a value, all splits */
    float fill;          /* median of the known train values, before the logarithm */
    /* Since features_measure: a value t becomes (t - center) / scale, and whether there is a column
     * that flags missing values. */
    double center, scale;
    bool flagged, filled; /* filled: `fill` is known */
} NumberStats;

/* The best known value of one feature of an item or user. */
typedef struct {
    int64_t time;
    CellValue value;
    uint32_t rank; /* 0: no value; 1: seen outside the train split; 2: seen in it */
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
    /* All times are `stamp` ms apart, or a multiple: exact above a minute; 0: one time only. */
    int64_t first_time, stamp;
    bool timed;   /* first_time is known */
    Table *table; /* the events that stay: by user, then time (clean.h) */

    int32_t *item_row;      /* [items.count] row in the catalogue; -1: dropped */
    int64_t rows_of_items;  /* rows of the catalogue */
    KnownValue *item_value; /* [rows_of_items, item features] */
    KnownValue *user_value; /* [users that stay, user features] */
    int item_features, user_features, event_features;
    int feature_at[CELLS_MAX]; /* of each feature, its index among the features of its owner */
    NumberStats stats[CELLS_MAX];
    PseudonymKey pseudonyms; /* not with plain keys */
    struct Known *known;     /* the catalogue that the log is read into; NULL: a new one */
    int64_t known_items;     /* the first items of the dictionary, and rows of the catalogue */
} Stage;

/* Whether stamps are fine enough for a limit of events in `window_ms`: the events of one day have
 * one time where stamps are days. */
static inline bool stage_limit_applies(const Stage *g, int64_t window_ms)
{
    return g->stamp > 0 && g->stamp <= window_ms;
}

#endif
