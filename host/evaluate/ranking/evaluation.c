/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/evaluation.h"

#include <inttypes.h>
#include <stdlib.h>

static Status measure_auc(Evaluation *e, int k, const Histories *h, const float *purchase)
{
    const ScoredEvents *s = &e->events;
    uint8_t *label = malloc((size_t)s->count + 1);
    if (!label) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " labels", s->count);
    for (int64_t i = 0; i < s->count; i++) label[i] = h->action[s->event[i]] == e->options.purchase;
    const Status st = auc_measure(&e->auc[k], purchase, label, s->first, s->users);
    free(label);
    return st;
}

static Status run_scorer(Evaluation *e, int k, const Histories *h)
{
    const Scorer *scorer = &e->scorer[k];
    const bool predicts = scorer->predicts && e->options.purchase >= 0;
    if (!scorer->ranks && !predicts) return OK;
    float *purchase = predicts ? calloc((size_t)e->events.count + 1, sizeof *purchase) : NULL;
    if (predicts && !purchase)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " predictions", e->events.count);
    Ranking *ranking = scorer->ranks ? &e->ranking[k] : NULL;
    Status st;
    if (ranking) TRY_OR_FAIL(st, ranking_open(ranking, &e->events));
    TRY_OR_FAIL(st, scorer->score(scorer, h, &e->events, &e->options, ranking, purchase));
    if (predicts) TRY_OR_FAIL(st, measure_auc(e, k, h, purchase));
    for (int g = 0; ranking && g < e->events.groups; g++)
        ranking_summary(ranking, g, &e->summary[(int64_t)k * e->events.groups + g]);
fail:
    free(purchase);
    return st;
}

Status evaluation_run(Evaluation *e, const Histories *h, const Scorer *scorer, int scorers,
                      const ScoreOptions *options, int64_t sample, uint64_t seed)
{
    REQUIRE(scorers >= 1 && scorers <= SCORERS_MAX, "%d scorers, want 1 to %d", scorers,
            SCORERS_MAX);
    *e = (Evaluation){.options = *options, .scorers = scorers};
    Status st;
    TRY_OR_FAIL(st, histories_scored_select(&e->events, h, sample, seed));
    e->summary = calloc((size_t)scorers * (size_t)e->events.groups, sizeof *e->summary);
    if (!e->summary) TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for %d scorers", scorers));
    for (int k = 0; k < scorers; k++) {
        e->scorer[k] = scorer[k];
        TRY_OR_FAIL(st, run_scorer(e, k, h));
    }
    return OK;
fail:
    evaluation_close(e);
    return st;
}

void evaluation_close(Evaluation *e)
{
    for (int k = 0; k < e->scorers; k++) ranking_close(&e->ranking[k]);
    free(e->summary);
    histories_scored_close(&e->events);
    *e = (Evaluation){0};
}

int evaluation_best_baseline(const Evaluation *e, int group, RankingMeasure m)
{
    int best = -1;
    for (int k = 0; k < e->scorers; k++) {
        if (!e->scorer[k].baseline || !e->scorer[k].ranks) continue;
        const RankingSummary *s = evaluation_summary(e, k, group);
        if (!s->events) continue;
        if (best < 0 || s->measure[m].value > evaluation_summary(e, best, group)->measure[m].value)
            best = k;
    }
    return best;
}
