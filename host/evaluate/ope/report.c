/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/report.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/report.h"

static const double log10_of_e = 0.43429448190325182765;

static void print_log(FILE *out, const OpeLog *log, const OpeOptions *o, const OpeReportContext *c)
{
    fprintf(out, "%s, %s: %" PRId64 " decisions of %" PRId64 " users among %" PRId64 " items%s\n",
            c->data, c->split, log->count, log->users, log->choices,
            c->catalogue ? " that could be shown" : "");
    if (log->sequential)
        fprintf(out,
                "  %" PRId64
                " episodes; the value of one is the sum of its rewards, discounted by %g\n",
                log->episodes, o->gamma);
    else
        fputs(
            "  each decision is evaluated by itself; the value is the mean reward of a decision\n",
            out);
    if (log->openings)
        fprintf(out,
                "  %" PRId64
                " events are left out: they open a history with propensity 1, and are no choice\n",
                log->openings);
    if (log->no_history)
        fprintf(out,
                "  %" PRId64
                " events of a user's first time are left out: the policy needs a history\n",
                log->no_history);
    if (log->as_logged)
        fprintf(out,
                "  %" PRId64
                " decisions of a user's first time stay as logged: the policy needs a history\n",
                log->as_logged);
    if (c->position) {
        fprintf(out, "  slots by %s:", c->position);
        for (int s = 0; s < log->slots; s++) fprintf(out, " %g", (double)log->slot_value[s]);
        fputc('\n', out);
    }
}

static void print_weights(FILE *out, const OpeResult *r, const OpeLog *log)
{
    const OpeOverlap *o = &r->overlap;
    char mean[OPE_WEIGHT_TEXT], error[OPE_WEIGHT_TEXT], largest[OPE_WEIGHT_TEXT];
    fprintf(out,
            "  weights: mean %s (expected 1, standard error %s), largest %s\n"
            "  effective sample size %.1f of %" PRId64 " (%.3g %%), want at least %g; clip %g\n",
            ope_weights_text(mean, o->scaled_mean, o->log_scale),
            ope_weights_text(error, o->scaled_error, o->log_scale),
            ope_weights_text(largest, o->scaled_mean > 0.0, o->log_scale), o->ess, log->episodes,
            100.0 * o->ess / (double)log->episodes, r->ess_wanted, r->clip);
}

static void print_interval(FILE *out, double low, double high)
{
    if (isfinite(low) && isfinite(high))
        fprintf(out, "  %9.4g .. %-9.4g", low, high);
    else
        fprintf(out, "  %9s    %-9s", "-", "");
}

static void print_fitted(FILE *out, const OpeResult *r, const OpeLog *log)
{
    const OpeFqeFit *fit = &r->fit;
    if (!fit->sweeps) return;
    fprintf(out,
            "\n  FQE: %d sweeps of %" PRId64
            " steps, V %s; the root mean square of its TD errors is %.4g\n",
            fit->sweeps, fit->steps, fit->converged ? "has converged" : "HAS NOT CONVERGED",
            fit->residual);
    if (r->channels)
        fputs("  the value of FQE, split by the kind of action that brings the rewards:\n", out);
    for (int c = 0; c < r->channels; c++)
        fprintf(out, "    %-20s %9.4g\n", log->file->action_name[c], r->channel[c]);
}

void ope_report_print(FILE *out, const OpeResult *r, const OpeLog *log, const OpeOptions *options,
                      const OpeReportContext *context)
{
    print_log(out, log, options, context);
    fprintf(out, "policy: %s\n", context->policy);
    print_weights(out, r, log);
    if (context->refusal) fprintf(out, "  UNRELIABLE: %s\n", context->refusal);
    fprintf(out, "\n  %-11s %9s  %-22s  %-22s  %s\n", "", "value", "    95 % bootstrap",
            "  empirical Bernstein", "assumes");
    int undefined = 0;
    for (int k = 0; k < r->estimators; k++) {
        const OpeEstimate *e = &r->estimate[k];
        if (isfinite(e->value))
            fprintf(out, "  %-11s %9.4g", r->estimator[k]->name, e->value);
        else
            fprintf(out, "  %-11s %9s", r->estimator[k]->name, "-");
        undefined += !isfinite(e->value);
        print_interval(out, e->low, e->high);
        print_interval(out, e->bernstein_low, e->bernstein_high);
        fprintf(out, "  %s\n", r->estimator[k]->assumes);
    }
    if (undefined)
        fputs("  An estimate without a value has weights above the largest number, 1.8e308.\n",
              out);
    print_fitted(out, r, log);
    fputs("\n  Intervals are over users. All estimators assume that the propensities are true. The "
          "Bernstein\n"
          "  interval is wide. It is valid for small samples too, if no weight above the observed "
          "ones can occur.\n",
          out);
}

static json_t *fitted(const OpeResult *r, const OpeLog *log)
{
    if (!r->fit.sweeps) return json_null();
    json_t *channels = json_object();
    for (int c = 0; c < r->channels; c++)
        json_object_set_new(channels, log->file->action_name[c], report_number(r->channel[c]));
    return json_pack("{s:i, s:I, s:b, s:o, s:o}", "sweeps", r->fit.sweeps, "steps",
                     (json_int_t)r->fit.steps, "settled", r->fit.converged, "td_error",
                     report_number(r->fit.residual), "channels", channels);
}

json_t *ope_report_value(const OpeResult *r, const OpeLog *log, const OpeOptions *o,
                         const OpeReportContext *c)
{
    json_t *estimators = json_array();
    for (int k = 0; k < r->estimators; k++) {
        const OpeEstimate *e = &r->estimate[k];
        json_array_append_new(estimators,
                              json_pack("{s:s, s:s, s:o, s:o, s:o, s:o, s:o}", "name",
                                        r->estimator[k]->name, "assumes", r->estimator[k]->assumes,
                                        "value", report_number(e->value), "low",
                                        report_number(e->low), "high", report_number(e->high),
                                        "bernstein_low", report_number(e->bernstein_low),
                                        "bernstein_high", report_number(e->bernstein_high)));
    }
    const OpeOverlap *w = &r->overlap;
    json_t *weights = json_pack(
        "{s:o, s:o, s:o, s:o, s:o, s:o}", "mean", report_number(w->mean), "error",
        report_number(w->error), "largest", report_number(w->largest), "log10_largest",
        report_number(w->scaled_mean > 0.0 ? w->log_scale * log10_of_e : -INFINITY),
        "effective_sample_size", report_number(w->ess), "wanted", report_number(r->ess_wanted));
    return json_pack(
        "{s:s, s:s, s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:i, s:I, s:o, s:s?, "
        "s:o, s:o}",
        "data", c->data, "split", c->split, "policy", c->policy, "sequential", log->sequential,
        "decisions", (json_int_t)log->count, "users", (json_int_t)log->users, "episodes",
        (json_int_t)log->episodes, "openings", (json_int_t)log->openings, "no_history",
        (json_int_t)log->no_history, "as_logged", (json_int_t)log->as_logged, "items",
        (json_int_t)log->choices, "clip", report_number(r->clip), "gamma", report_number(o->gamma),
        "replicates", o->bootstrap.replicates, "seed", (json_int_t)o->bootstrap.seed, "weights",
        weights, "refusal", c->refusal, "estimators", estimators, "fqe", fitted(r, log));
}

Status ope_report_json(const char *path, const OpeResult *r, const OpeLog *log,
                       const OpeOptions *options, const OpeReportContext *context)
{
    return report_write(path, ope_report_value(r, log, options, context), REPORT_9DIGITS);
}
