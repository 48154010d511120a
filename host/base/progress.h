/* SPDX-License-Identifier: Apache-2.0 */
/* The progress of one stage of long work, for a listener (base/listener.h). */
#ifndef SOUK_PROGRESS_H
#define SOUK_PROGRESS_H

#include "base/listener.h"

typedef struct {
    Listener *listener; /* NULL: nobody listens */
    char stage[48];
    int64_t total;           /* 0: unknown */
    double started;          /* seconds */
    double loss, validation; /* of a training, for the next report; NaN: none */
} Progress;

void progress_begin(Progress *p, const char *stage, int64_t total, Listener *listener);
/* Reports how much of the total is done. `extra` is a text to show beside it, or NULL. */
void progress_report(Progress *p, int64_t done, const char *extra);
/* The same, and fails with ERR_CANCELLED where the listener asks to stop. */
Status progress_update(Progress *p, int64_t done, const char *extra);
/* Reports that all of the total is done. */
void progress_end(Progress *p, const char *extra);

/* Seconds of a clock that never goes back; only differences of them have a meaning. */
double progress_seconds(void);

#endif
