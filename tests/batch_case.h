/* SPDX-License-Identifier: Apache-2.0 */
/* The windows of a batch that a stream made. */
#ifndef SOUK_BATCH_CASE_H
#define SOUK_BATCH_CASE_H

#include "data/stream/batch.h"

static inline Window window_of_batch(const Batch *b, int64_t w)
{
    int64_t t = b->cu_seqlens[w];
    const int64_t first = b->first_event[w], count = b->cu_seqlens[w + 1] - t;
    while (b->target[t] < 0) t++;
    return (Window){.user = b->user[w],
                    .first = first,
                    .end = first + count,
                    .scored = first + b->position[t] + 1};
}

#endif
