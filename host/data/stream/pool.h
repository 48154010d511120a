/* SPDX-License-Identifier: Apache-2.0 */
/* The events of a shuffle pool in memory. Columns that the file stores as they are in memory are
 * used in place; the others are decoded here. One task decodes one column of one block. There are
 * no locks here: the stream that owns the pool gives its tasks to threads and counts those that are
 * done. */
#ifndef SOUK_POOL_H
#define SOUK_POOL_H

#include "data/stream/plan.h"

typedef struct {
    PoolPlan plan;
    EventColumns *columns; /* [plan.blocks] */
    void *memory;          /* of the decoded columns */
    int decoded;           /* columns that need decoding */
    Column decode[COLUMN_FEATURE + FEATURES_MAX];
    int64_t tasks;        /* of pool_decode */
    int64_t handed, done; /* tasks that were given to a thread, and that are done */
    Status status;        /* of the first task that failed */
    char message[1024], place[128];
} Pool;

/* Takes `plan` over, which is empty afterwards. pool_allocate must come before the first task. */
Status pool_open(Pool **p, const Behaviour *file, PoolPlan *plan);
/* Ask the operating system to read the columns that are used in place. */
void pool_prefetch(const Pool *p, const Behaviour *file);
Status pool_allocate(Pool *p, const Behaviour *file);
void pool_close(Pool *p); /* safe on NULL */
/* Do one of the tasks 0 .. tasks-1. Thread-safe for different tasks. */
Status pool_decode(const Pool *p, const Behaviour *file, int64_t task);

#endif
