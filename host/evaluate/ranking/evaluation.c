/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ranking/evaluation.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

Status evaluation_open(Evaluation *e, const Histories *h, const ScoreOptions *options,
                       int64_t sample, uint64_t seed)
{
    *e = (Evaluation){.histories = h, .options = *options};
    const ScoredOptions scored = {sample, seed, !options->include_seen};
    e->popularity = malloc((size_t)h->items * sizeof *e->popularity + 1);
    Status st;
    if (!e->popularity)
        TRY_OR_FAIL(st, FAIL(ERR_MEMORY, "no memory for %" PRId32 " items", h->items));
    histories_popularity(h, e->popularity);
    TRY_OR_FAIL(st, histories_scored_select(&e->events, h, &scored));
    return OK;
fail:
    evaluation_close(e);
    return st;
}

static Status measure_auc(const Evaluation *e, Auc *out, const float *purchase)
{
    const ScoredEvents *s = &e->events;
    uint8_t *label = malloc((size_t)s->count + 1);
    if (!label) return FAIL(ERR_MEMORY, "no memory for %" PRId64 " labels", s->count);
    for (int64_t i = 0; i < s->count; i++) label[i] = s->action[i] == e->options.purchase;
    const Status st = auc_measure(out, purchase, label, s->first, s->users);
    free(label);
    return st;
}

/* Runs the last seed of a scorer. */
static Status run(const Evaluation *e, Evaluated *k, const Scorer *scorer)
{
    const bool predicts = scorer->predicts && e->options.purchase >= 0;
    if (!scorer->ranks && !predicts) return OK;
    float *purchase = predicts ? calloc((size_t)e->events.count + 1, sizeof *purchase) : NULL;
    if (predicts && !purchase)
        return FAIL(ERR_MEMORY, "no memory for %" PRId64 " predictions", e->events.count);
    Ranking *ranking = scorer->ranks ? &k->ranking[k->seeds - 1] : NULL;
    Status st;
    if (ranking) TRY_OR_FAIL(st, ranking_open(ranking, &e->events));
    TRY_OR_FAIL(st,
                scorer->score(scorer, e->histories, &e->events, &e->options, ranking, purchase));
    if (predicts) TRY_OR_FAIL(st, measure_auc(e, &k->auc[k->seeds - 1], purchase));
    for (int g = 0; ranking && g < e->events.groups; g++)
        ranking_summary(k->ranking, k->seeds, g, &k->summary[g]);
    if (ranking) TRY_OR_FAIL(st, ranking_spread(k->ranking, k->seeds, e->popularity, &k->spread));
fail:
    free(purchase);
    return st;
}

Status evaluation_add(Evaluation *e, const Scorer *scorer)
{
    Evaluated *k = NULL;
    for (int i = 0; i < e->scorers && !scorer->baseline; i++)
        if (!e->scorer[i].scorer.baseline && !strcmp(e->scorer[i].scorer.name, scorer->name))
            k = &e->scorer[i];
    if (!k) {
        REQUIRE(e->scorers < SCORERS_MAX, "more than %d scorers", SCORERS_MAX);
        k = &e->scorer[e->scorers++];
        k->scorer = *scorer;
        k->summary = calloc((size_t)e->events.groups, sizeof *k->summary);
        if (!k->summary) return FAIL(ERR_MEMORY, "no memory for %d groups", e->events.groups);
    }
    REQUIRE(k->seeds < RANKING_SEEDS_MAX, "more than %d seeds", RANKING_SEEDS_MAX);
    k->seeds++;
    return run(e, k, scorer);
}

void evaluation_close(Evaluation *e)
{
    for (int k = 0; k < e->scorers; k++) {
        for (int s = 0; s < e->scorer[k].seeds; s++) ranking_close(&e->scorer[k].ranking[s]);
        free(e->scorer[k].summary);
    }
    free(e->popularity);
    histories_scored_close(&e->events);
    *e = (Evaluation){0};
}

Estimate evaluation_auc(const Evaluation *e, int scorer)
{
    const Evaluated *k = &e->scorer[scorer];
    double value[RANKING_SEEDS_MAX];
    Estimate users = {0};
    if (k->seeds == 1) return k->auc[0].auc;
    for (int s = 0; s < k->seeds; s++) {
        value[s] = k->auc[s].auc.value;
        users.value += value[s] / k->seeds;
        users.error += k->auc[s].auc.error / k->seeds;
        users.half += k->auc[s].auc.half / k->seeds;
    }
    return estimate_join(users, estimate_of_mean(value, k->seeds), 0.0, 1.0);
}

int evaluation_find(const Evaluation *e, const char *name)
{
    for (int k = 0; k < e->scorers; k++)
        if (e->scorer[k].scorer.ranks && !strcmp(e->scorer[k].scorer.name, name)) return k;
    return -1;
}

Estimate evaluation_difference(const Evaluation *e, int a, int b, int group, RankingMeasure m)
{
    return ranking_difference(e->scorer[a].ranking, e->scorer[a].seeds, e->scorer[b].ranking,
                              e->scorer[b].seeds, group, m);
}
