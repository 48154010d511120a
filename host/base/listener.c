/* SPDX-License-Identifier: Apache-2.0 */
#include "base/listener.h"

#include <stdarg.h>
#include <stdio.h>

enum { REMARK_MAX = 2048 };

void listener_report(Listener *l, const StageReport *report)
{
    if (l && l->report) l->report(l, report);
}

void listener_remark(Listener *l, const char *format, ...)
{
    char text[REMARK_MAX];
    va_list args;
    if (!l || !l->remark) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    l->remark(l, text);
}

void listener_warn(Listener *l, const char *format, ...)
{
    char text[REMARK_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (l && l->warn)
        l->warn(l, text);
    else
        listener_remark(l, "warning: %s", text);
}

bool listener_stops(Listener *l) { return l && l->stop && l->stop(l); }

Status listener_check(Listener *l)
{
    return listener_stops(l) ? FAIL(ERR_CANCELLED, "stopped on request") : OK;
}
