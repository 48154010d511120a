/* SPDX-License-Identifier: Apache-2.0 */
#include "base/progress.h"

#include <math.h>
#include <stdio.h>
#include <time.h>

double progress_seconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void report(const Progress *p, StagePhase phase, int64_t done, const char *extra)
{
    const StageReport r = {.stage = p->stage,
                           .phase = phase,
                           .done = done,
                           .total = p->total,
                           .seconds = progress_seconds() - p->started,
                           .extra = extra,
                           .loss = p->loss,
                           .validation = p->validation};
    listener_report(p->listener, &r);
}

void progress_begin(Progress *p, const char *stage, int64_t total, Listener *listener)
{
    *p = (Progress){.listener = listener,
                    .total = total,
                    .started = progress_seconds(),
                    .loss = NAN,
                    .validation = NAN};
    snprintf(p->stage, sizeof p->stage, "%s", stage);
    report(p, STAGE_BEGUN, 0, NULL);
}

void progress_report(Progress *p, int64_t done, const char *extra)
{
    report(p, STAGE_RUNNING, done, extra);
}

Status progress_update(Progress *p, int64_t done, const char *extra)
{
    progress_report(p, done, extra);
    return listener_check(p->listener);
}

void progress_end(Progress *p, const char *extra) { report(p, STAGE_ENDED, p->total, extra); }
