/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/run/ope.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/parallel.h"

enum { FOLDS = 5 };
static const char *const splits[] = {"train", "valid", "test", "all"};

/* ---- The policy ------------------------------------------------------------------------------ */

static Status open_model(OpeRun *run)
{
    const OpeRunOptions *a = &run->options;
    TRY(session_open(&run->session, &(SessionOptions){.checkpoint = a->checkpoint,
                                                      .acting = &a->acting,
                                                      .file = &run->file,
                                                      .device = a->device,
                                                      .threads = a->ope.bootstrap.threads}));
    session_warn(run->session, a->ope.listener);
    const bool softmax = isnan(a->epsilon);
    const ActingRule rule = session_acting(run->session);
    char words[ACTING_WORDS_MAX], last[48] = "";
    run->model_policy = (OpeModelPolicy){.session = run->session,
                                         .temperature = a->temperature,
                                         .epsilon = softmax ? -1.0 : a->epsilon,
                                         .listener = a->ope.listener};
    run->policy = ope_policy_model(&run->model_policy);
    acting_words(words, &rule);
    if (rule.exclude_last)
        snprintf(last, sizeof last, ", none of the last %" PRId64 " items", rule.exclude_last);
    if (!softmax)
        snprintf(run->described, sizeof run->described, "%s, best by %s, %g any item%s",
                 a->checkpoint, words, a->epsilon, last);
    else
        snprintf(run->described, sizeof run->described, "%s, softmax of %s at %g%s", a->checkpoint,
                 words, a->temperature, last);
    return OK;
}

static Status open_policy(OpeRun *run)
{
    const OpeRunOptions *a = &run->options;
    if (a->checkpoint) return open_model(run);
    if (a->probabilities) {
        TRY(ope_policy_file_read(&run->file_policy, &run->file, a->probabilities));
        run->policy = ope_policy_file(&run->file_policy);
        snprintf(run->described, sizeof run->described, "the probabilities of %s",
                 a->probabilities);
        return OK;
    }
    const char *name = a->policy ? a->policy : "uniform";
    if (!strcmp(name, "popularity"))
        run->policy = ope_policy_popularity(&run->popularity);
    else if (!strcmp(name, "logged"))
        run->policy = ope_policy_logged();
    else if (!strcmp(name, "uniform"))
        run->policy = ope_policy_uniform();
    else
        return FAIL(ERR_USAGE, "policy = \"%s\", want uniform, popularity or logged", name);
    snprintf(run->described, sizeof run->described, "%s", run->policy.name);
    return OK;
}

/* ---- The log --------------------------------------------------------------------------------- */

/* The event feature of the slots; NULL: none. */
static const char *position_of(const Behaviour *b, const OpeRunOptions *a)
{
    if (a->position) return strcmp(a->position, "none") ? a->position : NULL;
    for (int k = 0; k < b->event_features.numbers; k++)
        if (!strcmp(b->event_features.number_name[k], "position")) return "position";
    return NULL;
}

/* A model that counts the split's events, or has learned them, would seem better than it is. */
static Status check_known(const OpeRun *run, int split)
{
    const OpeRunOptions *a = &run->options;
    const int known = run->session ? run->session->model->known : 1;
    if (split < SPLIT_VALID || split >= known || a->force) return OK;
    return FAIL(ERR_USAGE,
                "%s counts the events of the %s split or has learned them, so it knows what it is "
                "judged by; --force estimates all the same",
                a->checkpoint, splits[split]);
}

/* *split as it is where none is named. */
static Status find_split(const char *name, int *split)
{
    int s = 0;
    if (!name) return OK;
    while (s <= SPLITS && strcmp(name, splits[s]) != 0) s++;
    if (s > SPLITS) return FAIL(ERR_USAGE, "split = \"%s\", want train, valid, test or all", name);
    return *split = s, OK;
}

static Status find_kind(const char *name, bool *sequential)
{
    if (!name) return OK;
    *sequential = !strcmp(name, "sequential");
    if (*sequential || !strcmp(name, "bandit")) return OK;
    return FAIL(ERR_USAGE, "log = \"%s\", want bandit or sequential", name);
}

static Status open_log(OpeRun *run, OpeReportContext *c)
{
    const OpeRunOptions *a = &run->options;
    int split = run->policy.fitted ? SPLIT_TEST : SPLITS;
    bool sequential = ope_log_is_sequential(&run->file);
    TRY(find_split(a->split, &split));
    TRY(find_kind(a->log, &sequential));
    c->split = splits[split];
    c->position = position_of(&run->file, a);
    TRY(check_known(run, split));
    TRY(ope_log_open(&run->log, &run->file,
                     &(OpeLogOptions){.split = split,
                                      .sequential = sequential,
                                      .history = run->policy.history,
                                      .position = c->position,
                                      .catalogue = &run->catalogue}));
    return ope_catalogue_check(&run->catalogue, &run->file, run->log.event, run->log.item,
                               run->log.count);
}

/* ---- All of it ------------------------------------------------------------------------------- */

static Status check(const OpeRunOptions *a)
{
    if (!!a->policy + !!a->checkpoint + !!a->probabilities > 1)
        return FAIL(ERR_USAGE,
                    "--policy, --checkpoint and --probabilities exclude each other, want one "
                    "policy");
    if (a->checkpoint && a->catalogue)
        return FAIL(ERR_USAGE,
                    "--catalogue is for simple policies: a model chooses among the items that it "
                    "was trained on");
    return OK;
}

static Status evaluate(OpeRun *run)
{
    const OpeRunOptions *a = &run->options;
    OpeReportContext *context = &run->context;
    *context =
        (OpeReportContext){.data = a->data, .policy = run->described, .catalogue = a->catalogue};
    TRY(check(a));
    TRY(behaviour_open(&run->file, a->data));
    TRY(ope_catalogue_open(&run->catalogue, &run->file, a->catalogue));
    TRY(open_policy(run));
    TRY(open_log(run, context));
    if (run->session && run->log.sequential && !run->policy.model)
        listener_warn(a->ope.listener,
                      "fitted Q evaluation and sequential DR are left out: they do not work with "
                      "the rule allowed, with mixed under learn.log_values, and where "
                      "exclude_last is above 0");
    if (a->policy && !strcmp(a->policy, "popularity"))
        TRY(ope_policy_popularity_fit(&run->popularity, &run->log, context->position));
    TRY(ope_run(&run->result, &run->log, &run->policy, &a->ope));
    if (ope_overlaps(&run->result, &run->log, run->why, sizeof run->why)) return OK;
    context->refusal = run->why;
    run->refused = !a->force;
    if (!run->refused) return OK;
    return FAIL(ERR_FORMAT, "%s, policy %s: %s; --force estimates all the same", a->data,
                run->described, run->why);
}

Status run_ope(OpeRun *run, const OpeRunOptions *options)
{
    *run = (OpeRun){.options = *options};
    run->options.ope.folds = FOLDS;
    run->options.ope.bootstrap.threads = parallel_threads(options->threads);
    return evaluate(run);
}

void run_ope_close(OpeRun *run)
{
    ope_policy_popularity_close(&run->popularity);
    ope_policy_file_close(&run->file_policy);
    ope_catalogue_close(&run->catalogue);
    ope_log_close(&run->log);
    session_close(run->session);
    behaviour_close(&run->file);
}
