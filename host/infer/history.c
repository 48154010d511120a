/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/history.h"
#include "data/behaviour/columns.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

History history_of_user(const Behaviour *file, int64_t user)
{
    const int64_t first = file->offset[user];
    return (History){.count = file->offset[user + 1] - first, .user = user, .first = first};
}

static Status check_events(const History *h, const Behaviour *file, int64_t number)
{
    const int64_t counted = h->own_item ? 0 : h->counted;
    for (int64_t i = 0; i < h->count; i++) {
        const bool known = h->item[i] >= 0;
        if (h->item[i] < -1 || h->item[i] >= file->items || (!known && i < counted))
            return FAIL(ERR_USAGE,
                        "history %" PRId64 ", event %" PRId64 ": item %" PRId32
                        ", want 0 to %" PRId64 "%s",
                        number, i, h->item[i], file->items - 1,
                        i < counted ? ", as the event is counted" : ", or -1 for an unknown one");
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
    if (h->counted < 0 || (h->counted > h->count && !h->own_item))
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
        .own = h->own_item ? h->own_item : h->item,
        .own_time = h->own_item ? h->own_time_ms : h->time_ms,
        .own_action = h->own_item ? h->own_action : h->action,
        .owns = batch->counted ? h->counted : 0,
    };
    batch_add_events(batch, &events);
    return OK;
}

/* ---- Copies ---------------------------------------------------------------------------------- */

/* The columns of a copy of `count` events and `own` counted ones. */
typedef struct {
    int64_t *time_ms, *own_time_ms;
    float *number;
    int32_t *item, *own_item;
    uint8_t *action, *own_action;
} Columns;

static Status open_columns(Columns *c, int64_t count, int64_t own, int64_t numbers, void **memory)
{
    const size_t events = (size_t)count, owns = (size_t)own, wide = events * (size_t)numbers;
    c->time_ms = *memory = malloc((events + owns) * (8 + 4 + 1) + wide * sizeof(float) + 1);
    if (!*memory) return FAIL(ERR_MEMORY, "no memory for a history of %" PRId64 " events", count);
    c->own_time_ms = c->time_ms + events;
    c->number = (float *)(c->own_time_ms + owns);
    c->item = (int32_t *)(c->number + wide);
    c->own_item = c->item + events;
    c->action = (uint8_t *)(c->own_item + owns);
    c->own_action = c->action + events;
    return OK;
}

/* Row i of `to` [count, numbers] has the numbers of event first + i. */
static Status read_numbers(const Behaviour *file, int64_t first, int64_t count, float *to)
{
    const int numbers = file->event_features.numbers;
    float *column = malloc((size_t)count * sizeof *column + 1);
    Status st = column ? OK : FAIL(ERR_MEMORY, "no memory for %" PRId64 " numbers", count);
    for (int f = 0; f < numbers && st == OK; f++) {
        st = columns_read(file, (Column)(COLUMN_FEATURE + f), first, count, column);
        for (int64_t i = 0; i < count && st == OK; i++) to[i * numbers + f] = column[i];
    }
    free(column);
    return st;
}

static Status copy_rows(HistoryCopy *c, const History *h, int64_t count, const Session *s)
{
    const Behaviour *file = s->file;
    const int64_t first = h->first + h->count - count, own = history_counted(h, s);
    Columns to;
    TRY(open_columns(&to, count, own, file->event_features.numbers, &c->memory));
    TRY(columns_read(file, COLUMN_ITEM, first, count, to.item));
    TRY(columns_read(file, COLUMN_ACTION, first, count, to.action));
    TRY(columns_read(file, COLUMN_TIME, first, count, to.time_ms));
    TRY(read_numbers(file, first, count, to.number));
    if (own > 0) {
        const int64_t start = file->offset[h->user];
        TRY(columns_read(file, COLUMN_ITEM, start, own, to.own_item));
        TRY(columns_read(file, COLUMN_ACTION, start, own, to.own_action));
        TRY(columns_read(file, COLUMN_TIME, start, own, to.own_time_ms));
    }
    c->history = (History){.count = count,
                           .user = h->user,
                           .item = to.item,
                           .action = to.action,
                           .time_ms = to.time_ms,
                           .number = to.number,
                           .counted = own,
                           .own_item = to.own_item,
                           .own_action = to.own_action,
                           .own_time_ms = to.own_time_ms};
    return OK;
}

Status history_copy(HistoryCopy *c, const History *h, int64_t last, const Session *s)
{
    const int64_t count = last < h->count ? last : h->count, skipped = h->count - count;
    *c = (HistoryCopy){.history = *h};
    if (!h->item) {
        const Status st = copy_rows(c, h, count, s);
        if (st != OK) history_copy_close(c);
        return st;
    }
    c->history.count = count;
    c->history.item += skipped;
    c->history.action += skipped;
    c->history.time_ms += skipped;
    if (h->number) c->history.number += skipped * s->file->event_features.numbers;
    if (h->own_item) return OK;
    c->history.own_item = h->item;
    c->history.own_action = h->action;
    c->history.own_time_ms = h->time_ms;
    return OK;
}

void history_copy_close(HistoryCopy *c)
{
    free(c->memory);
    *c = (HistoryCopy){0};
}
