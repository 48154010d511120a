/* SPDX-License-Identifier: Apache-2.0 */
/* An evaluation on the screen (at most 100 columns) and as JSON. */
#ifndef SOUK_RANKING_REPORT_H
#define SOUK_RANKING_REPORT_H

#include <stdio.h>

#include "evaluate/ranking/evaluation.h"

typedef struct {
    const char *data;               /* path of the file */
    const char *split;              /* "test" */
    const char *split_rule;         /* in words */
    const char *const *action_name; /* [groups - GROUP_ACTION] */
    int64_t items;
    int64_t sample; /* users drawn; 0: all */
    uint64_t seed;
} RankingReportContext;

/* Prints what was done, then one block for each group with events (all, each action, targets new to
 * the user, seen before, never in train; a group equal to `all` is not repeated). A block has a row
 * for each scorer, under it the half widths of the 95 % intervals; below, the gain over the best
 * baseline of each scorer that is not one. Last comes the AUC of the next event being a
 * purchase. */
void ranking_report_print(FILE *out, const Evaluation *e, const RankingReportContext *context);

/* {"data", "split", "split_rule", "items", "events", "users", "no_history", "sample", "seed",
 *  "include_seen", "top": 20,
 *  "groups": [{"name", "events", "users",
 *              "scorers": [{"name", "baseline", "HR@1": M, ..., "coverage@20"}],
 *              "differences": [{"scorer", "baseline", "measure", "difference": M}]}],
 *  "next_is_purchase": null or {"action", "positives", "negatives",
 *                               "scorers": [{"name", "baseline", "auc": M}]}}
 * with M = {"value", "error", "low", "high"} (null where undefined). The file appears whole or not
 * at all. */
Status ranking_report_json(const char *path, const Evaluation *e,
                           const RankingReportContext *context);

#endif
