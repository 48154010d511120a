/* SPDX-License-Identifier: Apache-2.0 */
#include "infer/explain/effects.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* A part of the variants of a history, each without one of its events: so many that they fit into
 * one batch of the session. */
typedef struct {
    History *history; /* [most] */
    int32_t *item;    /* [most, length] and so on */
    uint8_t *action;
    int64_t *time_ms;
    float *number;
    ExplainValues *value;          /* [most, k] */
    int64_t most, length, numbers; /* length: events of a variant */
} Variants;

static void close_variants(Variants *v)
{
    free(v->history);
    free(v->item);
    free(v->action);
    free(v->time_ms);
    free(v->number);
    free(v->value);
}

static Status open_variants(Variants *v, const Session *s, const History *h, int64_t k,
                            int64_t events)
{
    const int64_t length = h->count - 1, fit = s->tokens / length;
    const int64_t most = fit < 1 ? 1 : fit < events ? fit : events;
    const size_t tokens = (size_t)(most * length);
    *v = (Variants){.most = most,
                    .length = length,
                    .numbers = h->number ? s->file->event_features.numbers : 0,
                    .history = calloc((size_t)most, sizeof *v->history),
                    .item = calloc(tokens, sizeof *v->item),
                    .action = calloc(tokens, sizeof *v->action),
                    .time_ms = calloc(tokens, sizeof *v->time_ms),
                    .value = calloc((size_t)(most * k), sizeof *v->value)};
    v->number = calloc(tokens * (size_t)v->numbers + 1, sizeof *v->number);
    if (v->history && v->item && v->action && v->time_ms && v->number && v->value) return OK;
    close_variants(v);
    return FAIL(ERR_MEMORY, "no memory for %" PRId64 " histories of %" PRId64 " events", most,
                length);
}

/* Column `from` [length + 1] of elements of `size` bytes without element `out`. */
static void copy_without(void *to, const void *from, size_t size, int64_t length, int64_t out)
{
    const size_t before = (size_t)out * size, after = (size_t)(length - out) * size;
    memcpy(to, from, before);
    memcpy((char *)to + before, (const char *)from + before + size, after);
}

/* Variant number i of the part is the history without event `out`. */
static void leave_out(Variants *v, const History *h, int64_t i, int64_t out)
{
    const int64_t at = i * v->length, length = v->length;
    copy_without(v->item + at, h->item, sizeof *h->item, length, out);
    copy_without(v->action + at, h->action, sizeof *h->action, length, out);
    copy_without(v->time_ms + at, h->time_ms, sizeof *h->time_ms, length, out);
    v->history[i] = *h;
    v->history[i].count = length;
    v->history[i].item = v->item + at;
    v->history[i].action = v->action + at;
    v->history[i].time_ms = v->time_ms + at;
    if (!h->number) return;
    v->history[i].number = v->number + at * v->numbers;
    copy_without(v->number + at * v->numbers, h->number, (size_t)v->numbers * sizeof *h->number,
                 length, out);
}

static ExplainValues difference(const ExplainValues *a, const ExplainValues *b)
{
    return (ExplainValues){a->score - b->score, a->log_probability - b->log_probability,
                           a->q - b->q};
}

static Status use_variants(Variants *v, Session *s, const ExplainItems *items, const History *h,
                           const ExplainValues *whole, int64_t events, ExplainValues *effect)
{
    const int64_t k = items->k;
    for (int64_t done = 0; done < events; done += v->most) {
        const int64_t left = events - done, count = left < v->most ? left : v->most;
        for (int64_t i = 0; i < count; i++) leave_out(v, h, i, h->count - events + done + i);
        TRY(explain_values(s, items, v->history, count, v->value));
        for (int64_t i = 0; i < count; i++)
            for (int64_t j = 0; j < k; j++)
                effect[j * events + done + i] = difference(&whole[j], &v->value[i * k + j]);
    }
    return OK;
}

Status explain_effects(Session *s, const ExplainItems *items, const History *recent,
                       const ExplainValues *whole, int64_t events, ExplainValues *effect)
{
    Variants v;
    if (recent->count == 1) {
        for (int64_t j = 0; j < items->k; j++) effect[j] = (ExplainValues){NAN, NAN, NAN};
        return OK;
    }
    TRY(open_variants(&v, s, recent, items->k, events));
    const Status st = use_variants(&v, s, items, recent, whole, events, effect);
    close_variants(&v);
    return st;
}
