#include "evaluate/ope/ope.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- Weights -------------------------------------------------------------------------------------- */

static void weigh(double *weight, const double *chosen, const OpeLog *log)
{
    for (int64_t i = 0; i < log->count; i++) weight[i] = chosen[i] / (double)log->propensity[i];
}

static void watch_weights(OpeResult *r, const double *weight, const OpeLog *log)
{
    double sum = 0.0, square = 0.0, residual = 0.0;
    int64_t k = 0;
    for (int pass = 0; pass < 2; pass++, k = 0)
        for (int64_t u = 0; u < log->users; u++) {
            double of_user = 0.0;
            for (; k < log->episodes && log->episode[k] < log->first[u + 1]; k++) {
                double w = 1.0;
                for (int64_t i = log->episode[k]; i < log->episode[k + 1]; i++) w *= weight[i];
                of_user += pass ? w - r->mean : w;
                if (!pass) square += w * w, r->largest = fmax(r->largest, w);
            }
            if (pass)
                residual += of_user * of_user;
            else
                sum += of_user;
            if (!pass && u + 1 == log->users) r->mean = sum / (double)log->episodes;
        }
    const double users = (double)log->users;
    r->error = sqrt(users / (users - 1.0) * residual) / (double)log->episodes;
    r->ess = square > 0.0 ? sum * sum / square : 0.0;
}

bool ope_overlaps(const OpeResult *r, const OpeLog *log, char *why, size_t size)
{
    const char *what = log->sequential ? "episodes" : "decisions";
    const double slack = OPE_WEIGHT_SLACK + 4.0 * r->error;
    if (!(r->ess >= r->ess_wanted)) {
        snprintf(why, size,
                 "the overlap is too small: an effective sample size of %.1f of %lld %s, wanted %g",
                 r->ess, (long long)log->episodes, what, r->ess_wanted);
        return false;
    }
    if (fabs(r->mean - 1.0) > slack) {
        snprintf(why, size,
                 "the weights of %lld %s have mean %.4f, wanted 1 +- %.4f: the propensities are "
                 "wrong, or the log never shows what the policy would",
                 (long long)log->episodes, what, r->mean, slack);
        return false;
    }
    return true;
}

/* ---- Estimates ------------------------------------------------------------------------------------ */

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

/* Terms of all estimators and the size of users, in `space` [users, 1 + 3 estimators]. */
static Status estimate(OpeResult *r, const OpeData *data, const Bootstrap *bootstrap, double *space)
{
    const OpeLog *log = data->log;
    OpeTerms terms[OPE_ESTIMATORS];
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

/* Probabilities of the policy and, where it knows its distribution, the reward model. */
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
    for (int k = 0; k < OPE_ESTIMATORS; k++)
        if (applies(ope_estimators[k], log, policy))
            r->estimator[r->estimators++] = ope_estimators[k];
    OpeReward reward = {0};
    OpeFqe fqe = {0};
    double *weight = malloc((size_t)log->count * sizeof *weight);
    double *space = calloc((size_t)log->users * (1 + 3 * (size_t)r->estimators), sizeof *space);
    Status st = weight && space ? OK
                                : FAIL(ERR_MEMORY, "no memory to evaluate %lld decisions",
                                       (long long)log->count);
    if (st == OK) st = ask(&reward, weight, log, policy, o);
    if (st == OK && log->sequential && policy->model) st = fit_values(&fqe, r, log, policy, o);
    if (st == OK) {
        weigh(weight, weight, log);
        watch_weights(r, weight, log);
        const OpeData data = {
            log,     weight,  reward.fitted ? &reward : NULL, fqe.value ? &fqe : NULL,
            r->clip, o->gamma};
        st = estimate(r, &data, &o->bootstrap, space);
    }
    ope_reward_close(&reward);
    ope_fqe_close(&fqe);
    free(weight);
    free(space);
    return st;
}
