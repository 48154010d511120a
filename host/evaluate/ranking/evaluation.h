/* SPDX-License-Identifier: Apache-2.0 */
/* One evaluation: the scored events of a split, and the measures of every scorer on them. */
#ifndef SOUK_EVALUATION_H
#define SOUK_EVALUATION_H

#include "evaluate/ranking/scorer.h"
#include "evaluate/statistics/auc.h"

enum { SCORERS_MAX = 48 };

/* A scorer, or a model that was trained with several seeds. */
typedef struct {
    Scorer scorer;
    int seeds;
    Ranking ranking[RANKING_SEEDS_MAX]; /* where the scorer ranks */
    Auc auc[RANKING_SEEDS_MAX];         /* where it predicts, and there is a purchase action */
    RankingSummary *summary;            /* [groups] over the seeds */
    RankingSpread spread;
} Evaluated;

typedef struct {
    const Histories *histories;
    ScoreOptions options;
    ScoredEvents events;
    int64_t *popularity; /* [items] train events */
    int scorers;
    Evaluated scorer[SCORERS_MAX];
} Evaluation;

/* Selects the events. options->include_seen decides, too, whether events are left out whose target
 * was seen before. */
Status evaluation_open(Evaluation *e, const Histories *h, const ScoreOptions *options,
                       int64_t sample, uint64_t seed);
/* Runs a scorer on the events. One that is no baseline and has the name of an earlier one is that
 * model, trained with another seed. */
Status evaluation_add(Evaluation *e, const Scorer *scorer);
void evaluation_close(Evaluation *e); /* safe on {0} */

static inline const RankingSummary *evaluation_summary(const Evaluation *e, int scorer, int group)
{
    return &e->scorer[scorer].summary[group];
}

/* The mean AUC over the seeds. With several, the interval over users is as wide as the mean of
 * theirs, and the variation over seeds is added. */
Estimate evaluation_auc(const Evaluation *e, int scorer);

/* The scorer with a name; -1 where there is none that ranks. */
int evaluation_find(const Evaluation *e, const char *name);

/* How much better scorer a is than scorer b by measure m, over the events of a group. */
Estimate evaluation_difference(const Evaluation *e, int a, int b, int group, RankingMeasure m);

#endif
