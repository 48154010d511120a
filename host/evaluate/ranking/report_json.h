/* SPDX-License-Identifier: Apache-2.0 */
/* An evaluation as JSON. */
#ifndef SOUK_RANKING_REPORT_JSON_H
#define SOUK_RANKING_REPORT_JSON_H

#include "base/report.h"
#include "evaluate/ranking/report.h"

/* {"data", "split", "split_rule", "items", "events", "users", "impressions", "no_history",
 *  "sample", "seed",
 *  "include_seen", "repeats": {"validation_events", "validation_repeats", "share_wanted", "forced",
 *                              "events", "left_out"},
 *  "top": 20,
 *  "bars": [{"name", "settings", "left_out", "validation_NDCG@10"}], "best_bar",
 *  "bars_chosen_on": {"events", "users"},
 *  "standing": null or {"scorer", "bar", "measure", "difference": M, "verdict"},
 *  "groups": [{"name", "events", "users",
 *              "scorers": [{"name", "baseline", "seeds", "HR@1": M, ...}],
 *              "differences": [{"scorer", "baseline", "measure", "difference": M}]}],
 *  "next_is_purchase": null or {"action", "positives", "negatives",
 *                               "scorers": [{"name", "baseline", "auc": M}]},
 *  "outcome": null or what evaluate/outcome/report.h says, of the first model with an outcome head}
 * with M = {"value", "error", "low", "high"} (null where undefined). The scorers of the first
 * group, all events, have "coverage@20", "diversity@20", "novelty@20" and "gini@20" too. NULL where
 * a text is not UTF-8. The caller owns the value. */
json_t *ranking_report_json_value(const Evaluation *e, const RankingReportContext *context);
/* The same as a file, which appears whole or not at all. */
Status ranking_report_json(const char *path, const Evaluation *e,
                           const RankingReportContext *context);

#endif
