/* SPDX-License-Identifier: Apache-2.0 */
#include "api/follow.h"

#include <string.h>

static void report(Listener *self, const StageReport *r)
{
    Follow *f = (Follow *)self;
    const souk_progress progress = {.size = sizeof progress,
                                    .stage = r->stage,
                                    .step = r->done,
                                    .total = r->total,
                                    .seconds = r->seconds,
                                    .loss = r->loss,
                                    .validation = r->validation,
                                    .ended = r->phase == STAGE_ENDED};
    if (!f->progress || (f->stage && strcmp(f->stage, r->stage) != 0)) return;
    if (f->progress(f->context, &progress)) f->stop = true;
}

static void remark(Listener *self, const char *text)
{
    const Follow *f = (Follow *)self;
    if (f->message) f->message(f->context, text);
}

static bool stop(Listener *self) { return ((Follow *)self)->stop; }

Follow follow(souk_progress_callback progress, souk_message_callback message, void *context,
              const char *stage)
{
    return (Follow){{report, remark, stop, NULL}, progress, message, context, stage, false};
}
