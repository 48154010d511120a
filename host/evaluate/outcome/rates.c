/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/outcome/rates.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "data/behaviour/columns.h"

static const double strengths[] = {1, 3, 10, 30, 100, 300, 1000};
static const double without_validation = 30.0;

static Status count_train(Rates *r, const Behaviour *b)
{
    int64_t most = 0;
    for (int64_t u = 0; u < b->users; u++) {
        const int64_t events = b->split[SPLIT_TRAIN][u][1] - b->split[SPLIT_TRAIN][u][0];
        if (events > most) most = events;
    }
    int32_t *item = malloc((size_t)most * sizeof *item + 1);
    uint8_t *action = malloc((size_t)most + 1);
    Status st = OK;
    if (!item || !action)
        st = FAIL(ERR_MEMORY, "no memory for a history of %" PRId64 " events", most);
    for (int64_t u = 0; u < b->users && st == OK; u++) {
        const int64_t *train = b->split[SPLIT_TRAIN][u], events = train[1] - train[0];
        if (events <= 0) continue;
        st = columns_read(b, COLUMN_ITEM, train[0], events, item);
        if (st == OK) st = columns_read(b, COLUMN_ACTION, train[0], events, action);
        for (int64_t i = 0; i < events && st == OK; i++) {
            r->count[(int64_t)item[i] * r->kinds + action[i]]++;
            r->of_all[action[i]]++;
            r->total++;
        }
    }
    free(item);
    free(action);
    return st;
}

double rates_of_all(const Rates *r, int64_t kind)
{
    return ((double)r->of_all[kind] + 1.0) / (double)(r->total + r->kinds);
}

double rates_of_item(const Rates *r, int32_t item, int64_t kind)
{
    const int64_t *count = r->count + (int64_t)item * r->kinds;
    int64_t sum = 0;
    for (int64_t k = 0; k < r->kinds; k++) sum += count[k];
    return ((double)count[kind] + r->strength * rates_of_all(r, kind)) /
           ((double)sum + r->strength);
}

static Status choose_strength(Rates *r, const Behaviour *b)
{
    Shown shown;
    double best = -INFINITY, chosen = without_validation;
    TRY(shown_read(&shown, b, &(ShownOptions){.split = SPLIT_VALID}));
    for (size_t s = 0; s < sizeof strengths / sizeof *strengths && shown.count; s++) {
        double sum = 0.0;
        r->strength = strengths[s];
        for (int64_t i = 0; i < shown.count; i++)
            sum += log(rates_of_item(r, shown.item[i], shown.kind[i]));
        if (sum > best) best = sum, chosen = strengths[s];
    }
    shown_close(&shown);
    r->strength = chosen;
    return OK;
}

Status rates_open(Rates *r, const Behaviour *b)
{
    *r = (Rates){.items = b->items, .kinds = b->actions};
    r->count = calloc((size_t)(r->items * r->kinds), sizeof *r->count);
    r->of_all = calloc((size_t)r->kinds, sizeof *r->of_all);
    Status st = OK;
    if (!r->count || !r->of_all)
        st = FAIL(ERR_MEMORY, "no memory for the events of %" PRId64 " items", r->items);
    if (st == OK) st = count_train(r, b);
    if (st == OK) st = choose_strength(r, b);
    if (st != OK) rates_close(r);
    return st;
}

void rates_close(Rates *r)
{
    free(r->count);
    free(r->of_all);
    *r = (Rates){0};
}
