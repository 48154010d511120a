/* SPDX-License-Identifier: Apache-2.0 */
#include "api/batch.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "data/behaviour/keys.h"

/* Times are at most so far from 1970, so that no difference of two overflows: 31,000 years. */
#define TIME_MAX INT64_C(1000000000000000)
enum { GAP_MS = 60000 }; /* between events whose times are not given */

/* Where the events of the next history go. */
typedef struct {
    int32_t *item;
    int64_t *time_ms;
    uint8_t *action;
} Events;

static Status find_item(const souk_model *model, const souk_history *h, int64_t i, int32_t *item)
{
    if (h->item) return *item = h->item[i], OK; /* infer/ checks that it exists */
    TRY(call_needs(h->item_key[i], "an item_key"));
    *item = souk_model_find_item(model, h->item_key[i]); /* -1: an unknown item */
    return OK;
}

static Status find_action(const souk_model *model, const souk_history *h, int64_t i,
                          uint8_t *action)
{
    const Behaviour *file = model->session->file;
    *action = 0;
    if (h->action) {
        if (h->action[i] < 0 || h->action[i] >= file->actions)
            return FAIL(ERR_USAGE, "action %d, want 0 to %d", h->action[i], file->actions - 1);
        *action = (uint8_t)h->action[i];
        return OK;
    }
    if (!h->action_name) return OK;
    TRY(call_needs(h->action_name[i], "an action_name"));
    return behaviour_keys_find_action(file, h->action_name[i], action);
}

static Status find_time(const souk_history *h, int64_t i, int64_t *time_ms)
{
    *time_ms = h->time_ms ? h->time_ms[i] : i * GAP_MS;
    if (!h->time_ms) return OK;
    if (*time_ms < -TIME_MAX || *time_ms > TIME_MAX)
        return FAIL(ERR_USAGE, "time_ms %" PRId64 ", want milliseconds since 1970", *time_ms);
    if (i > 0 && *time_ms < h->time_ms[i - 1])
        return FAIL(ERR_USAGE,
                    "time_ms %" PRId64 " behind %" PRId64 ", want the oldest event first", *time_ms,
                    h->time_ms[i - 1]);
    return OK;
}

static Status find_event(const souk_model *model, const souk_history *h, int64_t i, Events *e)
{
    TRY(find_item(model, h, i, &e->item[i]));
    TRY(find_action(model, h, i, &e->action[i]));
    return find_time(h, i, &e->time_ms[i]);
}

/* -1: nothing is known of the user. */
static Status find_user(souk_model *model, const souk_history *h, int64_t *user)
{
    *user = -1;
    if (h->user_key) return model_find_user(model, h->user_key, user);
    if (!h->has_user) return OK;
    TRY(model_needs_users(model));
    *user = h->user;
    if (*user >= 0 && *user < model->session->file->users) return OK;
    return FAIL(ERR_USAGE, "user %" PRId64 ", want 0 to %" PRId64, *user,
                model->session->file->users - 1);
}

/* The recorded failure, with the place that it is about. */
static Status in_history(Status st, int64_t number, int64_t event)
{
    char cause[SOUK_MESSAGE_MAX];
    snprintf(cause, sizeof cause, "%s", status_message());
    status_clear();
    if (event < 0) return FAIL(st, "history %" PRId64 ": %s", number, cause);
    return FAIL(st, "history %" PRId64 ", event %" PRId64 ": %s", number, event, cause);
}

static Status translate(souk_model *model, const souk_history *h, int64_t number, Events *e,
                        History *out)
{
    int64_t user;
    Status st = find_user(model, h, &user);
    if (st == OK && h->count == 0 && user < 0)
        st = FAIL(ERR_USAGE, "it has neither events nor a user, want one of them");
    if (st != OK) return in_history(st, number, -1);
    *out = (History){.count = h->count,
                     .user = user,
                     .item = e->item,
                     .action = e->action,
                     .time_ms = e->time_ms};
    if (h->count == 0) *out = history_of_user(model->session->file, user);
    for (int64_t i = 0; i < h->count; i++)
        if ((st = find_event(model, h, i, e)) != OK) return in_history(st, number, i);
    e->item += h->count;
    e->action += h->count;
    e->time_ms += h->count;
    return OK;
}

static Status count_events(const souk_history *given, int64_t count, int64_t *events)
{
    *events = 0;
    for (int64_t i = 0; i < count; i++) {
        const souk_history *h = &given[i];
        if (h->count < 0 || h->count > INT32_MAX)
            return FAIL(ERR_USAGE, "history %" PRId64 " has %" PRId64 " events, want 0 to %d", i,
                        h->count, INT32_MAX);
        if (h->count > 0 && !h->item && !h->item_key)
            return FAIL(ERR_USAGE, "history %" PRId64 ": item and item_key are NULL, want one", i);
        *events += h->count;
    }
    return OK;
}

Status api_batch_open(ApiBatch *b, souk_model *model, const souk_history *given, int64_t count)
{
    int64_t events;
    Status st;
    *b = (ApiBatch){0};
    TRY(count_events(given, count, &events));
    const size_t n = (size_t)events + 1, bytes = sizeof(int64_t) + sizeof(int32_t) + 1;
    b->history = calloc((size_t)count + 1, sizeof *b->history);
    b->events = malloc(n * bytes);
    if (!b->history || !b->events)
        TRY_OR_FAIL(st,
                    FAIL(ERR_MEMORY, "no memory for %" PRId64 " histories of %" PRId64 " events",
                         count, events));
    Events e = {.time_ms = b->events};
    e.item = (int32_t *)(e.time_ms + n);
    e.action = (uint8_t *)(e.item + n);
    for (int64_t i = 0; i < count; i++)
        TRY_OR_FAIL(st, translate(model, &given[i], i, &e, &b->history[i]));
    return OK;
fail:
    api_batch_close(b);
    return st;
}

void api_batch_close(ApiBatch *b)
{
    free(b->history);
    free(b->events);
    *b = (ApiBatch){0};
}
