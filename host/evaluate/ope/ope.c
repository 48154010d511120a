/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/ope.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Overlap --------------------------------------------------------------------------------- */

/* In which way the propensities and the catalogue do not go together. */
static void explain(const OpeOverlap *o, const OpeLog *log, int side, char *why, size_t size)
{
    char mean[OPE_WEIGHT_TEXT], error[OPE_WEIGHT_TEXT], cause[128];
    if (side > 0)
        snprintf(cause, sizeof cause,
                 "propensities are too small, or more than %" PRId64
                 " items could be shown (--catalogue)",
                 log->choices);
    else
        snprintf(cause, sizeof cause,
                 "propensities are too large, or the log never shows what the policy would");
    snprintf(why, size,
             "the weights of %" PRId64 " %s have mean %s with standard error %s, wanted 1: %s",
             log->episodes, log->sequential ? "episodes" : "decisions",
             ope_weights_text(mean, o->scaled_mean, o->log_scale),
             ope_weights_text(error, o->scaled_error, o->log_scale), cause);
}

bool ope_overlaps(const OpeResult *r, const OpeLog *log, char *why, size_t size)
{
    const OpeOverlap *o = &r->overlap;
    int side;
    if (o->ess < r->ess_wanted) {
        snprintf(why, size,
                 "the overlap is too small: an effective sample size of %.1f of %" PRId64
                 " %s, wanted %g",
                 o->ess, log->episodes, log->sequential ? "episodes" : "decisions", r->ess_wanted);
        return false;
    }
    if (ope_weights_balanced(o, &side)) return true;
    explain(o, log, side, why, size);
    return false;
}

/* ---- Estimates ------------------------------------------------------------------------------- */

static bool applies(const OpeEstimator *e, const OpeLog *log, const OpePolicy *policy)
{
    switch (e->kind) {
    case OPE_BANDIT: return !log->sequential;
    case OPE_MODEL: return !log->sequential && policy->distribution;
    case OPE_SEQUENTIAL: return log->sequential;
    case OPE_FITTED: return log->sequential && policy->model;
    default: return true;
    }
}

/* Runs the estimators. `space` is zero, for the sizes of users and three terms of each estimator:
 * [1 + 3 estimators, users]. */
static Status estimate(OpeResult *r, const OpeData *data, const Bootstrap *bootstrap, double *space)
{
    const OpeLog *log = data->log;
    OpeTerms terms[ESTIMATORS];
    double *size = space;
    for (int64_t k = 0, u = 0; k < log->episodes; k++) {
        while (log->first[u + 1] <= log->episode[k]) u++;
        size[u] += 1.0;
    }
    for (int k = 0; k < r->estimators; k++) {
        double *of = space + (1 + 3 * k) * log->users;
        terms[k] = (OpeTerms){of, of + log->users, of + 2 * log->users};
        r->estimator[k]->terms(data, &terms[k]);
    }
    return ope_interval_estimates(r->estimate, r->estimators, r->estimator, terms, size, log->users,
                                  bootstrap);
}

/* Gets the probabilities from the policy. On a bandit log, it also fits the reward model if the
 * policy has a distribution over all items. */
static Status ask(OpeReward *reward, double *chosen, const OpeLog *log, const OpePolicy *policy,
                  const OpeOptions *o)
{
    if (log->sequential || !policy->distribution)
        return policy->answer(policy, log, NULL, &(OpeAnswer){.chosen = chosen});
    return ope_reward_fit(reward, chosen, log, policy,
                          &(OpeRewardOptions){o->ridge, o->folds, o->bootstrap.threads});
}

static Status fit_values(OpeFqe *fqe, OpeResult *r, const OpeLog *log, const OpePolicy *policy,
                         const OpeOptions *o)
{
    const OpeFqeOptions options = {.gamma = o->gamma,
                                   .ridge = o->ridge,
                                   .channels = o->channels,
                                   .steps = o->fqe_steps,
                                   .listener = o->listener};
    TRY(ope_fqe_fit(fqe, log, policy->model, &options));
    r->fit = fqe->fit;
    r->channels = fqe->channel ? log->file->actions : 0;
    for (int c = 0; c < r->channels; c++)
        for (int64_t k = 0; k < log->episodes; k++)
            r->channel[c] += fqe->channel[c * log->episodes + k] / (double)log->episodes;
    return OK;
}

Status ope_run(OpeResult *r, const OpeLog *log, const OpePolicy *policy, const OpeOptions *o)
{
    *r = (OpeResult){.clip = o->clip > 0.0 ? o->clip : sqrt((double)log->count),
                     .ess_wanted = o->ess_wanted};
    for (int k = 0; k < ESTIMATORS; k++)
        if (applies(estimators_list[k], log, policy))
            r->estimator[r->estimators++] = estimators_list[k];
    Status st;
    OpeReward reward = {0};
    OpeFqe fqe = {0};
    OpeWeights weights = {0};
    double *chosen = malloc((size_t)log->count * sizeof *chosen);
    double *space = calloc((size_t)log->users * (1 + 3 * (size_t)r->estimators), sizeof *space);
    if (!chosen || !space)
        TRY_OR_FAIL(st,
                    FAIL(ERR_MEMORY, "no memory to evaluate %" PRId64 " decisions", log->count));
    TRY_OR_FAIL(st, ask(&reward, chosen, log, policy, o));
    TRY_OR_FAIL(st, ope_weights_open(&weights, log, chosen));
    r->overlap = weights.overlap;
    if (log->sequential && policy->model) TRY_OR_FAIL(st, fit_values(&fqe, r, log, policy, o));
    const OpeData data = {.log = log,
                          .weights = &weights,
                          .reward = reward.fitted ? &reward : NULL,
                          .fqe = fqe.value ? &fqe : NULL,
                          .clip = r->clip,
                          .gamma = o->gamma};
    st = estimate(r, &data, &o->bootstrap, space);
fail:
    ope_weights_close(&weights);
    ope_reward_close(&reward);
    ope_fqe_close(&fqe);
    free(chosen);
    free(space);
    return st;
}
