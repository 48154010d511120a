/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/estimators/doubly.h"

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

/* The weights of DR, Switch-DR and DRos. */
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
            t->plain[u] +=
                d->reward->direct[i] + weight(d->weights->ratio[i], d->clip) * residual(d, i);
}

static void dr(const OpeData *d, const OpeTerms *t) { corrected(d, t, whole); }
static void switch_dr(const OpeData *d, const OpeTerms *t) { corrected(d, t, switched); }
static void dros(const OpeData *d, const OpeTerms *t) { corrected(d, t, shrunk); }

static void sn_dr(const OpeData *d, const OpeTerms *t)
{
    for (int64_t u = 0; u < d->log->users; u++)
        for (int64_t i = d->log->first[u]; i < d->log->first[u + 1]; i++) {
            t->plain[u] += d->reward->direct[i];
            t->top[u] += d->weights->ratio[i] * residual(d, i);
            t->bottom[u] += d->weights->ratio[i];
        }
}

const OpeEstimator doubly_dm = {
    .name = "DM",
    .help = "direct method: the policy's mean reward by the reward model",
    .assumes = "a right reward model",
    .kind = OPE_MODEL,
    .terms = dm,
};
const OpeEstimator doubly_dr = {
    .name = "DR",
    .help = "doubly robust: DM, whose errors are corrected by IPS",
    .assumes = "nothing: unbiased",
    .kind = OPE_MODEL,
    .bernstein = true,
    .terms = dr,
};
const OpeEstimator doubly_sn_dr = {
    .name = "SN-DR",
    .help = "DR with a correction that is self-normalised",
    .assumes = "a large log: bias ~ 1/n",
    .kind = OPE_MODEL,
    .terms = sn_dr,
};
const OpeEstimator doubly_switch_dr = {
    .name = "Switch-DR",
    .help = "DR without the correction where a weight is above the clip",
    .assumes = "right model above the clip",
    .kind = OPE_MODEL,
    .bernstein = true,
    .terms = switch_dr,
};
const OpeEstimator doubly_dros = {
    .name = "DRos",
    .help = "DR whose large weights are shrunk smoothly",
    .assumes = "right model at large weights",
    .kind = OPE_MODEL,
    .bernstein = true,
    .terms = dros,
};
