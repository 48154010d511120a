/* SPDX-License-Identifier: Apache-2.0 */
#include "train/start/answers.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "data/behaviour/columns.h"

typedef struct {
    double count[ACTIONS_MAX], ended[ACTIONS_MAX];
} Rates;

/* Adds `events` events of one user, the first of which is row `first`. */
static void add_events(Rates *r, const Behaviour *b, int64_t first, int64_t events,
                       const uint8_t *action, const uint8_t *end)
{
    for (int64_t i = 0, last; i < events; i = last) {
        last = schema_next_time(b->tie, first + i, first + events) - first;
        for (int64_t k = i; k < last && end[last - 1] != END_TRUNCATED; k++) {
            r->count[action[k]]++;
            r->ended[action[k]] += end[last - 1] == END_TERMINAL;
        }
    }
}

static Status count_rates(Rates *r, const Behaviour *b)
{
    int64_t most = 0;
    for (int64_t u = 0; u < b->users; u++) {
        const int64_t *train = b->split[SPLIT_TRAIN][u];
        if (train[1] - train[0] > most) most = train[1] - train[0];
    }
    uint8_t *action = malloc(2 * (size_t)most + 1), *end = action + most;
    if (!action) return FAIL(ERR_MEMORY, "no memory for a history of %" PRId64 " events", most);
    Status st = OK;
    for (int64_t u = 0; u < b->users; u++) {
        const int64_t *train = b->split[SPLIT_TRAIN][u], events = train[1] - train[0];
        if (events <= 0) continue;
        TRY_OR_FAIL(st, columns_read(b, COLUMN_ACTION, train[0], events, action));
        TRY_OR_FAIL(st, columns_read(b, COLUMN_END, train[0], events, end));
        add_events(r, b, train[0], events, action, end);
    }
fail:
    free(action);
    return st;
}

Status answers_start(Trainer *t)
{
    static const double PRIOR = 10.0;
    const Model *m = &t->model;
    const int64_t kinds = m->shape.actions;
    Rates r = {0};
    float bias[2 * ACTIONS_MAX];
    double count = 1.0, ended = 0.5;
    if (!model_has(m, HEAD_OUTCOME)) return OK;
    TRY(count_rates(&r, &t->file));
    for (int64_t k = 0; k < kinds; k++) count += r.count[k], ended += r.ended[k];
    for (int64_t k = 0; k < kinds; k++) {
        const double p = (r.ended[k] + PRIOR * ended / count) / (r.count[k] + PRIOR);
        bias[k] = (float)log(r.count[k] + 0.5);
        bias[kinds + k] = (float)log(p / (1.0 - p));
    }
    device_copy_in(&t->dev, m->params.copy[PARAM_VALUE][m->at.outcome.bias].data, bias,
                   (size_t)(2 * kinds) * sizeof *bias);
    return t->dev.status;
}
