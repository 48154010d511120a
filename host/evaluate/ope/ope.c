/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/ope.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Weights --------------------------------------------------------------------------------- */

static double episode_weight(const double *weight, const OpeLog *log, int64_t episode)
{
    double product = 1.0;
    for (int64_t i = log->episode[episode]; i < log->episode[episode + 1]; i++)
        product *= weight[i];
    return product;
}

/* The number after the last episode of user u. */
static int64_t episodes_end(const OpeLog *log, int64_t u, int64_t first)
{
    while (first < log->episodes && log->episode[first] < log->first[u + 1]) first++;
    return first;
}

/* The mean weight, the largest, and the effective sample size. */
static void measure_weights(OpeResult *r, const double *weight, const OpeLog *log)
{
    double sum = 0.0, square = 0.0;
    for (int64_t u = 0, k = 0; u < log->users; u++) {
        double of_user = 0.0;
        for (const int64_t end = episodes_end(log, u, k); k < end; k++) {
            const double w = episode_weight(weight, log, k);
            of_user += w;
            square += w * w;
            r->largest = fmax(r->largest, w);
        }
        sum += of_user;
    }
    r->mean = sum / (double)log->episodes;
    r->ess = square > 0.0 ? sum * sum / square : 0.0;
}

/* The standard error of the mean weight, over users. */
static double weight_error(const double *weight, const OpeLog *log, double mean)
{
    const double users = (double)log->users;
    double residual = 0.0;
    for (int64_t u = 0, k = 0; u < log->users; u++) {
        double of_user = 0.0;
        for (const int64_t end = episodes_end(log, u, k); k < end; k++)
            of_user += episode_weight(weight, log, k) - mean;
        residual += of_user * of_user;
    }
    return sqrt(users / (users - 1.0) * residual) / (double)log->episodes;
}

bool ope_overlaps(const OpeResult *r, const OpeLog *log, char *why, size_t size)
{
    const char *what = log->sequential ? "episodes" : "decisions";
    const double slack = OPE_WEIGHT_SLACK + 4.0 * r->error;
    if (!(r->ess >= r->ess_wanted)) {
        snprintf(why, size,
                 "the overlap is too small: an effective sample size of %.1f of %" PRId64
                 " %s, wanted %g",
                 r->ess, log->episodes, what, r->ess_wanted);
        return false;
    }
    if (fabs(r->mean - 1.0) > slack) {
        snprintf(why, size,
                 "the weights of %" PRId64
                 " %s have mean %.4f, wanted 1 +- %.4f: the propensities are "
                 "wrong, or the log never shows what the policy would",
                 log->episodes, what, r->mean, slack);
        return false;
    }
    return true;
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
    const OpeFqeOptions options = {o->gamma, o->ridge, o->channels};
    TRY(ope_fqe_fit(fqe, log, policy->model, &options));
    r->sweeps = fqe->sweeps;
    r->converged = fqe->converged;
    r->residual = fqe->residual;
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
    double *weight = malloc((size_t)log->count * sizeof *weight);
    double *space = calloc((size_t)log->users * (1 + 3 * (size_t)r->estimators), sizeof *space);
    if (!weight || !space)
        TRY_OR_FAIL(st,
                    FAIL(ERR_MEMORY, "no memory to evaluate %" PRId64 " decisions", log->count));
    TRY_OR_FAIL(st, ask(&reward, weight, log, policy, o));
    if (log->sequential && policy->model) TRY_OR_FAIL(st, fit_values(&fqe, r, log, policy, o));
    for (int64_t i = 0; i < log->count; i++) weight[i] /= (double)log->propensity[i];
    measure_weights(r, weight, log);
    r->error = weight_error(weight, log, r->mean);
    const OpeData data = {.log = log,
                          .weight = weight,
                          .reward = reward.fitted ? &reward : NULL,
                          .fqe = fqe.value ? &fqe : NULL,
                          .clip = r->clip,
                          .gamma = o->gamma};
    st = estimate(r, &data, &o->bootstrap, space);
fail:
    ope_reward_close(&reward);
    ope_fqe_close(&fqe);
    free(weight);
    free(space);
    return st;
}
