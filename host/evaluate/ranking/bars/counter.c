/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/bars/counter.h"

#include <math.h>

/* Above every score of co-occurrence: an item of the history that comes first has a multiple of
 * it. */
#define FIRST 0x1p100

Status counter_fit(Counter *c, const Histories *h, const Popularity *popularity, int threads)
{
    *c = (Counter){.popularity = popularity};
    PairWeights next = {.window = 1, .forward = {0, 1}, .divisor = 1.0};
    /* In units of 1 / lcm(1 .. 20), so that every weight is an integer. */
    enum { LCM = 232792560 };
    PairWeights after = {.window = PAIR_WINDOW_MAX, .divisor = LCM}, before = after;
    for (int g = 1; g <= PAIR_WINDOW_MAX; g++) after.forward[g] = before.backward[g] = LCM / g;
    Status st;
    TRY_OR_FAIL(st, pairs_count(&c->next, h, &next, threads));
    TRY_OR_FAIL(st, pairs_count(&c->after, h, &after, threads));
    TRY_OR_FAIL(st, pairs_count(&c->before, h, &before, threads));
    return OK;
fail:
    counter_close(c);
    return st;
}

void counter_close(Counter *c)
{
    pairs_close(&c->next);
    pairs_close(&c->after);
    pairs_close(&c->before);
    *c = (Counter){0};
}

static void add_row(BarScratch *s, const PairTable *t, int32_t x, double weight)
{
    for (int64_t i = t->offset[x]; i < t->offset[x + 1]; i++)
        bar_touch(s, t->item[i], weight * t->weight[i]);
}

static void add_cooccurrence(const Bar *self, BarScratch *s, const BarHistory *h)
{
    const Counter *c = self->state;
    const double back = self->parameter[0], power = self->parameter[1];
    for (int d = 0; d < PAIR_WINDOW_MAX && d < h->length; d++) {
        const int32_t x = h->item[h->length - 1 - d];
        add_row(s, &c->after, x, 1.0 / (1.0 + d));
        if (back > 0.0) add_row(s, &c->before, x, back / (1.0 + d));
    }
    for (int32_t k = 0; k < s->touches; k++) {
        const int32_t y = s->touched[k];
        s->score[y] *= pow(1.0 + (double)c->popularity->count[y], -power);
    }
}

static void put_first(BarScratch *s, int32_t y, double place)
{
    if (s->score[y] == 0.0) s->touched[s->touches++] = y;
    s->score[y] = place * FIRST;
}

static void score(const Bar *self, BarScratch *s, const BarHistory *h)
{
    const Counter *c = self->state;
    const int32_t last = h->item[h->length - 1];
    switch (self->kind) {
    case COUNTER_POPULARITY: break;
    case COUNTER_LAST_ITEM: put_first(s, last, 1.0); break;
    case COUNTER_MARKOV: add_row(s, &c->next, last, 1.0); break;
    default: add_cooccurrence(self, s, h);
    }
    if (self->kind == COUNTER_LAST_FIRST) put_first(s, last, 1.0);
    if (self->kind == COUNTER_REPEATS_FIRST) {
        const int32_t count = bar_recent(s, h, h->length);
        for (int32_t k = 0; k < count; k++) put_first(s, s->recent[k], count - k);
    }
}

Bar counter_bar(const Counter *c, int kind, CounterSettings settings)
{
    static const char *const name[COUNTER_BARS] = {[COUNTER_POPULARITY] = "popularity",
                                                   [COUNTER_LAST_ITEM] = "last item",
                                                   [COUNTER_MARKOV] = "markov",
                                                   [COUNTER_COOCCURRENCE] = "co-occurrence",
                                                   [COUNTER_LAST_FIRST] = "last, counter",
                                                   [COUNTER_REPEATS_FIRST] = "repeats, counter"};
    return (Bar){.name = name[kind],
                 .popularity = c->popularity,
                 .popular = kind <= COUNTER_MARKOV,
                 .state = c,
                 .kind = kind,
                 .parameter = {settings.back, settings.power},
                 .score = score};
}
