/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/estimators/sequential.h"

#include <math.h>

/* Sums over one episode. */
typedef struct {
    double log_weight; /* log w_T */
    double sum;        /* sum_t gamma^t r_t */
    double stepwise;   /* sum_t gamma^t w_t r_t */
} EpisodeSums;

/* exp(logarithm) x, where 0 x has no size, however large the first factor is. */
static double product(double logarithm, double x) { return x != 0.0 ? exp(logarithm) * x : 0.0; }

static EpisodeSums sum_episode(const OpeData *d, int64_t first, int64_t end)
{
    EpisodeSums e = {0};
    double discount = 1.0, log_discount = 0.0;
    for (int64_t i = first; i < end; i++) {
        const double reward = (double)d->log->reward[i];
        e.log_weight += log(d->weights->ratio[i]);
        e.sum += discount * reward;
        e.stepwise += product(e.log_weight + log_discount, reward);
        discount *= d->gamma;
        log_discount += log(d->gamma);
    }
    return e;
}

/* Calls `add` for each episode, in order, with the index of its user. */
static void each_episode(const OpeData *d, const OpeTerms *t,
                         void (*add)(const OpeTerms *t, int64_t user, const EpisodeSums *e,
                                     double log_scale))
{
    const OpeLog *log = d->log;
    for (int64_t k = 0, u = 0; k < log->episodes; k++) {
        while (log->first[u + 1] <= log->episode[k]) u++;
        const EpisodeSums e = sum_episode(d, log->episode[k], log->episode[k + 1]);
        add(t, u, &e, d->weights->overlap.log_scale);
    }
}

static void add_tis(const OpeTerms *t, int64_t u, const EpisodeSums *e, double log_scale)
{
    (void)log_scale;
    t->plain[u] += product(e->log_weight, e->sum);
}

static void add_pdis(const OpeTerms *t, int64_t u, const EpisodeSums *e, double log_scale)
{
    (void)log_scale;
    t->plain[u] += e->stepwise;
}

/* The greatest weight cancels, so the quotient exists where the weights have no doubles. */
static void add_sn_tis(const OpeTerms *t, int64_t u, const EpisodeSums *e, double log_scale)
{
    t->top[u] += exp(e->log_weight - log_scale) * e->sum;
    t->bottom[u] += exp(e->log_weight - log_scale);
}

static void add_logged(const OpeTerms *t, int64_t u, const EpisodeSums *e, double log_scale)
{
    (void)log_scale;
    t->plain[u] += e->sum;
}

static void logged(const OpeData *d, const OpeTerms *t) { each_episode(d, t, add_logged); }
static void tis(const OpeData *d, const OpeTerms *t) { each_episode(d, t, add_tis); }
static void pdis(const OpeData *d, const OpeTerms *t) { each_episode(d, t, add_pdis); }
static void sn_tis(const OpeData *d, const OpeTerms *t) { each_episode(d, t, add_sn_tis); }

static void fqe(const OpeData *d, const OpeTerms *t)
{
    const OpeLog *log = d->log;
    for (int64_t k = 0, u = 0; k < log->episodes; k++) {
        while (log->first[u + 1] <= log->episode[k]) u++;
        t->plain[u] += d->fqe->value[log->episode[k]];
        for (int64_t i = log->episode[k]; i < log->episode[k + 1]; i++)
            t->plain[u] += d->fqe->influence[i];
    }
}

/* The recursion of Jiang & Li, from the last step of an episode to its first. */
static void dr(const OpeData *d, const OpeTerms *t)
{
    const OpeLog *log = d->log;
    for (int64_t k = 0, u = 0; k < log->episodes; k++) {
        while (log->first[u + 1] <= log->episode[k]) u++;
        double after = 0.0;
        for (int64_t i = log->episode[k + 1]; i-- > log->episode[k];) {
            const double error = (double)log->reward[i] + d->gamma * after - d->fqe->fitted[i];
            after = d->fqe->value[i] + d->weights->ratio[i] * error;
        }
        t->plain[u] += after;
    }
}

const OpeEstimator sequential_logged = {
    .name = "the log",
    .help = "what the logging policy earned: the mean of the log",
    .assumes = "nothing: as it was logged",
    .kind = OPE_ANY,
    .bernstein = true,
    .terms = logged,
};
const OpeEstimator sequential_tis = {
    .name = "TIS",
    .help = "trajectory importance sampling: a return times all weights of its episode",
    .assumes = "nothing: unbiased",
    .kind = OPE_SEQUENTIAL,
    .bernstein = true,
    .terms = tis,
};
const OpeEstimator sequential_pdis = {
    .name = "PDIS",
    .help = "per-decision importance sampling: each reward times the weights up to it",
    .assumes = "nothing: unbiased",
    .kind = OPE_SEQUENTIAL,
    .bernstein = true,
    .terms = pdis,
};
const OpeEstimator sequential_sn_tis = {
    .name = "SN-TIS",
    .help = "self-normalised TIS: divided by the sum of the weights",
    .assumes = "a large log: bias ~ 1/n",
    .kind = OPE_SEQUENTIAL,
    .terms = sn_tis,
};
const OpeEstimator sequential_dr = {
    .name = "seq-DR",
    .help = "DR at each step of an episode, with the fitted Q",
    .assumes = "a large log: Q is fitted to it too",
    .kind = OPE_FITTED,
    .terms = dr,
};
const OpeEstimator sequential_fqe = {
    .name = "FQE",
    .help = "fitted Q evaluation: the value of the first states by the fitted Q",
    .assumes = "Q is linear in the model's states",
    .kind = OPE_FITTED,
    .terms = fqe,
};
