/* SPDX-License-Identifier: Apache-2.0 */
/* Tasks shared by a few threads, which live for one call. */
#ifndef SOUK_PARALLEL_H
#define SOUK_PARALLEL_H

#include <stdint.h>

#include "base/status.h"

/* The processors that this process may run on, at least 1. */
int parallel_processors(void);
/* `wanted` where it is positive, else one thread for each of these processors. */
int parallel_threads(int wanted);

/* Run task(context, 0), ... task(context, tasks-1) on at most `threads` threads, and on at most 64.
 * The caller is one of them. Each thread takes the next task as soon as it has done one.
 *
 * Where tasks fail, the result and the message are those of the failed task with the lowest index,
 * the same for any number of threads. Tasks above that index may not have run. */
Status parallel_run(int threads, int64_t tasks, Status (*task)(void *context, int64_t index),
                    void *context);

#endif
