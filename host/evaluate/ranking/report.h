/* An evaluation on the screen (at most 100 columns) and as JSON. */
#ifndef SOUK_REPORT_H
#define SOUK_REPORT_H

#include <stdio.h>

#include "evaluate/ranking/evaluation.h"

typedef struct {
    const char *data;               /* the file's path */
    const char *split;              /* "test" */
    const char *split_rule;         /* in words */
    const char *const *action_name; /* [groups - GROUP_ACTION] */
    int64_t items;
    int64_t sample; /* users drawn; 0: all */
    uint64_t seed;
} ReportContext;

/* What was done, then one block a group with events (all, each action, targets new to the user,
 * seen before, never in train; a group equal to `all` is not repeated): a row a scorer, under it
 * the half widths of the 95 % intervals; under the block, what each scorer that is no baseline
 * gains over the best baseline. Last, the AUC of the next event being a purchase. */
void report_print(FILE *out, const Evaluation *e, const ReportContext *context);

/* {"data", "split", "split_rule", "items", "events", "users", "no_history", "sample", "seed",
 *  "include_seen", "top": 20,
 *  "groups": [{"name", "events", "users",
 *              "scorers": [{"name", "baseline", "HR@1": M, ..., "coverage@20"}],
 *              "differences": [{"scorer", "baseline", "measure", "difference": M}]}],
 *  "next_is_purchase": null or {"action", "positives", "negatives",
 *                               "scorers": [{"name", "baseline", "auc": M}]}}
 * with M = {"value", "error", "low", "high"} (null where undefined). Written beside and renamed. */
Status report_json(const char *path, const Evaluation *e, const ReportContext *context);

#endif
