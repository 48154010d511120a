/* SPDX-License-Identifier: Apache-2.0 */
/* One evaluation: the scored events of a split, and the measures of every scorer on them. */
#ifndef SOUK_EVALUATION_H
#define SOUK_EVALUATION_H

#include "evaluate/ranking/scorer.h"
#include "evaluate/statistics/auc.h"

enum { SCORERS_MAX = 16 };

typedef struct {
    ScoreOptions options;
    ScoredEvents events;
    int scorers;
    Scorer scorer[SCORERS_MAX];
    Ranking ranking[SCORERS_MAX]; /* the rankings of scorers that rank */
    RankingSummary *summary;      /* [scorers, groups] */
    Auc auc[SCORERS_MAX]; /* the AUC of scorers that predict, where there is a purchase action */
} Evaluation;

/* Runs `scorers` scorers (1 .. SCORERS_MAX) on the events of histories_scored_select(h, sample,
 * seed). */
Status evaluation_run(Evaluation *e, const Histories *h, const Scorer *scorer, int scorers,
                      const ScoreOptions *options, int64_t sample, uint64_t seed);
void evaluation_close(Evaluation *e); /* safe on {0} */

static inline const RankingSummary *evaluation_summary(const Evaluation *e, int scorer, int group)
{
    return &e->summary[(int64_t)scorer * e->events.groups + group];
}

/* The baseline with the greatest measure m in the group; -1 without baselines or without events. */
int evaluation_best_baseline(const Evaluation *e, int group, RankingMeasure m);

#endif
