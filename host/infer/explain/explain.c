/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/explain/explain.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "infer/answers.h"

/* ---- The request ----------------------------------------------------------------------------- */

static Status check(const Session *s, const History *history, const int32_t *item, int64_t k,
                    int64_t events)
{
    const int64_t items = s->model->shape.items;
    TRY(history_check(history, s->file, 0));
    if (k < 1) return FAIL(ERR_USAGE, "k = %" PRId64 ", want at least 1", k);
    if (events < 0) return FAIL(ERR_USAGE, "events = %" PRId64 ", want at least 0", events);
    for (int64_t i = 0; i < k; i++)
        if (item[i] < 0 || item[i] >= items)
            return FAIL(ERR_USAGE, "item[%" PRId64 "] is %" PRId32 ", want 0 to %" PRId64, i,
                        item[i], items - 1);
    return OK;
}

static Status open_memory(Explanation *e)
{
    const size_t events = (size_t)e->events, items = (size_t)e->items;
    e->event_item = calloc(events + 1, sizeof *e->event_item);
    e->event_action = calloc(events + 1, sizeof *e->event_action);
    e->item = calloc(items, sizeof *e->item);
    e->effect = calloc(items * events + 1, sizeof *e->effect);
    e->together = calloc(items * events + 1, sizeof *e->together);
    e->same = calloc(events + 1, sizeof *e->same);
    if (e->event_item && e->event_action && e->item && e->effect && e->together && e->same)
        return OK;
    return FAIL(ERR_MEMORY, "no memory to explain %" PRId64 " items by %" PRId64 " events",
                e->items, e->events);
}

void explain_close(Explanation *e)
{
    free(e->event_item);
    free(e->event_action);
    free(e->item);
    free(e->effect);
    free(e->together);
    free(e->same);
    free(e->answer);
    *e = (Explanation){0};
}

bool explain_is_last(const Explanation *e, int64_t n)
{
    for (int64_t later = n + 1; later < e->events && e->event_item[n] >= 0; later++)
        if (e->event_item[later] == e->event_item[n]) return false;
    return true;
}

/* ---- Its parts ------------------------------------------------------------------------------- */

/* The effects of single events. */
static Status explain_events(Explanation *e, Session *s, const History *recent,
                             const ExplainItems *items, const ExplainValues *whole)
{
    ExplainLeft *left = calloc((size_t)e->events + 1, sizeof *left);
    if (!left) return FAIL(ERR_MEMORY, "no memory to explain %" PRId64 " items", e->items);
    for (int64_t n = 0; n < e->events; n++) left[n].event = recent->count - e->events + n;
    const Status st = explain_effects(s, items, recent, whole, left, e->events, e->effect);
    free(left);
    return st;
}

static int64_t events_of(const History *recent, int32_t item)
{
    int64_t count = 0;
    for (int64_t i = 0; i < recent->count; i++) count += recent->item[i] == item;
    return count;
}

/* Lists the items that have several events, each by the first of those that are explained. number
 * [events] is the place in the list of each event's item; -1: it is not listed. */
static int64_t list_repeated(Explanation *e, const History *recent, ExplainLeft *left,
                             int64_t *number)
{
    int64_t count = 0;
    for (int64_t n = 0; n < e->events; n++) {
        int64_t before = 0;
        const int32_t item = e->event_item[n];
        e->same[n] = item < 0 ? 1 : events_of(recent, item);
        number[n] = -1;
        if (e->same[n] == 1) continue;
        while (e->event_item[before] != item) before++;
        number[n] = before < n ? number[before] : count;
        if (before == n) left[count++] = (ExplainLeft){recent->count - e->events + n, true};
    }
    return count;
}

/* The effects of all events of an item together; those of an item with one event are that one's. */
static Status explain_repeated(Explanation *e, Session *s, const History *recent,
                               const ExplainItems *items, const ExplainValues *whole)
{
    const size_t events = (size_t)e->events + 1;
    ExplainLeft *left = calloc(events, sizeof *left);
    int64_t *number = calloc(events, sizeof *number);
    ExplainValues *effect = calloc((size_t)e->items * events, sizeof *effect);
    Status st = left && number && effect
                    ? OK
                    : FAIL(ERR_MEMORY, "no memory to explain %" PRId64 " items", e->items);
    if (st == OK) {
        const int64_t lefts = list_repeated(e, recent, left, number);
        st = explain_effects(s, items, recent, whole, left, lefts, effect);
        for (int64_t i = 0; i < e->items * e->events; i++) {
            const int64_t at = number[i % e->events];
            e->together[i] = at < 0 ? e->effect[i] : effect[i / e->events * lefts + at];
        }
    }
    free(left);
    free(number);
    free(effect);
    return st;
}

