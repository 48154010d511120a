/* SPDX-License-Identifier: Apache-2.0 */
/* What ingest read, dropped and kept. */
#ifndef SOUK_INGEST_REPORT_H
#define SOUK_INGEST_REPORT_H

#include "data/rawlog/detect/uses.h"

/* The n-grams of the items' texts (data/ingest/text/bags.h). */
typedef struct {
    int64_t rows, entries; /* n-grams that stay, and in how many places of items */
    int64_t rare, common;  /* n-grams that were dropped: of one item, of more than half of them */
    int64_t without;       /* items without a text */
    int64_t cut;           /* texts of which only the first KEY_MAX bytes were read */
    int64_t shortened;     /* items with more n-grams than a set keeps */
} TextCounts;

/* What a log has of the catalogue that it was read into, where there is one. */
typedef struct {
    bool any;            /* there is one */
    int64_t known, seen; /* items of the catalogue, and those with events in this log */
    int64_t fresh;       /* items that the catalogue did not have */
    int64_t changed;     /* items of it of which the log has newer features, */
    int64_t changed_feature[CELLS_MAX]; /* and of each feature */
} GrownReport;

typedef struct {
    ColumnUses columns;
    int64_t rows; /* rows of the input, bad ones included */
    bool plain;   /* the file has the keys of users, so that the report may quote the log */
    BadRow bad[BAD_KINDS];
    const char *bad_path[BAD_KINDS];
    UnknownActions unknown;
    int64_t outside_time, outside_limits, duplicates;
    int64_t answers; /* rows of what was taken that follow an impression of their item: joined with
                        it, where the mapping says that answers are later rows */
    int64_t bot_users, bot_events;
    int64_t core_rounds, core_users, core_items, core_events; /* rounds, and what they dropped */

    int64_t users, items, events, episodes, one_event_users;
    int64_t tied;                            /* events at the time of another event of their user */
    int64_t first_ms, last_ms, t0_ms, t1_ms; /* t0, t1: where valid and test begin (split.h) */
    int64_t action_events[ACTIONS_MAX], split_events[SPLITS], split_users[SPLITS];
    /* Of each feature of the mapping: items, users or events without a value, and the median of the
     * train split, which replaces it. */
    int64_t missing[CELLS_MAX];
    double median[CELLS_MAX];
    TextCounts texts;
    GrownReport grown;
    char split_rule[256];
    char *text; /* the cleaning report (report_text.h); owned */

    double seconds;
    int64_t bytes;      /* of input that were read, still compressed */
    int64_t peak_bytes; /* most resident memory of the process */
    int runs;           /* sorted runs that went through temporary files */
} IngestReport;

/* How many rows were bad. */
int64_t ingest_report_lost(const IngestReport *report);
/* Why the first row of a kind was bad, into `out`: what it quotes of the log only by its shape, if
 * the file has pseudonyms, as the log may have e-mail addresses anywhere. */
enum { WHY_MAX = sizeof((BadRow *)NULL)->why };
const char *ingest_report_why(const IngestReport *report, BadKind kind, char out[WHY_MAX]);

/* Write the report as JSON to a temporary file, and rename that to `path`. */
Status ingest_report_json(const IngestReport *report, const Mapping *m, const char *path);
void ingest_report_close(IngestReport *report); /* safe on {0} */

#endif
