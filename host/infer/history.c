/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/history.h"
#include "data/behaviour/columns.h"

#include <inttypes.h>
#include <string.h>

History history_of_user(const Behaviour *file, int64_t user)
{
    const int64_t first = file->offset[user];
    return (History){.count = file->offset[user + 1] - first, .user = user, .first = first};
}

static Status check_events(const History *h, const Behaviour *file, int64_t number)
{
    for (int64_t i = 0; i < h->count; i++) {
        const bool known = h->item[i] >= 0;
        if (h->item[i] < -1 || h->item[i] >= file->items || (!known && i < h->counted))
            return FAIL(
                ERR_USAGE,
                "history %" PRId64 ", event %" PRId64 ": item %" PRId32 ", want 0 to %" PRId64 "%s",
                number, i, h->item[i], file->items - 1,
                i < h->counted ? ", as the event is counted" : ", or -1 for an unknown one");
        if (h->action[i] >= file->actions)
            return FAIL(ERR_USAGE,
                        "history %" PRId64 ", event %" PRId64 ": action %d, want 0 to %d", number,
                        i, h->action[i], file->actions - 1);
    }
    return OK;
}

Status history_check(const History *h, const Behaviour *file, int64_t number)
{
    if (h->count < 1)
        return FAIL(ERR_USAGE, "history %" PRId64 " has no events, want at least one", number);
    if (h->user < -1 || h->user >= file->users)
        return FAIL(ERR_USAGE,
                    "history %" PRId64 ": user %" PRId64 ", want 0 to %" PRId64 ", or -1 for none",
                    number, h->user, file->users - 1);
    if (h->counted < 0 || h->counted > h->count)
        return FAIL(ERR_USAGE,
                    "history %" PRId64 ": %" PRId64 " counted events, want 0 to %" PRId64, number,
                    h->counted, h->count);
    if (h->item) return check_events(h, file, number);
    if (h->first >= 0 && h->count <= file->events - h->first) return OK;
    return FAIL(ERR_USAGE,
                "history %" PRId64 ": %" PRId64 " events from row %" PRId64 " on, %s has %" PRId64,
                number, h->count, h->first, file->path, file->events);
}

Status history_items(const History *h, const Behaviour *file, int64_t count, int32_t *item)
{
    const int64_t first = h->count - count;
    if (!h->item) return columns_read(file, COLUMN_ITEM, h->first + first, count, item);
    if (count > 0) memcpy(item, h->item + first, (size_t)count * sizeof *item);
    return OK;
}

int64_t history_counted(const History *h, const Session *s)
{
    const int counted = s->model->counted;
    return !h->item ? batch_counted(s->file, counted, h->user) : counted ? h->counted : 0;
}

Status history_add_to_batch(const History *h, const Behaviour *file, int64_t first, Batch *batch)
{
    const Window rows = {.user = h->user, .first = h->first + first, .end = h->first + h->count};
    if (!h->item) return batch_add_rows(batch, file, &rows);
    const BatchEvents events = {
        .user = h->user,
        .count = h->count - first,
        .item = h->item + first,
        .action = h->action + first,
        .time = h->time_ms + first,
        .number = h->number ? h->number + first * file->event_features.numbers : NULL,
        .own = h->item,
        .own_action = h->action,
        .owns = batch->counted ? h->counted : 0,
    };
    batch_add_events(batch, &events);
    return OK;
}
