/* SPDX-License-Identifier: Apache-2.0 */
/* Each worker has a batch of its own. It reads the batch, prepares it and waits until all batches
 * that were read before are taken. With two workers one prepares while the other takes. */
#include "data/ingest/pass.h"

#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>

#include "base/parallel.h"

typedef struct {
    const Pass *pass;
    Stage *stage;
    pthread_mutex_t reading; /* guards the source, and the next two fields */
    int64_t read;            /* batches */
    bool ended;
    pthread_mutex_t taking; /* guards the fields below, and all that `take` changes */
    pthread_cond_t turned;
    int64_t taken; /* batches */
    bool failed;   /* a batch failed; those read after it are not taken */
} Run;

/* The next batch, which is empty after the last one, and its number. */
static Status read_batch(Run *run, RecordBatch *batch, int64_t *number)
{
    Sorter *sorter = run->pass->sorter;
    Status st = OK;
    pthread_mutex_lock(&run->reading);
    batch->count = 0;
    if (!run->ended)
        st = sorter ? sort_next(sorter, batch) : sort_table_next(run->stage->table, batch);
    *number = run->read++;
    run->ended |= st != OK || batch->count == 0;
    pthread_mutex_unlock(&run->reading);
    return st;
}

/* `st`: the status of reading and preparing the batch; receives that of taking it. False where a
 * batch has failed, so that no more have to be read. */
static bool take_batch(Run *run, int worker, const RecordBatch *batch, int64_t number, Status *st)
{
    pthread_mutex_lock(&run->taking);
    while (run->taken < number) pthread_cond_wait(&run->turned, &run->taking);
    if (run->failed && *st != OK) status_clear();
    if (run->failed)
        *st = OK; /* the pass returns the failure of an earlier batch */
    else if (*st == OK)
        *st = run->pass->take(run->pass->context, worker, batch);
    run->failed |= *st != OK;
    run->taken++;
    pthread_cond_broadcast(&run->turned);
    const bool more = !run->failed;
    pthread_mutex_unlock(&run->taking);
    return more;
}

static Status work(void *context, int64_t worker)
{
    Run *run = context;
    const Pass *pass = run->pass;
    RecordBatch batch = {0};
    int64_t number;
    Status st;
    do {
        st = read_batch(run, &batch, &number);
        if (st == OK && batch.count == 0) break;
        if (st == OK && pass->prepare) st = pass->prepare(pass->context, (int)worker, &batch);
    } while (take_batch(run, (int)worker, &batch, number, &st));
    sort_batch_close(&batch);
    return st;
}

Status pass_run(Stage *g, const Pass *pass)
{
    Run run = {.pass = pass,
               .stage = g,
               .reading = PTHREAD_MUTEX_INITIALIZER,
               .taking = PTHREAD_MUTEX_INITIALIZER,
               .turned = PTHREAD_COND_INITIALIZER};
    if (!pass->sorter) TRY(sort_table_rewind(g->table));
    const int workers = g->threads < PASS_WORKERS ? g->threads : PASS_WORKERS;
    const Status st = parallel_run(workers, workers, work, &run);
    pthread_cond_destroy(&run.turned);
    pthread_mutex_destroy(&run.taking);
    pthread_mutex_destroy(&run.reading);
    return st;
}

void *pass_capacity(void *old, int64_t *capacity, int64_t count, size_t size)
{
    if (count <= *capacity) return old;
    free(old);
    *capacity = count + count / 4 + 64;
    void *fresh = malloc((size_t)*capacity * size);
    if (fresh) return fresh;
    FAIL(ERR_MEMORY, "no memory for a batch of %" PRId64 " events", *capacity);
    *capacity = 0;
    return NULL;
}
