/* SPDX-License-Identifier: Apache-2.0 */
/* The measures of answers as text and as JSON. */
#ifndef SOUK_OUTCOME_REPORT_H
#define SOUK_OUTCOME_REPORT_H

#include <stdio.h>

#include "base/report.h"
#include "evaluate/outcome/measure.h"

/* A short table and a sentence. `b` has the names of the kinds. */
void outcome_report_print(FILE *out, const OutcomeMeasures *m, const Behaviour *b);

/* {"answers", "users", "impressions",
 *  "log_likelihood": {"model": M, "rates_of_items": M, "rates_of_all": M, "model_less_items": M,
 *                     "strength"},
 *  "kinds": [{"name", "count", "foretold": M, "seen": M, "auc": M}],
 *  "taken": {"auc": M, "deciles": [{"foretold": M, "seen": M}]},
 *  "reward": {"foretold": M, "seen": M, "deciles": [{"foretold": M, "seen": M}]},
 *  "ends": {"known", "auc": M, "foretold": M, "seen": M}}
 * with M = {"value", "error", "low", "high"} (null where undefined). */
json_t *outcome_report_json(const OutcomeMeasures *m, const Behaviour *b);

#endif
