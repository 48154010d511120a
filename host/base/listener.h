/* SPDX-License-Identifier: Apache-2.0 */
/* Who follows a long call: a listener hears how far the call is and what it remarks, and may ask it
 * to stop. The library prints nothing itself; the program's listener draws a bar (cli/terminal.h),
 * and that of the public API calls its user back.
 *
 * The functions are called one at a time: on the thread that made the call, but by ingest also on
 * threads of its own. Each may be NULL, and so may a listener: then nobody listens.
 */
#ifndef SOUK_LISTENER_H
#define SOUK_LISTENER_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

typedef enum { STAGE_BEGUN, STAGE_RUNNING, STAGE_ENDED } StagePhase;

/* How far a stage of the work is. */
typedef struct {
    const char *stage; /* its name, for people */
    StagePhase phase;
    int64_t done, total;     /* in the unit of the stage; total 0: unknown */
    double seconds;          /* since the stage began */
    const char *extra;       /* one more thing to show, or NULL */
    double loss, validation; /* of a training; NaN: none */
} StageReport;

typedef struct Listener Listener;
struct Listener {
    void (*report)(Listener *self, const StageReport *report);
    void (*remark)(Listener *self, const char *text); /* one or more lines, without the last '\n' */
    bool (*stop)(Listener *self);                     /* true: the call is to stop */
    /* A remark that must not be missed, as remark; NULL: remark hears it. */
    void (*warn)(Listener *self, const char *text);
};

void listener_report(Listener *l, const StageReport *report);
void listener_remark(Listener *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
void listener_warn(Listener *l, const char *format, ...) __attribute__((format(printf, 2, 3)));
bool listener_stops(Listener *l);
/* Fails with ERR_CANCELLED where the listener asks to stop. */
Status listener_check(Listener *l);

#endif
