/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/estimators/weighting.h"

#include <math.h>

static void ips(const OpeData *d, const OpeTerms *t)
{
    for (int64_t u = 0; u < d->log->users; u++)
        for (int64_t i = d->log->first[u]; i < d->log->first[u + 1]; i++)
            t->plain[u] += d->weights->ratio[i] * (double)d->log->reward[i];
}

static void clipped_ips(const OpeData *d, const OpeTerms *t)
{
    for (int64_t u = 0; u < d->log->users; u++)
        for (int64_t i = d->log->first[u]; i < d->log->first[u + 1]; i++)
            t->plain[u] += fmin(d->weights->ratio[i], d->clip) * (double)d->log->reward[i];
}

static void snips(const OpeData *d, const OpeTerms *t)
{
    for (int64_t u = 0; u < d->log->users; u++)
        for (int64_t i = d->log->first[u]; i < d->log->first[u + 1]; i++) {
            t->top[u] += d->weights->ratio[i] * (double)d->log->reward[i];
            t->bottom[u] += d->weights->ratio[i];
        }
}

const OpeEstimator weighting_ips = {
    .name = "IPS",
    .help = "inverse propensity scoring: the mean of weight x reward",
    .assumes = "nothing: unbiased",
    .kind = OPE_BANDIT,
    .bernstein = true,
    .terms = ips,
};
const OpeEstimator weighting_clipped_ips = {
    .name = "clipped IPS",
    .help = "IPS with weights of at most the clip",
    .assumes = "no weight above the clip",
    .kind = OPE_BANDIT,
    .bernstein = true,
    .terms = clipped_ips,
};
const OpeEstimator weighting_snips = {
    .name = "SNIPS",
    .help = "self-normalised IPS: divided by the sum of the weights",
    .assumes = "a large log: bias ~ 1/n",
    .kind = OPE_BANDIT,
    .terms = snips,
};
