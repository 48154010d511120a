/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/explain/effects.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Some variants of a history, each without some of its events: so many that they fit into one batch
 * of the session. */
typedef struct {
    const History *whole;
    History *history; /* [most] those that have events left, */
    int64_t *of;      /* [most] and of which of the request they are */
    int32_t *item;    /* [most, length] and so on */
    uint8_t *action;
    int64_t *time_ms;
    float *number;
    ExplainValues *value; /* [most, k] */
    int64_t most, count;
    int64_t length, numbers; /* length: the most events of a variant */
} Variants;

static void close_variants(Variants *v)
{
    free(v->history);
    free(v->of);
    free(v->item);
    free(v->action);
    free(v->time_ms);
    free(v->number);
    free(v->value);
}

static Status open_variants(Variants *v, const Session *s, const History *h, int64_t k,
                            int64_t lefts)
{
    const int64_t length = h->count, read = length < s->length ? length : s->length;
    const int64_t fit = s->tokens / read, most = fit < 1 ? 1 : fit < lefts ? fit : lefts;
    const size_t tokens = (size_t)(most * length);
    *v = (Variants){.whole = h,
                    .most = most,
                    .length = length,
                    .numbers = h->number ? s->file->event_features.numbers : 0,
                    .history = calloc((size_t)most, sizeof *v->history),
                    .of = calloc((size_t)most, sizeof *v->of),
                    .item = calloc(tokens, sizeof *v->item),
                    .action = calloc(tokens, sizeof *v->action),
                    .time_ms = calloc(tokens, sizeof *v->time_ms),
                    .value = calloc((size_t)(most * k), sizeof *v->value)};
    v->number = calloc(tokens * (size_t)v->numbers + 1, sizeof *v->number);
    if (v->history && v->of && v->item && v->action && v->time_ms && v->number && v->value)
        return OK;
    close_variants(v);
    return FAIL(ERR_MEMORY, "no memory for %" PRId64 " histories of %" PRId64 " events", most,
                length);
}

static bool is_left(const History *h, const ExplainLeft *left, int64_t event)
{
    return event == left->event || (left->all_of_item && h->item[event] == h->item[left->event]);
}

/* Add the history without what is left out, number `of` of the request. */
static void add_variant(Variants *v, const ExplainLeft *left, int64_t of)
{
    const History *h = v->whole;
    const int64_t first = v->count * v->length;
    int64_t at = first;
    for (int64_t i = 0; i < h->count; i++) {
        if (is_left(h, left, i)) continue;
        v->item[at] = h->item[i];
        v->action[at] = h->action[i];
        v->time_ms[at] = h->time_ms[i];
        for (int64_t n = 0; n < v->numbers; n++)
            v->number[at * v->numbers + n] = h->number[i * v->numbers + n];
        at++;
    }
    if (at == first) return;
    v->history[v->count] = *h;
    v->history[v->count].count = at - first;
    v->history[v->count].item = v->item + first;
    v->history[v->count].action = v->action + first;
    v->history[v->count].time_ms = v->time_ms + first;
    if (h->number) v->history[v->count].number = v->number + first * v->numbers;
    v->of[v->count++] = of;
}

static ExplainValues difference(const ExplainValues *a, const ExplainValues *b)
{
    return (ExplainValues){a->score - b->score, a->log_probability - b->log_probability,
                           a->q - b->q};
}

static Status use_variants(Variants *v, Session *s, const ExplainItems *items,
                           const ExplainValues *whole, int64_t lefts, ExplainValues *effect)
{
    const int64_t k = items->k;
    TRY(explain_values(s, items, v->history, v->count, v->value));
    for (int64_t i = 0; i < v->count; i++)
        for (int64_t j = 0; j < k; j++)
            effect[j * lefts + v->of[i]] = difference(&whole[j], &v->value[i * k + j]);
    v->count = 0;
    return OK;
}

Status explain_effects(Session *s, const ExplainItems *items, const History *recent,
                       const ExplainValues *whole, const ExplainLeft *left, int64_t lefts,
                       ExplainValues *effect)
{
    Variants v;
    Status st = OK;
    if (lefts == 0) return OK;
    for (int64_t i = 0; i < items->k * lefts; i++) effect[i] = (ExplainValues){NAN, NAN, NAN};
    TRY(open_variants(&v, s, recent, items->k, lefts));
    for (int64_t i = 0; i < lefts && st == OK; i++) {
        add_variant(&v, &left[i], i);
        if (v.count == v.most) st = use_variants(&v, s, items, whole, lefts, effect);
    }
    if (st == OK) st = use_variants(&v, s, items, whole, lefts, effect);
    close_variants(&v);
    return st;
}