static Status explain_the_values(Explanation *e, Session *s, const History *recent,
                                 const ExplainItems *items)
{
    ExplainValues *whole = calloc((size_t)e->items, sizeof *whole);
    if (!whole) return FAIL(ERR_MEMORY, "no memory to explain %" PRId64 " items", e->items);
    Status st = explain_values(s, items, recent, 1, whole);
    if (st == OK) st = explain_events(e, s, recent, items, whole);
    if (st == OK) st = explain_repeated(e, s, recent, items, whole);
    for (int64_t i = 0; i < e->items; i++) e->item[i].values = whole[i];
    free(whole);
    return st;
}

static Status explain_the_parts(Explanation *e, Session *s, const History *recent,
                                const int32_t *item)
{
    if (!e->has_policy) return OK;
    ExplainParts *parts = calloc((size_t)e->items, sizeof *parts);
    if (!parts) return FAIL(ERR_MEMORY, "no memory to explain %" PRId64 " items", e->items);
    const Status st = explain_parts(s, recent, item, e->items, parts);
    for (int64_t i = 0; i < e->items; i++) e->item[i].parts = parts[i];
    free(parts);
    return st;
}

/* Each item is shown after the same history. */
static Status foretell_answers(Explanation *e, Session *s, const History *recent,
                               const int32_t *item)
{
    if (!answers_known(s)) return OK;
    const int64_t width = answers_width(s);
    History *history = calloc((size_t)e->items, sizeof *history);
    float *p = calloc((size_t)(e->items * width), sizeof *p);
    e->answer = calloc((size_t)(e->items * e->actions), sizeof *e->answer);
    Status st = history && p && e->answer
                    ? OK
                    : FAIL(ERR_MEMORY, "no memory to explain %" PRId64 " items", e->items);
    for (int64_t i = 0; i < e->items && st == OK; i++) history[i] = *recent;
    if (st == OK) st = answers_after(s, history, e->items, item, p);
    for (int64_t i = 0; i < e->items && st == OK; i++)
        memcpy(e->answer + i * e->actions, p + i * width, (size_t)e->actions * sizeof *e->answer);
    free(history);
    free(p);
    return st;
}

static Status explain_all(Explanation *e, Session *s, const History *recent,
                          const ExplainItems *items)
{
    const int64_t skipped = recent->count - e->events, first = e->first - skipped;
    for (int64_t i = 0; i < e->events; i++) {
        e->event_item[i] = recent->item[skipped + i];
        e->event_action[i] = recent->action[skipped + i];
    }
    for (int64_t i = 0; i < e->items; i++) {
        ExplainedItem *x = &e->item[i];
        x->item = items->item[i];
        TRY(explain_evidence(s, recent, first, x->item, x->evidence, &x->evidences));
    }
    TRY(explain_the_values(e, s, recent, items));
    TRY(explain_the_parts(e, s, recent, items->item));
    return foretell_answers(e, s, recent, items->item);
}

Status explain_open(Explanation *e, Session *s, const History *history, const int32_t *item,
                    int64_t k, int64_t events)
{
    HistoryCopy recent;
    Status st;
    TRY(check(s, history, item, k, events));
    const int64_t seen = history->count < s->length ? history->count : s->length;
    *e = (Explanation){.items = k,
                       .events = events < seen ? events : seen,
                       .actions = s->model->shape.actions,
                       .has_policy = model_has(s->model, HEAD_POLICY)};
    e->first = history->count - e->events;
    session_lock(s);
    e->rule = session_acting(s);
    session_unlock(s);
    const ExplainItems items = {item, k, e->rule};
    TRY(history_copy(&recent, history, 2 * s->length, s));
    TRY_OR_FAIL(st, open_memory(e));
    TRY_OR_FAIL(st, explain_all(e, s, &recent.history, &items));
    history_copy_close(&recent);
    return OK;
fail:
    history_copy_close(&recent);
    explain_close(e);
    return st;
}
