/* SPDX-License-Identifier: Apache-2.0 */
/* A whole off-policy evaluation, from paths to estimates. Reports (ope/report.h) show it. */
#ifndef SOUK_RUN_OPE_H
#define SOUK_RUN_OPE_H

#include "evaluate/ope/policy_file.h"
#include "evaluate/ope/policy_model.h"
#include "evaluate/ope/report.h"
#include "infer/acting.h"

typedef struct {
    const char *data, *device; /* the behaviour file; device as session_open */
    /* The policy: a model, probabilities in a file, or "uniform", "popularity" or "logged"; all
     * NULL: uniform. */
    const char *checkpoint, *probabilities, *policy;
    ActingChoice acting;         /* of a model */
    double temperature, epsilon; /* of a model; epsilon NAN: softmax at the temperature */
    const char
        *split;      /* a split or "all"; NULL: test for a policy that learned from train, or all */
    const char *log; /* "bandit" or "sequential"; NULL: by the log */
    const char *catalogue; /* ope_catalogue_open; NULL: the items of the file */
    const char *position;  /* the event feature of the slots, "none"; NULL: "position", if any */
    bool force;            /* estimate in spite of little overlap, or of a model that knows */
    OpeOptions ope;        /* without folds and threads */
    int threads;           /* 0: all processors */
} OpeRunOptions;

/* What one evaluation holds open. */
typedef struct {
    OpeRunOptions options;
    Behaviour file;
    OpeLog log;
    Session *session; /* of the checkpoint */
    OpeModelPolicy model_policy;
    OpePopularity popularity;
    OpeFilePolicy file_policy;
    OpeCatalogue catalogue;
    OpePolicy policy;
    char described[512], why[256];
    OpeResult result;
    OpeReportContext context;
    bool refused; /* the failure is a refusal: the log overlaps too little with the policy */
} OpeRun;

/* Runs the evaluation into `run`, which must be closed, also after a failure. What `options` points
 * to must outlive it. */
Status run_ope(OpeRun *run, const OpeRunOptions *options);
void run_ope_close(OpeRun *run); /* safe on {0} */

#endif
