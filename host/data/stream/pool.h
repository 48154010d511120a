/* The events of a shuffle pool in memory. Columns that the file has as memory wants them are used in
 * place; the others are decoded here, a block and column at a time, by whichever thread comes by.
 * No locks: the stream that owns the pool hands its tasks out and counts them back. */
#ifndef SOUK_POOL_H
#define SOUK_POOL_H

#include "data/stream/plan.h"

typedef struct {
    PoolPlan plan;
    EventColumns *columns; /* [plan.blocks] */
    void *memory;          /* of the decoded columns */
    int decoded;           /* columns that need decoding */
    Column decode[COLUMN_FEATURE + FEATURES_MAX];
    int64_t tasks; /* of pool_decode */
    int64_t handed, done;
    Status status; /* of the first task that failed */
    char message[1024], place[128];
} Pool;

/* Take over `plan`. Memory is allocated by pool_allocate, before the first task. */
Status pool_open(Pool **p, const Behaviour *file, PoolPlan *plan);
/* Have the disk fetch what is used in place. */
void pool_prefetch(const Pool *p, const Behaviour *file);
Status pool_allocate(Pool *p, const Behaviour *file);
void pool_close(Pool *p); /* safe on NULL */
/* Do task 0 .. tasks-1. Thread-safe for different tasks. */
Status pool_decode(const Pool *p, const Behaviour *file, int64_t task);

#endif
