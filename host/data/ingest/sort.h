/* SPDX-License-Identifier: Apache-2.0 */
/* Any number of records, grouped by user within bounded memory, and read once or several times.
 *
 * A Sorter takes records in order of the input. When its buffer is full, the buffer is ordered by
 * user (stable radix sort) and written to a temporary file as a run; in the end the runs are merged
 * through a heap. The Sorter hands out batches of whole users: users in order of their ids, each
 * user's records in order of the input, whatever the size of the memory. A Table keeps the records
 * that are appended to it, in memory or, where memory is too small, in a file.
 *
 * Temporary files are unlinked as soon as they are made, so that none is left behind however the
 * process ends. One user's records must fit in memory. */
#ifndef SOUK_INGEST_SORT_H
#define SOUK_INGEST_SORT_H

#include "data/rawlog/rows.h"

typedef union {
    float number;      /* NaN: missing */
    uint32_t category; /* 0: missing, else its id + 1 */
} CellValue;

typedef struct {
    int64_t time;
    uint32_t user, item;
    uint32_t hash, session;
    uint8_t action, end, part, dropped;
    CellValue cell[]; /* by the mapping */
} Record;

size_t sort_record_size(int cells); /* a multiple of 8 */

static inline Record *record_at(const void *records, size_t size, int64_t i)
{
    return (Record *)((char *)(uintptr_t)records + (size_t)i * size);
}

/* All records of some users. */
typedef struct {
    Record *records; /* in `buffer` or in a table's memory */
    int64_t count;
    char *buffer;
    int64_t capacity; /* records that fit in the buffer */
} RecordBatch;

/* The end of the records of the user whose first record is `at`. */
int64_t sort_batch_user_end(const RecordBatch *b, size_t size, int64_t at);
void sort_batch_close(RecordBatch *b); /* safe on {0} */

typedef struct Sorter Sorter;
Status sort_open(Sorter **s, size_t size, int64_t memory, const char *directory);
/* Space for one more record, to be filled before the next call; NULL on failure. */
Record *sort_push(Sorter *s);
Status sort_finish(Sorter *s); /* after the last push */
/* Replace the contents of `b` by the next users' records, which the caller may change; count 0
 * after the last user. */
Status sort_next(Sorter *s, RecordBatch *b);
int64_t sort_count(const Sorter *s);
int sort_runs(const Sorter *s); /* 0: all stayed in memory */
void sort_close(Sorter *s);     /* safe on NULL */

typedef struct Table Table;
Status sort_table_open(Table **t, size_t size, int64_t memory, const char *directory);
Status sort_table_append(Table *t, const Record *records, int64_t count); /* whole users */
Status sort_table_rewind(Table *t); /* read from the first record (again) */
/* As sort_next, but the records are read only. */
Status sort_table_next(Table *t, RecordBatch *b);
int64_t sort_table_count(const Table *t);
void sort_table_close(Table *t); /* safe on NULL */

#endif
