/* SPDX-License-Identifier: Apache-2.0 */
/* One pass over all records, by several threads. Whole users come in batches. One worker at a time
 * reads a batch; all workers prepare their batches side by side; then the batches are taken one at
 * a time, in the order in which they were read. So the results of `take` are the same for any
 * number of threads. Where several batches fail, the failure of the first one is returned. */
#ifndef SOUK_INGEST_PASS_H
#define SOUK_INGEST_PASS_H

#include "data/ingest/stage.h"

enum { PASS_WORKERS = 8 }; /* more would wait for the parts that are not side by side */

typedef struct {
    Sorter *sorter; /* read on from its next record. NULL: the stage's table, from the first one */
    void *context;
    /* A worker, 0 .. PASS_WORKERS - 1, takes the batch that it prepared before it reads another.
     * `prepare` may be NULL. It may change records of a sorter, but not of the table. */
    Status (*prepare)(void *context, int worker, RecordBatch *batch);
    Status (*take)(void *context, int worker, const RecordBatch *batch);
} Pass;
Status pass_run(Stage *stage, const Pass *pass);

/* Capacity for at least `count` elements in a worker's array: returns `old`, or a new array in its
 * place, without the contents of the old one. NULL on failure. */
void *pass_capacity(void *old, int64_t *capacity, int64_t count, size_t size);

#endif
