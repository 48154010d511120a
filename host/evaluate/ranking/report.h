/* SPDX-License-Identifier: Apache-2.0 */
/* An evaluation on the screen (at most 100 columns). */
#ifndef SOUK_RANKING_REPORT_H
#define SOUK_RANKING_REPORT_H

#include <stdio.h>

#include "evaluate/outcome/measure.h"
#include "evaluate/ranking/bars/bars.h"
#include "evaluate/ranking/evaluation.h"
#include "evaluate/ranking/repeats.h"

/* A model that is evaluated. */
enum { RANKING_MODELS_MAX = 8 };
typedef struct {
    const char *path;
    int64_t unknown_items;   /* items of the file that it does not have, */
    int64_t unknown_targets; /* and how many scored events have one of them as target */
} RankingModel;

typedef struct {
    const char *data;               /* path of the file */
    const char *split;              /* "test" */
    const char *split_rule;         /* in words */
    const char *const *action_name; /* [groups - GROUP_ACTION] */
    int64_t items;
    int64_t sample; /* users drawn; 0: all */
    uint64_t seed;
    int known; /* the first splits whose events a model and the bars count; 0, 1: train */
    int models;
    const RankingModel *model; /* [models] */
    const Bars *bars;          /* whose scorers have the names of the bars */
    RepeatsRule rule;
    bool forced;           /* the user decided whether seen items are candidates, not the rule */
    const Behaviour *file; /* where there is an outcome */
    const OutcomeMeasures *outcome; /* count 0, or NULL: no model has an outcome head */
} RankingReportContext;

/* Prints what was done, a table with a row for each scorer over all events, and one sentence: how
 * the model stands beside the best bar, or which bar is the best. Where events have different
 * rewards, another sentence says how it stands when an event counts as much as its reward. Of
 * several models both are said of each, and of each two of them which is better: the difference is
 * taken event by event, and its interval is over users (ranking_difference). */
void ranking_report_print(FILE *out, const Evaluation *e, const RankingReportContext *context);

/* Prints the settings of the bars; then a block for each group with events (a group equal to `all`
 * is not repeated), with a row for each scorer, under it the half widths of the 95 % intervals, and
 * below the gain over the best bar of each model; last the AUC of the next event being a
 * purchase. */
void ranking_report_all(FILE *out, const Evaluation *e, const RankingReportContext *context);

/* What reports on the screen and as JSON have in common. */
enum { RANKING_REPORT_NAME = 128 };
void ranking_report_group(char out[RANKING_REPORT_NAME], const RankingReportContext *c, int group);
/* The group at a place of the display, 0 .. groups-1; whether it is shown. */
int ranking_report_group_at(const Evaluation *e, int place);
bool ranking_report_shows(const Evaluation *e, int group);
/* The scorer of the best bar; -1 where it is not among them. */
int ranking_report_best(const Evaluation *e, const RankingReportContext *c);
/* Model number n, by the rule that it acts by; -1 where there is none. */
int ranking_report_model(const Evaluation *e, int n);
/* How a difference stands: "better than", "worse than" or "not told apart by chance from". */
const char *ranking_report_verdict(Estimate difference);

#endif
