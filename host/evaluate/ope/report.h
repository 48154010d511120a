/* SPDX-License-Identifier: Apache-2.0 */
/* An off-policy evaluation on the screen (at most 100 columns) and as JSON. */
#ifndef SOUK_OPE_REPORT_H
#define SOUK_OPE_REPORT_H

#include <stdio.h>

#include "base/report.h"
#include "evaluate/ope/ope.h"

typedef struct {
    const char *data, *split, *policy; /* path of the file; "test" or "all"; the policy in words */
    const char *catalogue;             /* what could be shown; NULL: the items of the file */
    const char *position;              /* event feature of the slots; NULL: there are none */
    const char *refusal;               /* why the overlap is too small; NULL: it is large enough */
} OpeReportContext;

void ope_report_print(FILE *out, const OpeResult *r, const OpeLog *log, const OpeOptions *options,
                      const OpeReportContext *context);

/* {"data", "split", "policy", "sequential", "decisions", "users", "episodes", "openings",
 *  "no_history", "as_logged", "items", "clip", "gamma", "replicates", "seed",
 *  "weights": {"mean", "error", "largest", "log10_largest", "effective_sample_size", "wanted"},
 *  "refusal": text or null,
 *  "estimators": [{"name", "assumes", "value", "low", "high", "bernstein_low", "bernstein_high"}],
 *  "fqe": {"sweeps", "steps", "settled", "td_error", "channels": {kind of action: value}} or null}
 * with null where a number is undefined or has no double, and channels only where they are wanted.
 * NULL where a text is not UTF-8. The caller owns the value. */
json_t *ope_report_value(const OpeResult *r, const OpeLog *log, const OpeOptions *options,
                         const OpeReportContext *context);
/* The same as a file, which appears whole or not at all. */
Status ope_report_json(const char *path, const OpeResult *r, const OpeLog *log,
                       const OpeOptions *options, const OpeReportContext *context);

#endif
