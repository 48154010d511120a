/* Importance weighting of a bandit log: formulas in ope_estimators.h. */
#include <math.h>

#include "evaluate/ope/estimators.h"

static void ips(const OpeData *d, const OpeTerms *t)
{
    for (int64_t u = 0; u < d->log->users; u++)
        for (int64_t i = d->log->first[u]; i < d->log->first[u + 1]; i++)
            t->plain[u] += d->weight[i] * (double)d->log->reward[i];
}

static void clipped_ips(const OpeData *d, const OpeTerms *t)
{
    for (int64_t u = 0; u < d->log->users; u++)
        for (int64_t i = d->log->first[u]; i < d->log->first[u + 1]; i++)
            t->plain[u] += fmin(d->weight[i], d->clip) * (double)d->log->reward[i];
}

static void snips(const OpeData *d, const OpeTerms *t)
{
    for (int64_t u = 0; u < d->log->users; u++)
        for (int64_t i = d->log->first[u]; i < d->log->first[u + 1]; i++) {
            t->top[u] += d->weight[i] * (double)d->log->reward[i];
            t->bottom[u] += d->weight[i];
        }
}

const OpeEstimator weighting_ips = {"IPS", "nothing: unbiased", OPE_BANDIT, true, ips};
const OpeEstimator weighting_clipped_ips = {"clipped IPS", "no weight above the clip", OPE_BANDIT,
                                            true, clipped_ips};
const OpeEstimator weighting_snips = {"SNIPS", "a large log: bias ~ 1/n", OPE_BANDIT, false, snips};
