/* With a reward model, of a bandit log: formulas in ope_estimators.h. */
#include "evaluate/ope/estimators.h"

static void dm(const OpeData *d, const OpeTerms *t)
{
    for (int64_t u = 0; u < d->log->users; u++)
        for (int64_t i = d->log->first[u]; i < d->log->first[u + 1]; i++)
            t->plain[u] += d->reward->direct[i] + d->reward->influence[i];
}

static double residual(const OpeData *d, int64_t i)
{
    return (double)d->log->reward[i] - d->reward->fitted[i];
}

static double whole(double w, double clip)
{
    (void)clip;
    return w;
}

static double switched(double w, double clip) { return w <= clip ? w : 0.0; }

static double shrunk(double w, double clip) { return clip * clip * w / (w * w + clip * clip); }

static void corrected(const OpeData *d, const OpeTerms *t, double (*weight)(double w, double clip))
{
    for (int64_t u = 0; u < d->log->users; u++)
        for (int64_t i = d->log->first[u]; i < d->log->first[u + 1]; i++)
            t->plain[u] += d->reward->direct[i] + weight(d->weight[i], d->clip) * residual(d, i);
}

static void dr(const OpeData *d, const OpeTerms *t) { corrected(d, t, whole); }
static void switch_dr(const OpeData *d, const OpeTerms *t) { corrected(d, t, switched); }
static void dros(const OpeData *d, const OpeTerms *t) { corrected(d, t, shrunk); }

static void sn_dr(const OpeData *d, const OpeTerms *t)
{
    for (int64_t u = 0; u < d->log->users; u++)
        for (int64_t i = d->log->first[u]; i < d->log->first[u + 1]; i++) {
            t->plain[u] += d->reward->direct[i];
            t->top[u] += d->weight[i] * residual(d, i);
            t->bottom[u] += d->weight[i];
        }
}

const OpeEstimator doubly_dm = {"DM", "a right reward model", OPE_MODEL, false, dm};
const OpeEstimator doubly_dr = {"DR", "nothing: unbiased", OPE_MODEL, true, dr};
const OpeEstimator doubly_sn_dr = {"SN-DR", "a large log: bias ~ 1/n", OPE_MODEL, false, sn_dr};
const OpeEstimator doubly_switch_dr = {"Switch-DR", "right model above the clip", OPE_MODEL, true,
                                       switch_dr};
const OpeEstimator doubly_dros = {"DRos", "right model at large weights", OPE_MODEL, true, dros};
