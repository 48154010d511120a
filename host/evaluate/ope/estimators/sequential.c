/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/ope/estimators/sequential.h"

/* Sums over one episode. */
typedef struct {
    double weight;   /* w_T */
    double sum;      /* sum_t gamma^t r_t */
    double stepwise; /* sum_t gamma^t w_t r_t */
} EpisodeSums;

static EpisodeSums sum_episode(const OpeData *d, int64_t first, int64_t end)
{
    EpisodeSums e = {.weight = 1.0};
    double discount = 1.0;
    for (int64_t i = first; i < end; i++) {
        e.weight *= d->weight[i];
        e.sum += discount * (double)d->log->reward[i];
        e.stepwise += discount * e.weight * (double)d->log->reward[i];
        discount *= d->gamma;
    }
    return e;
}

/* Calls `add` for each episode, in order, with the index of its user. */
static void each_episode(const OpeData *d, const OpeTerms *t,
                         void (*add)(const OpeTerms *t, int64_t user, const EpisodeSums *e))
{
    const OpeLog *log = d->log;
    for (int64_t k = 0, u = 0; k < log->episodes; k++) {
        while (log->first[u + 1] <= log->episode[k]) u++;
        const EpisodeSums e = sum_episode(d, log->episode[k], log->episode[k + 1]);
        add(t, u, &e);
    }
}

static void add_tis(const OpeTerms *t, int64_t u, const EpisodeSums *e)
{
    t->plain[u] += e->weight * e->sum;
}

static void add_pdis(const OpeTerms *t, int64_t u, const EpisodeSums *e)
{
    t->plain[u] += e->stepwise;
}

static void add_sn_tis(const OpeTerms *t, int64_t u, const EpisodeSums *e)
{
    t->top[u] += e->weight * e->sum;
    t->bottom[u] += e->weight;
}

static void add_logged(const OpeTerms *t, int64_t u, const EpisodeSums *e)
{
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
            after = d->fqe->value[i] + d->weight[i] * error;
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
