/* Of a sequential log: formulas in ope_estimators.h. Also the table of all estimators. */
#include "evaluate/ope/estimators.h"

/* Calls of one episode after the other: the user's, in order. */
typedef struct {
    double weight;   /* w_T */
    double sum;      /* sum_t gamma^t r_t */
    double stepwise; /* sum_t gamma^t w_t r_t */
} Episode;

static Episode run_episode(const OpeData *d, int64_t first, int64_t end)
{
    Episode e = {.weight = 1.0};
    double discount = 1.0;
    for (int64_t i = first; i < end; i++) {
        e.weight *= d->weight[i];
        e.sum += discount * (double)d->log->reward[i];
        e.stepwise += discount * e.weight * (double)d->log->reward[i];
        discount *= d->gamma;
    }
    return e;
}

static void each_episode(const OpeData *d, const OpeTerms *t,
                         void (*add)(const OpeTerms *t, int64_t user, const Episode *e))
{
    const OpeLog *log = d->log;
    for (int64_t k = 0, u = 0; k < log->episodes; k++) {
        while (log->first[u + 1] <= log->episode[k]) u++;
        const Episode e = run_episode(d, log->episode[k], log->episode[k + 1]);
        add(t, u, &e);
    }
}

static void add_tis(const OpeTerms *t, int64_t u, const Episode *e)
{
    t->plain[u] += e->weight * e->sum;
}

static void add_pdis(const OpeTerms *t, int64_t u, const Episode *e) { t->plain[u] += e->stepwise; }

static void add_sn_tis(const OpeTerms *t, int64_t u, const Episode *e)
{
    t->top[u] += e->weight * e->sum;
    t->bottom[u] += e->weight;
}

static void add_logged(const OpeTerms *t, int64_t u, const Episode *e) { t->plain[u] += e->sum; }

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

/* From the last step of an episode to its first: the recursion of Jiang & Li. */
static void sequential_dr(const OpeData *d, const OpeTerms *t)
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

const OpeEstimator sequential_logged = {"the log", "nothing: as it was logged", OPE_ANY, true,
                                        logged};
const OpeEstimator sequential_tis = {"TIS", "nothing: unbiased", OPE_SEQUENTIAL, true, tis};
const OpeEstimator sequential_pdis = {"PDIS", "nothing: unbiased", OPE_SEQUENTIAL, true, pdis};
const OpeEstimator sequential_sn_tis = {"SN-TIS", "a large log: bias ~ 1/n", OPE_SEQUENTIAL, false,
                                        sn_tis};

const OpeEstimator sequential_seq_dr = {"seq-DR", "a large log: Q is fitted to it too", OPE_FITTED,
                                        false, sequential_dr};
const OpeEstimator sequential_fqe = {"FQE", "Q is linear in the model's states", OPE_FITTED, false,
                                     fqe};

const OpeEstimator *const ope_estimators[OPE_ESTIMATORS] = {
    &sequential_logged, &weighting_ips,  &weighting_clipped_ips, &weighting_snips,
    &doubly_dm,         &doubly_dr,      &doubly_sn_dr,          &doubly_switch_dr,
    &doubly_dros,       &sequential_tis, &sequential_pdis,       &sequential_sn_tis,
    &sequential_seq_dr, &sequential_fqe,
};
