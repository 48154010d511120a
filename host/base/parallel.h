/* Tasks over a few threads of one call. */
#ifndef SOUK_PARALLEL_H
#define SOUK_PARALLEL_H

#include <stdint.h>

#include "base/status.h"

/* The processors that this process may run on, at least 1. */
int parallel_processors(void);
/* `wanted` threads; where that is 0 or less, one for each of these processors. */
int parallel_threads(int wanted);

/* Run task(context, 0 .. tasks-1) on at most `threads` threads, and on at most 64. The caller is
 * one of them. Tasks are handed out in order. Returns the failure of the lowest task that failed, the same for any number of
 * threads, with its message; tasks above it may not have run. */
Status parallel_run(int threads, int64_t tasks, Status (*task)(void *context, int64_t index),
                    void *context);

#endif
