/* Records of any number, grouped by user within bounded memory, and read again and again.
 *
 * A Sorter takes records in order of the input. When its buffer is full, that is ordered by user
 * (stable radix sort) and written to a temporary file as a run; in the end the runs are merged
 * through a heap. It hands out batches of whole users, each user's records in order of the input,
 * users in order of their ids: the same for any size of memory. A Table keeps records in that order,
 * in memory or, when they are more than that, in a file.
 *
 * Temporary files are unlinked as soon as they are made: no exit leaves one behind. One user's
 * records must fit in memory. */
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

/* The records of some users, all of each. */
typedef struct {
    Record *records;
    int64_t count;
    char *buffer; /* of the batch; `records` lie here or in a table's memory */
    int64_t room;
} RecordBatch;

/* The end of the records of the user whose first is `at`. */
int64_t sort_batch_user_end(const RecordBatch *b, size_t size, int64_t at);
void sort_batch_close(RecordBatch *b); /* safe on {0} */

typedef struct Sorter Sorter;
Status sort_open(Sorter **s, size_t size, int64_t memory, const char *directory);
/* Room for one more record, to be filled at once; NULL on failure. */
Record *sort_push(Sorter *s);
Status sort_finish(Sorter *s); /* after the last push */
/* The next users' records in place of what `b` held, the caller's to change; count 0 after the last.
 */
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
