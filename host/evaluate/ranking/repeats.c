/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/repeats.h"

Status repeats_rule(RepeatsRule *r, const Histories *validation)
{
    ScoredEvents s;
    TRY(histories_scored_select(&s, validation, &(ScoredOptions){0}));
    *r = (RepeatsRule){.events = s.with_history, .repeats = s.repeats};
    r->include_seen = r->events && (double)r->repeats >= REPEATS_SHARE * (double)r->events;
    histories_scored_close(&s);
    return OK;
}
