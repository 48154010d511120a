/* SPDX-License-Identifier: Apache-2.0 */
/* A whole evaluation by ranking, from paths to measures: models beside bars whose settings are
 * chosen on validation. Reports (ranking/report.h) show it. */
#ifndef SOUK_RUN_RANKING_H
#define SOUK_RUN_RANKING_H

#include "evaluate/outcome/measure.h"
#include "evaluate/ranking/bars/bars.h"
#include "evaluate/ranking/model_scorer.h"
#include "evaluate/ranking/purchase_rates.h"
#include "evaluate/ranking/repeats.h"
#include "evaluate/ranking/report.h"
#include "infer/acting.h"

typedef struct {
    const char *data, *device;     /* the behaviour file; device as session_open */
    const char *const *checkpoint; /* [checkpoints] models, which are compared */
    int checkpoints;               /* at most RANKING_MODELS_MAX */
    int64_t seeds; /* above 1: a checkpoint PATH stands for PATH-1 to PATH-N, one model that was
                      trained with several seeds */
    ActingChoice acting;
    const char *purchase; /* the action that counts as a purchase; NULL: "purchase", where it is */
    const char *split;    /* "valid" or "test" */
    int64_t users;        /* a sample of so many users; 0: all */
    uint64_t seed;        /* of the sample */
    int threads;          /* 0: all processors */
    bool include_seen, exclude_seen; /* neither: the rule of ranking/repeats.h */
    bool force;                      /* rank events that a model contains */
    Listener *listener;
} RankingRunOptions;

/* What one evaluation holds open. */
typedef struct {
    RankingRunOptions options;
    int split;
    ScoreOptions score;
    Behaviour file;
    Histories histories;
    int known;            /* the first splits whose events the models contain */
    Behaviour known_file; /* where these are the train split; for the bars of a refreshed model */
    Histories known_histories;
    RepeatsRule rule;
    Bars bars;
    PurchaseRates rates;
    Evaluation evaluation;
    RankingModel model[RANKING_MODELS_MAX];
    char name[RANKING_MODELS_MAX][ACTING_KINDS][MODEL_SCORER_NAME]; /* of scorers of several */
    OutcomeMeasures outcome; /* of the first model that has an outcome head */
} RankingRun;

/* Runs the evaluation into `run`, which must be closed, also after a failure. What `options` points
 * to must outlive it. */
Status run_ranking(RankingRun *run, const RankingRunOptions *options);
RankingReportContext run_ranking_context(const RankingRun *run);
void run_ranking_close(RankingRun *run); /* safe on {0} */

#endif
