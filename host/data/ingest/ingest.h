/* Ingest: a raw behaviour log -> a behaviour file (data/behaviour.h). What happens to every row, in
 * this order, is described in datasets/README.md; the rooms:
 *
 *   input -> pipe (pieces, threads) -> rows -> keys -> sort -> clean -> split -> features -> write
 *   files    text                     parsed   ids     users   table (read again by the last three)
 *
 * Deterministic: the same input, mapping and key file give the same bytes, for any memory and
 * number of threads.
 */
#ifndef SOUK_INGEST_H
#define SOUK_INGEST_H

#include "base/listener.h"
#include "data/rawlog/mapping.h"
#include "data/rawlog/rows.h"

#define INGEST_MEMORY_DEFAULT (INT64_C(2) << 30)

typedef struct {
    const char *const *inputs; /* files, or "-" */
    int input_count;
    const char *output;
    const char
        *key_file; /* 32 bytes that key the pseudonyms; NULL: "<output>.key". Made if missing */
    const char *directory; /* of temporary files; NULL: the output's */
    int64_t memory;        /* bytes of resident memory to stay within; 0: the default */
    int threads;           /* 0: as many as processors */
    bool plain_keys, strict, force, compress;
    Listener *listener; /* NULL: nobody */
} IngestOptions;

/* What was read, dropped and kept. */
typedef struct {
    char detected[1024];
    int64_t rows; /* seen in the input, bad ones included */
    BadRow bad[BAD_KINDS];
    const char *bad_path[BAD_KINDS];
    int64_t outside_time, outside_limits, duplicates;
    int64_t bot_users, bot_events;
    int64_t core_rounds, core_users, core_items, core_events;

    int64_t users, items, events, episodes, one_event_users;
    int64_t first_ms, last_ms, t0_ms, t1_ms;
    int64_t action_events[ACTIONS_MAX], split_events[SPLITS], split_users[SPLITS];
    int64_t
        missing[CELLS_MAX]; /* by the mapping's feature: items, users or events without a value */
    double median[CELLS_MAX];
    char split_rule[256];
    char *text; /* the cleaning report; owned */

    double seconds;
    int64_t bytes, peak_bytes; /* read; most resident memory of the process */
    int runs;                  /* sorted runs that went through temporary files */
} IngestReport;

/* `m` is completed from the first file (see detect_mapping). */
Status ingest_run(const IngestOptions *options, Mapping *m, IngestReport *report);
/* The report as JSON, written to a temporary file and renamed. */
Status ingest_report_json(const IngestReport *report, const Mapping *m, const char *path);
void ingest_report_close(IngestReport *report);

#endif
