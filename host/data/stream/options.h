/* SPDX-License-Identifier: Apache-2.0 */
/* Which batches a stream makes (stream.h says how). */
#ifndef SOUK_STREAM_OPTIONS_H
#define SOUK_STREAM_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

typedef struct {
    int split;           /* SPLIT_TRAIN, SPLIT_VALID or SPLIT_TEST */
    int64_t tokens;      /* capacity of a batch */
    int64_t length;      /* of a context, 1 .. tokens-1 */
    int64_t pool_events; /* shuffle pool, events */
    uint64_t seed;
    int threads;  /* that read; 0: the calling thread reads */
    bool shuffle; /* false: file order */
    int counted;  /* as in a batch (batch.h) */
    int rank;     /* 0 .. ranks-1 */
    int ranks;    /* processes that share the batches; 0: 1 */
} StreamOptions;

#endif
