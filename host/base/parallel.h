/* Tasks over a few threads of one call. */
#ifndef SOUK_PARALLEL_H
#define SOUK_PARALLEL_H

#include <stdint.h>

#include "base/status.h"

/* Processors this process may run on, 1 .. 64. */
int parallel_processors(void);

/* Run task(context, 0 .. tasks-1) on at most `threads` threads (the caller is one of them), handed
 * out in order. Returns the failure of the lowest task that failed, the same for any number of
 * threads, with its message; tasks above it may not have run. */
Status parallel_run(int threads, int64_t tasks, Status (*task)(void *context, int64_t index),
                    void *context);

#endif
