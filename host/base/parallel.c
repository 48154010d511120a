/* SPDX-License-Identifier: Apache-2.0 */
#include "base/parallel.h"

#include <pthread.h>
#include <sched.h>
#include <stdio.h>

enum { THREADS_MAX = 64 };

typedef struct {
    Status (*task)(void *context, int64_t index);
    void *context;
    pthread_mutex_t lock; /* guards what follows */
    int64_t next, tasks;
    int64_t failed; /* the lowest task that failed; `tasks` where none did */
    Status status;
    char message[1024], place[128];
} Run;

int parallel_processors(void)
{
    cpu_set_t set;
    return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

int parallel_threads(int wanted) { return wanted > 0 ? wanted : parallel_processors(); }

static void record(Run *run, int64_t index, Status status)
{
    if (index >= run->failed) return;
    run->failed = index;
    run->status = status;
    snprintf(run->message, sizeof run->message, "%s", status_message());
    snprintf(run->place, sizeof run->place, "%s", status_place());
}

static void *work(void *argument)
{
    Run *run = argument;
    pthread_mutex_lock(&run->lock);
    while (run->next < run->tasks && run->next < run->failed) {
        const int64_t index = run->next++;
        pthread_mutex_unlock(&run->lock);
        const Status status = run->task(run->context, index);
        pthread_mutex_lock(&run->lock);
        if (status == OK) continue;
        record(run, index, status);
        status_clear(); /* the caller's thread gets the message in the end, by status_adopt */
    }
    pthread_mutex_unlock(&run->lock);
    return NULL;
}

Status parallel_run(int threads, int64_t tasks, Status (*task)(void *context, int64_t index),
                    void *context)
{
    Run run = {.task = task,
               .context = context,
               .lock = PTHREAD_MUTEX_INITIALIZER,
               .tasks = tasks,
               .failed = tasks};
    if (threads > THREADS_MAX) threads = THREADS_MAX;
    if (threads > tasks) threads = (int)tasks;
    pthread_t helper[THREADS_MAX];
    int helpers = 0;
    while (helpers < threads - 1 && pthread_create(&helper[helpers], NULL, work, &run) == 0)
        helpers++;
    work(&run);
    for (int i = 0; i < helpers; i++) pthread_join(helper[i], NULL);
    if (run.failed < tasks) status_adopt(run.message, run.place);
    pthread_mutex_destroy(&run.lock);
    return run.failed < tasks ? run.status : OK;
}
