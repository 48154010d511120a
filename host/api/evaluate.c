/* SPDX-License-Identifier: Apache-2.0 */
#include "souk.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#include "api/call.h"
#include "api/follow.h"
#include "evaluate/ranking/report_json.h"
#include "evaluate/run/ope.h"
#include "evaluate/run/ranking.h"

enum { THREADS_MAX = 4096 };

/* Calls back with the report as text. Takes `root`, also on failure. */
static Status hand_out(json_t *root, souk_message_callback report, void *context)
{
    if (!root)
        return FAIL(ERR_FORMAT, "a text in the report is not UTF-8, want UTF-8 names and paths");
    char *text = json_dumps(root, REPORT_9DIGITS);
    json_decref(root);
    if (!text) return FAIL(ERR_MEMORY, "no memory for the report");
    report(context, text);
    free(text);
    return OK;
}

static Status check_threads(int64_t threads)
{
    if (threads >= 0 && threads <= THREADS_MAX) return OK;
    return FAIL(ERR_USAGE, "options->threads is %" PRId64 ", want 0 to %d", threads, THREADS_MAX);
}

/* A number of the options that must be in a range; also refuses NaN. */
static Status check_number(const char *name, double value, double low, double high)
{
    if (value >= low && value <= high) return OK;
    return FAIL(ERR_USAGE, "options->%s is %g, want %g to %g", name, value, low, high);
}

/* ---- Ranking --------------------------------------------------------------------------------- */

static Status evaluate(const souk_evaluate_options *given)
{
    souk_evaluate_options o = SOUK_EVALUATE_OPTIONS_INIT;
    Status st;
    TRY(call_options(&o, sizeof o, CALL_LEAST(souk_evaluate_options, context), given, "options"));
    TRY(call_needs(o.data, "options->data"));
    TRY(call_needs(o.split, "options->split"));
    TRY(call_needs((const void *)o.report, "options->report"));
    TRY(check_threads(o.threads));
    TRY(check_number("users", (double)o.users, 0.0, 1e18));
    if (o.against && !o.checkpoint)
        return FAIL(ERR_USAGE, "options->against without options->checkpoint, want both");
    const char *const models[] = {o.against ? o.against : o.checkpoint, o.checkpoint};
    const int count = !o.checkpoint ? 0 : o.against ? 2 : 1;
    Follow listener = follow(o.progress, o.message, o.context, NULL);
    RankingRun *run = calloc(1, sizeof *run);
    if (!run) return FAIL(ERR_MEMORY, "no memory for an evaluation");
    TRY_OR_FAIL(st, run_ranking(run, &(RankingRunOptions){.data = o.data,
                                                          .device = o.device ? o.device : "cpu",
                                                          .checkpoint = models,
                                                          .checkpoints = count,
                                                          .seeds = 1,
                                                          .acting = {o.acting, o.exclude_last},
                                                          .purchase = o.purchase,
                                                          .split = o.split,
                                                          .users = o.users,
                                                          .seed = (uint64_t)o.seed,
                                                          .threads = (int)o.threads,
                                                          .include_seen = o.seen > 0,
                                                          .exclude_seen = o.seen < 0,
                                                          .force = o.force,
                                                          .listener = &listener.listener}));
    const RankingReportContext context = run_ranking_context(run);
    st = hand_out(ranking_report_json_value(&run->evaluation, &context), o.report, o.context);
fail:
    run_ranking_close(run);
    free(run);
    return st;
}

souk_status souk_evaluate(const souk_evaluate_options *options, souk_error *error)
{
    call_begin();
    return call_end(evaluate(options), error);
}

/* ---- Off-policy ------------------------------------------------------------------------------ */

/* The ranges are those of the command. */
static Status check_ope(const souk_ope_options *o)
{
    TRY(call_needs(o->data, "options->data"));
    TRY(call_needs((const void *)o->report, "options->report"));
    TRY(check_threads(o->threads));
    TRY(check_number("temperature", o->temperature, 1e-6, 1e6));
    TRY(check_number("epsilon", o->epsilon, -INFINITY, 1.0));
    TRY(check_number("gamma", o->gamma, 0.0, 1.0));
    TRY(check_number("clip", o->clip, 0.0, 1e12));
    TRY(check_number("ridge", o->ridge, 1e-6, 1e12));
    TRY(check_number("min_ess", o->min_ess, 0.0, 1e18));
    TRY(check_number("fqe_steps", (double)o->fqe_steps, 1.0, 1e12));
    return check_number("replicates", (double)o->replicates, 40.0, 1e6);
}

static OpeRunOptions ope_options(const souk_ope_options *o, Listener *listener)
{
    return (OpeRunOptions){
        .data = o->data,
        .device = o->device ? o->device : "cpu",
        .checkpoint = o->checkpoint,
        .probabilities = o->probabilities,
        .policy = o->policy,
        .acting = {o->acting, o->exclude_last},
        .temperature = o->temperature,
        .epsilon = o->epsilon < 0.0 ? (double)NAN : o->epsilon,
        .split = o->split,
        .log = o->log,
        .catalogue = o->catalogue,
        .position = o->position,
        .force = o->force,
        .threads = (int)o->threads,
        .ope = {.clip = o->clip,
                .gamma = o->gamma,
                .ridge = o->ridge,
                .channels = o->channels,
                .fqe_steps = o->fqe_steps,
                .ess_wanted = o->min_ess,
                .listener = listener,
                .bootstrap = {.replicates = (int)o->replicates, .seed = (uint64_t)o->seed}},
    };
}

static Status ope(const souk_ope_options *given)
{
    souk_ope_options o = SOUK_OPE_OPTIONS_INIT;
    Status st;
    TRY(call_options(&o, sizeof o, CALL_LEAST(souk_ope_options, context), given, "options"));
    TRY(check_ope(&o));
    Follow listener = follow(o.progress, o.message, o.context, NULL);
    const OpeRunOptions how = ope_options(&o, &listener.listener);
    OpeRun *run = calloc(1, sizeof *run);
    if (!run) return FAIL(ERR_MEMORY, "no memory for an evaluation");
    TRY_OR_FAIL(st, run_ope(run, &how));
    st = hand_out(ope_report_value(&run->result, &run->log, &run->options.ope, &run->context),
                  o.report, o.context);
fail:
    run_ope_close(run);
    free(run);
    return st;
}

souk_status souk_ope(const souk_ope_options *options, souk_error *error)
{
    call_begin();
    return call_end(ope(options), error);
}
